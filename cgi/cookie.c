#include "cgi/cookie.h"

enum { COOKIE_MAX = PASS_MAX + 512 };

/* The path is / below a sub-path too: the pages that ask the gate lie beside
 * it. Lax, so that the way back from a shop or a mail shows it. */
static void
add_attributes(struct buf *b, const struct config *c, int64_t seconds)
{
	buf_addf(b, "; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax",
	    (long long)seconds);
	if (str_starts(c->public_url, STR("https://")))
		buf_addz(b, "; Secure");
	if (c->cookie_domain.p != NULL)
		buf_addf(b, "; Domain=%.*s", STR_ARG(c->cookie_domain));
}

int
cookie_set(const struct app *app, const struct access_key *key, int64_t now,
    int64_t seconds, struct reply *p, struct err *e)
{
	struct buf b;
	buf_init(&b, COOKIE_MAX);
	buf_addz(&b, "gatepost=");
	int rc = pass_make(app->config, key, now, seconds, &b, e);
	add_attributes(&b, app->config, seconds);
	if (rc == 0 && !buf_ok(&b))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0)
		reply_header(p, "Set-Cookie", buf_str(&b));
	buf_free(&b);
	return rc;
}

void
cookie_clear(const struct app *app, struct reply *p)
{
	struct buf b;
	buf_init(&b, COOKIE_MAX);
	buf_addz(&b, "gatepost=");
	add_attributes(&b, app->config, 0);
	reply_header(p, "Set-Cookie", buf_str(&b));
	p->failed |= !buf_ok(&b);
	buf_free(&b);
}

#include "cgi/web/cookie.h"

enum { COOKIE_MAX = PASS_MAX + 512 };

#define HOST "__Host-"

enum { NAME_PASS, NAME_VISITOR, NAMES };
static const char *const names[2 * NAMES] = {
	[NAME_PASS] = "gatepost",
	[NAME_VISITOR] = "gatepost_visitor",
	[NAMES + NAME_PASS] = HOST "gatepost",
	[NAMES + NAME_VISITOR] = HOST "gatepost_visitor",
};

/* Pairs with "; " between (RFC 6265, 4.2.1). Several Cookie lines come as one
 * parameter each, or joined by a comma, which no pass holds (RFC 3875, 4.1.18).
 */
static int
next_pair(struct cookie_walk *walk, struct str *pair)
{
	size_t n = 0;
	while (walk->rest.n == 0) {
		walk->rest = request_param_next(&walk->params, "HTTP_COOKIE");
		if (walk->rest.p == NULL)
			return 0;
	}
	struct str rest = walk->rest;
	while (n < rest.n && rest.p[n] != ';' && rest.p[n] != ',')
		n++;
	*pair = str_trim((struct str){ rest.p, n });
	n += n < rest.n;
	walk->rest = (struct str){ rest.p + n, rest.n - n };
	return 1;
}

int
cookie_next(struct cookie_walk *walk, struct str *name, struct str *value)
{
	struct str pair;
	while (next_pair(walk, &pair))
		if (str_cut(pair, '=', name, value))
			return 1;
	return 0;
}

int
cookie_is_pass(struct str name)
{
	for (int i = 0; i < 2 * NAMES; i++)
		if (str_eq_z(name, names[i]))
			return 1;
	return 0;
}

int
cookie_is_host(struct str name)
{
	return str_starts(name, STR(HOST));
}

static int
may_prefix(const struct config *c)
{
	static const struct str https = STR("https://");
	struct str host = c->public_url;
	if (c->cookie_domain.p != NULL || !str_starts(host, https))
		return 0;
	host = (struct str){ host.p + https.n, host.n - https.n };
	return !str_has_byte(host, '/');
}

/* The path is / below a sub-path too: the pages that ask the gate lie beside
 * it. Lax, so that the way back from a shop or a mail shows it. */
static void
add_attributes(
    struct buf *b, const struct config *c, int64_t seconds, int is_host)
{
	buf_addf(b, "; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax",
	    (long long)seconds);
	if (str_starts(c->public_url, STR("https://")))
		buf_addz(b, "; Secure");
	if (c->cookie_domain.p != NULL && !is_host)
		buf_addf(b, "; Domain=%.*s", STR_ARG(c->cookie_domain));
}

int
cookie_set(const struct app *app, const struct access_key *key, int64_t now,
    int64_t seconds, struct reply *p, struct err *e)
{
	const struct config *c = app->config;
	int is_host = may_prefix(c);
	int name = (is_host ? NAMES : 0) +
	    (pass_is_visitor(key) ? NAME_VISITOR : NAME_PASS);
	struct buf b;
	buf_init(&b, COOKIE_MAX);
	buf_addf(&b, "%s=", names[name]);
	int rc = pass_make(c, key, now, seconds, &b, e);
	add_attributes(&b, c, seconds, is_host);
	if (rc == 0 && !buf_ok(&b))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0)
		reply_header(p, "Set-Cookie", buf_str(&b));
	buf_free(&b);
	return rc;
}

static int
was_sent(const struct request *r, const char *want)
{
	struct cookie_walk walk = { .params = r->params };
	struct str name, value;
	while (cookie_next(&walk, &name, &value))
		if (str_eq_z(name, want))
			return 1;
	return 0;
}

void
cookie_clear(const struct app *app, const struct request *r, struct reply *p)
{
	for (int i = 0; i < 2 * NAMES; i++) {
		struct buf b;
		if (!was_sent(r, names[i]))
			continue;
		buf_init(&b, COOKIE_MAX);
		buf_addf(&b, "%s=", names[i]);
		add_attributes(&b, app->config, 0, i >= NAMES);
		reply_header(p, "Set-Cookie", buf_str(&b));
		p->failed |= !buf_ok(&b);
		buf_free(&b);
	}
}

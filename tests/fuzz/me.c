/* POST /me and /me/link: parameters, one a line, an empty line, and the body.
 * {link} stands for a link that signs somebody in. */
#include "cgi/pages/me.h"

#include <jansson.h>

#include "action/mailbox.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/pages/pages.h"
#include "cgi/server/writer.h"
#include "access/link.h"
#include "access/signin.h"
#include "fuzz.h"
#include "secrets.h"

enum { PARAMS_MAX = 64 };

static const struct app app = { .config = &config };
static int asked, used;

/* ---- in place of the database and its writer ------------------------------ */

void
log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

int
writer_enter(struct writers *w, struct request *r, struct reply *p)
{
	(void)w;
	(void)r;
	(void)p;
	return 1;
}

int
writer_chore(struct commit *c, commit_chore_fn *fn, void *arg, struct err *e)
{
	(void)c;
	return fn(NULL, arg, e);
}

/* What is noted is one plain address in lower case. */
int
signin_ask(struct store *s, const struct config *c, struct str email,
    struct str peer, int64_t now, enum signin_answer *out, struct err *e)
{
	(void)s;
	(void)c;
	(void)peer;
	(void)now;
	(void)e;
	HOLD(mailbox_fault(email) == NULL);
	for (size_t i = 0; i < email.n; i++)
		HOLD(email.p[i] < 'A' || email.p[i] > 'Z');
	asked++;
	*out = email.n % 2 == 0 ? SIGNIN_NOTED : SIGNIN_TOO_OFTEN;
	return 0;
}

/* A link is used once here. */
int
signin_use(struct store *s, const struct config *c,
    const struct link_signin *link, int64_t now, int *good, struct err *e)
{
	(void)s;
	(void)c;
	(void)e;
	HOLD(str_eq_z(link->email, "a@example.org") && link->ends > now);
	*good = used++ == 0;
	return 0;
}

/* ---- the answer ----------------------------------------------------------- */

static const char *
header(const struct reply *p, const char *name)
{
	for (size_t i = 0; i < p->n_headers; i++)
		if (strcmp(p->headers[i].name, name) == 0)
			return p->headers[i].value;
	return NULL;
}

static void
check_reply(const struct request *r, const struct reply *p)
{
	struct buf head;
	HOLD(reply_ok(p));
	buf_init(&head, 2 * REPLY_HEAD_MAX);
	HOLD(reply_head(p, &head) == 0);
	buf_free(&head);
	if (p->type != NULL && strcmp(p->type, "application/json") == 0) {
		json_t *v = json_loadb(p->body.p, p->body.n, 0, NULL);
		HOLD(json_is_object(v));
		json_decref(v);
	}
	/* a page of another site */
	if (str_eq_z(request_param(r, "HTTP_SEC_FETCH_SITE"), "cross-site"))
		HOLD((p->status == 403 || p->status == 413) && asked == 0 &&
		    header(p, "Set-Cookie") == NULL);
}

/* Nobody is signed in but by the link. */
static void
check_cookie(const struct reply *p, struct str body, struct str link)
{
	int set = 0;
	for (size_t i = 0; i < p->n_headers; i++) {
		const char *value = p->headers[i].value;
		if (strcmp(p->headers[i].name, "Set-Cookie") != 0)
			continue;
		HOLD(p->status == 303);
		HOLD(strncmp(value, "gatepost", 8) == 0 ||
		    strncmp(value, "__Host-gatepost", 15) == 0);
		/* empty: signed out */
		set += strchr(value, '=')[1] != ';';
	}
	HOLD(set == used);
	if (used > 0)
		HOLD(memmem(body.p, body.n, link.p, link.n) != NULL);
}

static void
check_one(route_handler *handler, struct arena *a, const char *const *params,
    struct str body, struct str link)
{
	struct request r;
	struct reply p;
	asked = used = 0;
	reply_init(&p);
	reply_reset(&p, a);
	request_init(&r, a, params, body, 0);
	/* as the route has it */
	r.segments[0] = STR("me");
	r.segments[1] = STR("link");
	r.n_segments = handler == me_post ? 1 : 2;
	handler(&app, &r, &p);
	check_reply(&r, &p);
	if (handler == me_post) {
		HOLD(p.status == 303 || p.status == 403 || p.status == 413);
		HOLD(asked == 0);
		check_cookie(&p, body, link);
	} else {
		HOLD(p.status == 200 || p.status == 400 || p.status == 403 ||
		    p.status == 413 || p.status == 429);
		HOLD((p.status == 200 || p.status == 429) == (asked == 1));
		HOLD(header(&p, "Set-Cookie") == NULL);
	}
	reply_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[PARAMS_MAX];
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct str text = fuzz_input(data, n), body = STR("");
	struct buf b;
	buf_init(&b, LINK_MAX);
	HOLD(link_signin_make(
		 &config, STR("a@example.org"), time_now(), &b, NULL) == 0);
	const char *at = n == 0 ? NULL : memmem(text.p, n, "\n\n", 2);
	if (at != NULL) {
		text.n = (size_t)(at - text.p);
		body = (struct str){ at + 2, n - text.n - 2 };
		body = fuzz_put(a, body, "{link}", buf_str(&b));
	}
	fuzz_params(a, text, params, PARAMS_MAX);
	check_one(me_post, a, params, body, buf_str(&b));
	check_one(me_link_post, a, params, body, buf_str(&b));
	buf_free(&b);
	arena_free(a);
	return 0;
}

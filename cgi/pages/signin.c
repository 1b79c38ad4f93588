#include <jansson.h>

#include "action/mailbox.h"
#include "base/form.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/cookie.h"
#include "cgi/pages/me.h"
#include "cgi/pages/pages.h"
#include "cgi/web/visitor.h"
#include "cgi/server/writer.h"
#include "commit/commit.h"
#include "access/link.h"
#include "access/signin.h"

/*
 * POST /me: a link from a mail becomes a pass. POST /me/link: a mail with such
 * a link is asked for; nothing that is answered tells whether the address is
 * known, access/signin.h.
 */
enum { BODY_MAX = 16 * 1024 }; /* bytes */

#define NOT_WHOLE \
	"This link is over, was used, or is not whole. A link is good for 24 " \
	"hours, and after its first use for ten minutes; ask for a new one."
#define FOREIGN "Another page sent you here. Press the button again."
#define NO_ADDRESS "That is not an e-mail address."
#define TOO_OFTEN "Too many links were asked for from here. Try in an hour."
#define NOT_NOW "This cannot be done now. Try again in a while."
#define ASKED \
	"If something was bought with that address, a mail with a link is on " \
	"its way. It can take some minutes; look among unwanted mail too. No " \
	"more than three are sent in an hour."

/* ---- what is asked ------------------------------------------------------- */

static int
is_type(const struct request *r, const char *want)
{
	struct str type, rest;
	str_cut(request_param(r, "CONTENT_TYPE"), ';', &type, &rest);
	return str_eq_fold(str_trim(type), str_from(want));
}

/* Some servers say the host without its port; cookies know none either (RFC
 * 6265, 8.5). */
static struct str
without_port(struct str host)
{
	size_t n = host.n;
	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n > 0 && host.p[n - 1] == ':')
		host.n = n - 1;
	return host;
}

/*
 * Does a page of another site make the browser send this? It could sign its
 * visitor in as somebody else. Browsers say so by Sec-Fetch-Site, on https and
 * on this machine. Older ones say where from by Origin: "null" is any page that
 * hides where it is, which ours does not.
 */
static int
is_foreign(const struct app *app, const struct request *r)
{
	struct str site = request_param(r, "HTTP_SEC_FETCH_SITE");
	struct str origin = request_param(r, "HTTP_ORIGIN"), own, host;
	if (site.n > 0)
		return !str_eq_z(site, "same-origin") &&
		    !str_eq_z(site, "none");
	if (origin.n == 0)
		return 0;
	own = app->config->public_url;
	if (str_starts(own, origin) &&
	    (own.n == origin.n || own.p[origin.n] == '/'))
		return 0;
	size_t scheme = str_starts(origin, STR("https://")) ? 8
	    : str_starts(origin, STR("http://"))	    ? 7
							    : 0;
	host = (struct str){ origin.p + scheme, origin.n - scheme };
	return scheme == 0 ||
	    !str_eq_fold(without_port(host),
		without_port(request_param(r, "HTTP_HOST")));
}

/* A field of the form; STR_NONE: none. */
static struct str
field(struct request *r, const char *name)
{
	struct form_walk walk = { .rest = r->body };
	struct form_pair pair;
	const char *reason = NULL;
	struct err err = { .code = ERR_NONE };
	while (form_next(&walk, r->arena, &pair, &reason, &err) == 1)
		if (str_eq_z(pair.key, name))
			return pair.value;
	return STR_NONE;
}

/* {"email":"…"} */
static struct str
json_field(struct request *r, const char *name)
{
	const char *reason = NULL;
	struct str s = STR_NONE;
	const json_t *o = json_load_kept(r->arena, r->body, 0, &reason, NULL);
	if (o == NULL || json_object_size(o) != 1 ||
	    json_text(json_object_get(o, name), &s) != 0)
		return STR_NONE;
	return s;
}

/* ---- what is answered ---------------------------------------------------- */

struct words {
	int status;
	const char *word; /* NULL: it went well */
	const char *text;
};

static void
say(const struct app *app, const struct request *r, const struct words *w,
    struct reply *p)
{
	if (!is_type(r, "application/json")) {
		me_page(app, r, w->status, w->text, p);
	} else if (w->word != NULL) {
		reply_error(p, w->status, w->word, w->text);
	} else {
		struct buf *b = reply_json(p, w->status);
		jsonw_open(b, '{');
		jsonw_text(b, "status", STR("asked"));
		jsonw_close(b, '}');
	}
}

static void
not_written(const struct app *app, const struct request *r, struct reply *p,
    const struct err *e)
{
	static const struct words failed = { 503, "unavailable", NOT_NOW };
	log_line(LOG_ERROR, "sign-in not noted: %s", e->text);
	reply_header(p, "Retry-After", STR("5"));
	say(app, r, &failed, p);
}

/* 1: refused, for what any address and token would be refused for. */
static int
refuse(const struct app *app, struct request *r, struct reply *p)
{
	static const struct words foreign = { 403, "origin", FOREIGN };
	const struct config *c = app->config;
	if (r->body.n > BODY_MAX) {
		reply_error(p, 413, "too_large", "send a smaller body");
		return 1;
	}
	if (c->public_url.n == 0 || c->pass_secrets.n == 0) {
		reply_header(p, "Retry-After", STR("60"));
		reply_error(
		    p, 503, "not_configured", "set public_url and pass_secret");
		return 1;
	}
	if (is_foreign(app, r)) {
		say(app, r, &foreign, p);
		return 1;
	}
	return 0;
}

/* ---- POST /me ------------------------------------------------------------ */

static void
to_page(const struct request *r, struct reply *p)
{
	struct buf b;
	buf_init(&b, 64);
	buf_addf(&b, "%sme", me_up(r));
	reply_empty(p, 303);
	reply_header(p, "Location", buf_str(&b));
	p->failed |= !buf_ok(&b);
	buf_free(&b);
}

/* The token, or the whole link as somebody copied it. */
static struct str
token_of(struct str text)
{
	struct str head, rest = str_trim(text);
	text = rest;
	while (rest.p != NULL) {
		text = rest;
		str_cut(rest, '#', &head, &rest);
	}
	return text;
}

struct sign_in {
	const struct config *config;
	struct link_signin link;
	int64_t now;
	int good;
};

/* By the one writer. */
static int
use(struct store *s, void *arg, struct err *e)
{
	struct sign_in *in = arg;
	return signin_use(s, in->config, &in->link, in->now, &in->good, e);
}

static void
sign_in(
    const struct app *app, struct request *r, struct str token, struct reply *p)
{
	static const struct words not_whole = { 403, "link", NOT_WHOLE };
	struct sign_in in = { .config = app->config, .now = time_now() };
	struct err err = { .code = ERR_NONE };
	struct access_key key;
	if (link_signin_read(app->config, token_of(token), in.now, r->arena,
		&in.link) != 0 ||
	    access_key_parse(
		STORE_BY_EMAIL, in.link.email, r->arena, &key, &err) != 0) {
		say(app, r, &not_whole, p);
		return;
	}
	if (!writer_enter(app->writers, r, p))
		return;
	if (writer_chore(app->commit, use, &in, &err) != 0) {
		not_written(app, r, p, &err);
	} else if (!in.good) {
		say(app, r, &not_whole, p);
	} else {
		if (cookie_set(app, &key, in.now, app->config->signin_seconds,
			p, &err) != 0)
			p->failed = 1;
		to_page(r, p);
	}
}

/* By the one writer: all passes of whoever asks are taken back, those that other
 * browsers have as well. */
static int
take_back(struct store *s, void *arg, struct err *e)
{
	const struct visitor *v = arg;
	int64_t now = time_now();
	if (store_begin(s, e) != 0)
		return -1;
	for (size_t i = 0; i < v->n; i++)
		if (pass_revoke(s, &v->v[i].pass.key, now, e) != 0) {
			store_rollback(s);
			return -1;
		}
	if (store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void
sign_out(
    const struct app *app, struct request *r, int everywhere, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	struct visitor v;
	visitor_read(&v, app, r, time_now());
	if (everywhere && v.n > 0) {
		if (!writer_enter(app->writers, r, p))
			return;
		if (writer_chore(app->commit, take_back, &v, &err) != 0) {
			not_written(app, r, p, &err);
			return;
		}
	}
	cookie_clear(app, r, p);
	to_page(r, p);
}

void
me_post(const struct app *app, struct request *r, struct reply *p)
{
	struct str token = STR_NONE, out = STR_NONE;
	if (refuse(app, r, p))
		return;
	if (is_type(r, "application/x-www-form-urlencoded")) {
		token = field(r, "token");
		out = token.p == NULL ? field(r, "out") : STR_NONE;
	}
	if (out.n > 0)
		sign_out(app, r, str_eq_z(out, "everywhere"), p);
	else
		sign_in(app, r, token, p);
}

/* ---- POST /me/link ------------------------------------------------------- */

struct question {
	const struct config *config;
	struct str email;
	struct str peer;
	int64_t now;
	enum signin_answer answer;
};

/* By the one writer, between two batches. */
static int
ask(struct store *s, void *arg, struct err *e)
{
	struct question *q = arg;
	return signin_ask(
	    s, q->config, q->email, q->peer, q->now, &q->answer, e);
}

static void
answer(const struct app *app, struct request *r, const struct question *q,
    struct reply *p)
{
	static const struct words answers[] = {
		[SIGNIN_NOTED] = { 200, NULL, ASKED },
		[SIGNIN_TOO_OFTEN] = { 429, "too_often", TOO_OFTEN },
		[SIGNIN_FULL] = { 503, "full", NOT_NOW },
	};
	p->mails = q->answer == SIGNIN_NOTED;
	if (q->answer != SIGNIN_NOTED)
		reply_header(p, "Retry-After", STR("3600"));
	say(app, r, &answers[q->answer], p);
}

void
me_link_post(const struct app *app, struct request *r, struct reply *p)
{
	static const struct words no_address = { 400, "email", NO_ADDRESS };
	static const struct words no_mail = { 503, "not_configured",
		"No mail can be sent: mail { from } is not set." };
	struct err err = { .code = ERR_NONE };
	struct question q = { .config = app->config,
		.peer = request_param(r, "REMOTE_ADDR"),
		.now = time_now() };
	struct access_key key;
	if (refuse(app, r, p))
		return;
	if (app->config->follow_ups.mail_from.p == NULL) {
		say(app, r, &no_mail, p);
		return;
	}
	q.email = is_type(r, "application/json") ? json_field(r, "email")
						 : field(r, "email");
	if (access_key_parse(
		STORE_BY_EMAIL, str_trim(q.email), r->arena, &key, &err) != 0 ||
	    mailbox_fault(key.id) != NULL) {
		say(app, r, &no_address, p);
		return;
	}
	q.email = key.id;
	if (!writer_enter(app->writers, r, p))
		return;
	if (writer_chore(app->commit, ask, &q, &err) != 0) {
		not_written(app, r, p, &err);
		return;
	}
	answer(app, r, &q, p);
}

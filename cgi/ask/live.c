#include "base/log.h"
#include "base/time.h"
#include "cgi/ask/ask.h"
#include "cgi/web/cors.h"
#include "cgi/ask/live_events.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"
#include "cgi/web/visitor.h"

static int
answer_json(const struct app *app, struct request *r, struct store *s,
    const struct live_ask *ask, struct reply *p, struct err *e)
{
	struct access x;
	const struct access_key *key;
	if (live_access(s, app->config, ask, r->arena, &x, &key, e) != 0)
		return -1;
	access_json(reply_json(p, 200), &x, key, -1);
	return 0;
}

static int
answer_events(const struct app *app, struct request *r, struct store *s,
    const struct live_ask *ask, struct reply *p, struct live_told *told,
    struct err *e)
{
	int waits = app->publish != NULL && !r->is_head;
	struct buf *b = reply_events(p);
	/* nginx would hold small pieces back, until there are 4 kB of them */
	reply_header(p, "X-Accel-Buffering", STR("no"));
	buf_addf(b, "retry: %d\n\n",
	    app->is_cgi ? LIVE_RETRY_CGI_MS : LIVE_RETRY_MS);
	p->endless = waits;
	return live_events(s, app->config, ask, r->arena, b, told, e);
}

static void
unavailable(const struct app *app, const struct request *r, struct reply *p,
    const struct err *e)
{
	log_line(LOG_ERROR, "live: %s", e->text);
	readers_drop(app->readers, r->worker);
	reply_reset(p, r->arena);
	cors_add(app, r, p);
	reply_header(p, "Retry-After", STR("5"));
	reply_error(p, 503, "unavailable", "the database cannot be read now");
}

/* 401, or 204 where the query asks for quiet: a browser puts each 401 into the
 * console as an error, and a visitor without a pass is none. */
static void
no_pass(struct request *r, struct reply *p)
{
	struct str quiet;
	if (request_query(r, "quiet", &quiet) > 0) {
		reply_empty(p, 204);
		return;
	}
	reply_header(p, "WWW-Authenticate", STR("Bearer"));
	reply_error(p, 401, "pass",
	    "send a valid pass: the cookie gatepost, or Authorization: Bearer");
}

/* Only the gate says who a visitor is, and only to apps. The doctor says it,
 * too, and is told whether the web server let that through. */
static void
tell_doctor(const struct request *r, const struct visitor *v, struct reply *p)
{
	const struct access_key *key = &v->v[0].pass.key;
	if (key->by == STORE_BY_USER && str_eq_z(key->value, PASS_DOCTOR))
		reply_header(p, "X-Gatepost-Client",
		    request_param(r, "HTTP_X_GATEPOST_USER").n > 0
			? STR("user")
			: STR("none"));
}

/* The state now, and the beginning of the stream that goes on from there. */
static int
answer(const struct app *app, struct request *r, struct store *s,
    struct visitor *v, int64_t now, struct reply *p, struct live_told *told,
    struct err *e)
{
	const struct access_key *keys[LIVE_KEYS_MAX];
	struct live_ask ask = { .keys = keys, .always = 1, .now = now };
	struct str last = request_param(r, "HTTP_LAST_EVENT_ID");
	if (visitor_check(v, s, e) != 0)
		return -1;
	if (v->n == 0) {
		no_pass(r, p);
		return 0;
	}
	tell_doctor(r, v, p);
	for (; ask.n < v->n && ask.n < LIVE_KEYS_MAX; ask.n++)
		keys[ask.n] = &v->v[ask.n].pass.key;
	/* what is no number of ours cannot be gone on from */
	if (last.n == 0 || str_int64(last, 0, INT64_MAX, &ask.after) != 0)
		ask.after = INT64_MAX;
	/* a browser's EventSource asks for this type (HTML, 9.2.2) */
	return request_accepts(r, STR("text/event-stream"))
	    ? answer_events(app, r, s, &ask, p, told, e)
	    : answer_json(app, r, s, &ask, p, e);
}

/* The passes a stream is for; it ends with the first of them, and the browser
 * comes again with the others. It counts for the pass that has the tier, or one
 * such pass beside free ones would open any number. */
static void
fill_opts(const struct visitor *v, const struct live_told *told,
    struct pass *passes, struct stream_opts *o)
{
	o->passes = passes;
	o->token = v->v[told->best].token;
	o->sent = told->sent;
	o->confirming = told->confirming;
	o->has_tier = told->has_tier;
	for (; o->n < v->n && o->n < LIVE_KEYS_MAX; o->n++) {
		struct pass *pass = &passes[o->n];
		*pass = v->v[o->n].pass;
		int64_t ends = pass->expires > o->now
		    ? pass->expires
		    : pass->expires + PASS_LEEWAY;
		if (o->n == 0 || ends < o->ends)
			o->ends = ends;
	}
}

void
live_get(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	struct visitor v;
	struct pass passes[LIVE_KEYS_MAX];
	struct live_told told = { .sent = 0 };
	struct stream_opts o = { .kind = STREAM_LIVE,
		.now = time_now(),
		.peer = request_param(r, "REMOTE_ADDR") };
	cors_add(app, r, p);
	visitor_read(&v, app, r, o.now);
	if (v.n == 0) {
		no_pass(r, p);
		return;
	}
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s == NULL || store_begin_read(s, &err) != 0) {
		unavailable(app, r, p, &err);
		return;
	}
	int rc = answer(app, r, s, &v, o.now, p, &told, &err);
	store_rollback(s);
	if (rc != 0) {
		unavailable(app, r, p, &err);
	} else if (p->endless) {
		fill_opts(&v, &told, passes, &o);
		publish_open(app->publish, &o, p);
	}
}

void
live_options(const struct app *app, struct request *r, struct reply *p)
{
	cors_preflight(app, r, p, "GET", "authorization, last-event-id");
}

#include "cgi/live.h"

#include "base/log.h"
#include "base/time.h"
#include "cgi/cors.h"
#include "cgi/publish.h"
#include "cgi/reader.h"
#include "cgi/visitor.h"

struct ids {
	int64_t v[LIVE_REPLAY_MAX]; /* the newest first */
	size_t n;
};

static int
take_id(void *arg, int64_t id)
{
	struct ids *ids = arg;
	ids->v[ids->n++] = id;
	return ids->n == LIVE_REPLAY_MAX;
}

static void
add_event(struct buf *b, const struct access *x, const struct access_key *key,
    int64_t change)
{
	struct access at = *x;
	at.change = change;
	buf_addf(b, "id: %lld\nevent: access\ndata: ", (long long)change);
	/* JSON on one line: no line end inside a text is left unescaped */
	access_json(b, &at, key, -1);
	buf_addz(b, "\n\n");
}

int
live_events(struct store *s, const struct tier_rules *rules,
    const struct live_ask *ask, struct arena *a, struct buf *b, int64_t *sent,
    struct err *e)
{
	struct access x;
	struct ids ids = { .n = 0 };
	const struct access_key *key = ask->key;
	*sent = ask->after;
	if (store_change_ids_of(s, key->by,
		key->by == STORE_BY_BUYER ? key->value : key->id, ask->after,
		LIVE_REPLAY_MAX, take_id, &ids, e) != 0)
		return -1;
	if (ids.n == 0 && !ask->always)
		return 0;
	if (access_lookup(s, rules, key, ask->now, a, &x, e) != 0)
		return -1;
	size_t start = b->n;
	add_event(b, &x, key, x.change);
	*sent = x.change;
	if (ids.n > 1 && (b->n - start) * ids.n <= LIVE_REPLAY_BYTES) {
		b->n = start;
		for (size_t i = ids.n; i-- > 0;)
			add_event(b, &x, key, ids.v[i]);
	}
	return 0;
}

/* A browser's EventSource asks for this type (HTML, 9.2.2). */
static int
wants_events(const struct request *r)
{
	struct str rest = request_param(r, "HTTP_ACCEPT"), type, parameters;
	while (rest.p != NULL) {
		str_cut(rest, ',', &type, &rest);
		str_cut(type, ';', &type, &parameters);
		if (str_eq_fold(str_trim(type), STR("text/event-stream")))
			return 1;
	}
	return 0;
}

static int
answer_json(const struct app *app, struct request *r, struct store *s,
    const struct live_ask *ask, struct reply *p, struct err *e)
{
	struct access x;
	if (access_lookup(s, &app->config->rules, ask->key, ask->now, r->arena,
		&x, e) != 0)
		return -1;
	access_json(reply_json(p, 200), &x, ask->key, -1);
	return 0;
}

static int
answer_events(const struct app *app, struct request *r, struct store *s,
    const struct live_ask *ask, struct reply *p, int64_t *sent, struct err *e)
{
	int waits = app->publish != NULL && !r->is_head;
	struct buf *b = reply_events(p);
	/* nginx would hold small pieces back, until there are 4 kB of them */
	reply_header(p, "X-Accel-Buffering", STR("no"));
	buf_addf(b, "retry: %d\n\n",
	    app->is_cgi ? LIVE_RETRY_CGI_MS : LIVE_RETRY_MS);
	p->endless = waits;
	return live_events(s, &app->config->rules, ask, r->arena, b, sent, e);
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

/* The state now, and the stream that goes on from there. */
static void
answer(const struct app *app, struct request *r, const struct pass *pass,
    struct stream_opts *o, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	int events = wants_events(r);
	struct live_ask ask = { .key = &pass->key,
		.after = INT64_MAX,
		.always = 1,
		.now = o->now };
	/* what is no number of ours cannot be gone on from */
	struct str last = request_param(r, "HTTP_LAST_EVENT_ID");
	if (last.n == 0 || str_int64(last, 0, INT64_MAX, &ask.after) != 0)
		ask.after = INT64_MAX;
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s == NULL || store_begin_read(s, &err) != 0) {
		unavailable(app, r, p, &err);
		return;
	}
	int rc = events ? answer_events(app, r, s, &ask, p, &o->sent, &err)
			: answer_json(app, r, s, &ask, p, &err);
	store_rollback(s);
	if (rc != 0)
		unavailable(app, r, p, &err);
	else if (p->endless)
		publish_open(app->publish, o, p);
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

void
live_get(const struct app *app, struct request *r, struct reply *p)
{
	struct pass pass;
	struct visitor visitor;
	struct stream_opts o = { .kind = STREAM_LIVE, .now = time_now() };
	cors_add(app, r, p);
	visitor_init(&visitor, app, r, o.now);
	if (!visitor_next(&visitor, &pass, &o.pass)) {
		no_pass(r, p);
		return;
	}
	o.key = &pass.key;
	o.ends =
	    pass.expires > o.now ? pass.expires : pass.expires + PASS_LEEWAY;
	answer(app, r, &pass, &o, p);
}

void
live_options(const struct app *app, struct request *r, struct reply *p)
{
	cors_preflight(app, r, p, "GET", "authorization, last-event-id");
}

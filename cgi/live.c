#include "cgi/live.h"

#include "base/log.h"
#include "base/time.h"
#include "cgi/ask.h"
#include "cgi/cors.h"
#include "cgi/publish.h"
#include "cgi/reader.h"
#include "cgi/visitor.h"

struct ids {
	int64_t v[LIVE_KEYS_MAX * LIVE_REPLAY_MAX];
	size_t n;
};

static int
take_id(void *arg, int64_t id)
{
	struct ids *ids = arg;
	ids->v[ids->n++] = id;
	return ids->n % LIVE_REPLAY_MAX == 0;
}

static int
newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x < y) - (x > y);
}

/* The newest changes of all keys, each once. */
static int
find_ids(
    struct store *s, const struct live_ask *ask, struct ids *out, struct err *e)
{
	size_t kept = 0;
	out->n = 0;
	for (size_t i = 0; i < ask->n; i++) {
		const struct access_key *key = ask->keys[i];
		struct ids own = { .n = 0 };
		if (store_change_ids_of(s, key->by,
			key->by == STORE_BY_BUYER ? key->value : key->id,
			ask->after, LIVE_REPLAY_MAX, take_id, &own, e) != 0)
			return -1;
		memcpy(out->v + out->n, own.v, own.n * sizeof(own.v[0]));
		out->n += own.n;
	}
	qsort(out->v, out->n, sizeof(out->v[0]), newest_first);
	for (size_t i = 0; i < out->n && kept < LIVE_REPLAY_MAX; i++)
		if (i == 0 || out->v[i] != out->v[i - 1])
			out->v[kept++] = out->v[i];
	out->n = kept;
	return 0;
}

/* What the best of the keys opens; its change is the newest of all. */
static int
look_up(struct store *s, const struct tier_rules *rules,
    const struct live_ask *ask, struct arena *a, struct access *out,
    const struct access_key **key, struct err *e)
{
	int64_t change = 0;
	for (size_t i = 0; i < ask->n; i++) {
		struct access x;
		if (access_lookup(s, rules, ask->keys[i], ask->now, a, &x, e) !=
		    0)
			return -1;
		if (x.change > change)
			change = x.change;
		if (i == 0 ||
		    (x.tier.p != NULL &&
			(out->tier.p == NULL ||
			    access_is_higher(rules, x.tier, out->tier)))) {
			*out = x;
			*key = ask->keys[i];
		}
	}
	out->change = change;
	return 0;
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
    const struct live_ask *ask, struct arena *a, struct buf *b,
    struct live_told *told, struct err *e)
{
	struct access x;
	struct ids ids;
	const struct access_key *key;
	*told = (struct live_told){ .sent = ask->after };
	if (find_ids(s, ask, &ids, e) != 0)
		return -1;
	if (ids.n == 0 && !ask->always)
		return 0;
	if (look_up(s, rules, ask, a, &x, &key, e) != 0)
		return -1;
	size_t start = b->n;
	add_event(b, &x, key, x.change);
	*told = (struct live_told){ x.change, x.tier.p != NULL };
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
	const struct access_key *key;
	if (look_up(s, &app->config->rules, ask, r->arena, &x, &key, e) != 0)
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
	return live_events(s, &app->config->rules, ask, r->arena, b, told, e);
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
	for (; ask.n < v->n && ask.n < LIVE_KEYS_MAX; ask.n++)
		keys[ask.n] = &v->v[ask.n].pass.key;
	/* what is no number of ours cannot be gone on from */
	if (last.n == 0 || str_int64(last, 0, INT64_MAX, &ask.after) != 0)
		ask.after = INT64_MAX;
	return wants_events(r) ? answer_events(app, r, s, &ask, p, told, e)
			       : answer_json(app, r, s, &ask, p, e);
}

/* The passes a stream is for; it ends with the first of them, and the browser
 * comes again with the others. */
static void
fill_opts(const struct visitor *v, struct pass *passes, struct stream_opts *o)
{
	o->passes = passes;
	o->token = v->v[0].token;
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
		fill_opts(&v, passes, &o);
		o.sent = told.sent;
		o.has_tier = told.has_tier;
		publish_open(app->publish, &o, p);
	}
}

void
live_options(const struct app *app, struct request *r, struct reply *p)
{
	cors_preflight(app, r, p, "GET", "authorization, last-event-id");
}

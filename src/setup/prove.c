#include "setup/prove.h"

#include <poll.h>
#include <string.h>

#include "base/time.h"
#include "health/front.h"
#include "setup/ask.h"

enum {
	WAIT_MS = 120000,
	POLL_MS = 1000,
	AGAIN_MS = 3000,
	PAUSE_MS = 300,
	TOLD_MAX = 16 * 1024,
};

/* ---- our own test ---------------------------------------------------------------- */

struct way {
	struct setup *setup;
	struct front_proof proof;
	int is_closed_stream; /* it is a problem that no event came */
	char wrong[ERR_TEXT_MAX]; /* the first problem */
	char all[TOLD_MAX]; /* what was found, a line each */
	size_t n;
};

static void
take_finding(void *arg, const struct finding *f)
{
	struct way *w = arg;
	struct buf b;
	buf_init(&b, TOLD_MAX);
	finding_print(f, &b);
	if (b.n < sizeof(w->all) - w->n) {
		memcpy(w->all + w->n, b.p, b.n + 1);
		w->n += b.n;
	}
	buf_free(&b);
	w->is_closed_stream |=
	    f->level == FINDING_PROBLEM && f->id == FINDING_stream;
	if (f->level == FINDING_PROBLEM && w->wrong[0] == '\0')
		snprintf(w->wrong, sizeof(w->wrong), "%s", f->text);
}

/* A user_fn. Without a public address this machine's own is looked at. */
static int
look_at_way(void *arg, struct err *e)
{
	struct way *w = arg;
	struct setup *s = w->setup;
	struct config c = *s->config;
	struct store *store = NULL;
	c.public_url = str_from(s->url);
	struct health h = { .config = &c,
		.arena = s->arena,
		.now = time_now(),
		.nginx = HEALTH_NGINX,
		.fn = take_finding,
		.arg = w };
	int rc = store_open(c.database, STORE_READ, &store, e);
	h.store = store;
	if (rc == 0)
		rc = front_prove(&h, &w->proof, e);
	store_close(store);
	return rc;
}

static void
note_proof(struct setup *s, const struct front_proof *p)
{
	char stream[64] = "";
	if (p->stream_ms >= 0)
		snprintf(stream, sizeof(stream),
		    ", a stream's first event came after %d ms", p->stream_ms);
	snprintf(s->proof, sizeof(s->proof),
	    "a test delivery through %s is in the database%s%s", s->url, stream,
	    p->left_machine ? "" : "; this did not leave the machine");
}

static int
is_wrong(const struct way *w)
{
	return !w->proof.reached || !w->proof.delivered ||
	    !w->proof.gate_closed || w->is_closed_stream;
}

/* A web server takes a moment to read its files anew. */
int
prove_way(struct setup *s, struct err *e)
{
	struct way *w = arena_alloc(s->arena, sizeof(*w));
	int64_t end = time_ticks() + AGAIN_MS;
	do {
		*w = (struct way){ .setup = s };
		if (user_run(&s->user, look_at_way, w, w, sizeof(*w), e) != 0)
			return -1;
		if (!is_wrong(w))
			break;
		poll(NULL, 0, PAUSE_MS);
	} while (time_ticks() < end && !ask_broken);
	setup_say(s, "\n%s", w->all);
	if (is_wrong(w))
		return err_set(e, ERR_CONFIG, "%s",
		    w->wrong[0] != '\0' ? w->wrong : "the way is not open");
	note_proof(s, &w->proof);
	return 0;
}

/* ---- the platform's own test ------------------------------------------------------- */

struct seen {
	struct setup *setup;
	int64_t count[PLATFORM__MAX], last[PLATFORM__MAX]; /* deliveries */
};

static int
take(void *arg, const struct store_event_count *row)
{
	struct seen *seen = arg;
	const struct platform *p = platform_find(row->platform);
	if (p == NULL || platform_is_reading(row->kind))
		return 0;
	size_t i = platform_index(p);
	seen->count[i] += row->count;
	if (row->last_seen_at > seen->last[i])
		seen->last[i] = row->last_seen_at;
	return 0;
}

/* A user_fn. */
static int
look(void *arg, struct err *e)
{
	struct seen *seen = arg;
	struct store *store = NULL;
	int rc =
	    store_open(seen->setup->config->database, STORE_READ, &store, e);
	memset(seen->count, 0, sizeof(seen->count));
	memset(seen->last, 0, sizeof(seen->last));
	if (rc == 0)
		rc = store_event_counts(store, take, seen, e);
	store_close(store);
	return rc;
}

static int
look_now(struct setup *s, struct seen *seen, struct err *e)
{
	seen->setup = s;
	return user_run(&s->user, look, seen, seen, sizeof(*seen), e);
}

/* 1: came, 0: not, or not waited for. */
static int
wait_for(struct setup *s, const struct platform *p, struct err *e)
{
	size_t i = platform_index(p);
	int64_t end = time_ticks() + WAIT_MS;
	struct seen before, now;
	if (look_now(s, &before, e) != 0)
		return -1;
	setup_say(s,
	    "\n%sWaiting for it up to two minutes; Enter goes on "
	    "without.",
	    setup_text(s, p, p->words.own_test));
	while (time_ticks() < end) {
		int n = ask_wait(POLL_MS, e);
		if (n != 0)
			return n < 0 ? -1 : 0;
		if (look_now(s, &now, e) != 0)
			return -1;
		if (now.count[i] != before.count[i] ||
		    now.last[i] != before.last[i])
			return 1;
	}
	return 0;
}

int
prove_own_tests(struct setup *s, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		size_t n = strlen(s->proof);
		if (p->words.own_test == NULL ||
		    s->config->platforms[i].secrets.n == 0)
			continue;
		int came = wait_for(s, p, e);
		if (came < 0)
			return -1;
		if (came == 0) {
			setup_say(
			    s, "Nothing came from %s yet.", p->words.title);
			continue;
		}
		setup_say(s, "%s: came in.", p->words.title);
		snprintf(s->proof + n, sizeof(s->proof) - n,
		    "; a delivery of %s came in", p->words.title);
	}
	return 0;
}

#include "setup/prove.h"

#include <string.h>

#include "action/http.h"
#include "base/time.h"
#include "setup/account.h"
#include "setup/ask.h"
#include "setup/database.h"

enum { WAIT_MS = 120000, POLL_MS = 1000, CALL_MS = 15000 };

/* ---- our own test ---------------------------------------------------------------- */

int
prove_way(struct setup *s, struct err *e)
{
	const char *url = arena_printf(s->arena, "%s/healthz", s->url);
	const struct http_request get = {
		.method = "GET", .url = url, .timeout_ms = CALL_MS
	};
	struct http_answer answer;
	if (http_call(&get, &answer, NULL, e) != 0)
		return err_prefix(e, "%s", s->url);
	if (answer.status != 200)
		return err_set(
		    e, ERR_CONFIG, "%s answers %ld", url, answer.status);
	snprintf(s->proof, sizeof(s->proof), "%s answers", url);
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

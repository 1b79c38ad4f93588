#ifndef TESTS_CONTRACT_OUTBOX_H
#define TESTS_CONTRACT_OUTBOX_H

#include "store/store.h"
#include "tests/unit/test.h"

struct queued {
	int64_t ids[8];
	size_t n;
};

static int
take_queued(void *arg, const struct store_outbox *row)
{
	struct queued *q = arg;
	q->ids[q->n++] = row->id;
	return q->n == 8;
}

static void
queue(struct store *s, const char *target, const char *dedupe,
    const char *person, int64_t at)
{
	struct err e = { 0 };
	const struct store_outbox row = { .kind = STR("http"),
		.target = str_from(target),
		.payload = STR("{\"a\":1}"),
		.dedupe = str_from(dedupe),
		.person = str_from(person),
		.event = STORE_NULL,
		.added_at = at };
	OK(store_outbox_add(s, &row, &e) == 0, "queued: %s", e.text);
}

/* What waits, what is too old, and what is given up. */
static void
test_outbox(struct store *s)
{
	struct queued q = { .n = 0 }, old = { .n = 0 };
	struct err e = { 0 };
	test_group("outbox");
	OK(store_begin(s, &e) == 0, "begin");
	queue(s, "b", "1", "ada", 100);
	queue(s, "a", "2", "ada", 200);
	queue(s, "b", "3", "ada", 300);
	queue(s, "b", "4", "bob", 5000);
	queue(s, "b", "4", "bob", 5000);
	OK(store_outbox_take(s, STR("http"), STR("b"), 0, 6000, 8, take_queued,
	       &q, &e) == 0 &&
		q.n == 3,
	    "due, each once: %d %s", (int)q.n, e.text);
	const int64_t first = q.ids[0], second = q.ids[1], last = q.ids[2];
	q.n = 0;
	OK(store_outbox_take(s, STR("http"), STR("b"), 1, 6000, 8, take_queued,
	       &q, &e) == 0 &&
		q.n == 2 && q.ids[0] == first && q.ids[1] == last,
	    "in order: the first of each person");
	OK(store_outbox_old(s, 1000, 8, take_queued, &old, &e) == 0 &&
		old.n == 3 && old.ids[1] == first && old.ids[2] == second,
	    "too old, by target: %d %s", (int)old.n, e.text);
	OK(store_outbox_claim(s, second, 900, &e) == 0, "claimed");
	for (size_t i = 0; i < old.n; i++)
		OK(store_outbox_expire(s, old.ids[i], 7000, &e) == 0,
		    "given up: %s", e.text);
	old.n = 0;
	OK(store_outbox_old(s, 1000, 8, take_queued, &old, &e) == 0 &&
		old.n == 0,
	    "no more");
	q.n = 0;
	OK(store_outbox_after(
	       s, 0, STR("dead"), STR_NONE, 8, take_queued, &q, &e) == 0 &&
		q.n == 2,
	    "but not what runs: %d", (int)q.n);
	store_rollback(s);
}

enum { QUEUED_MANY = 300 }; /* more than store_outbox_take looks at */

static void
test_outbox_heads(struct store *s)
{
	struct queued q = { .n = 0 }, heads = { .n = 0 };
	struct err e = { 0 };
	char dedupe[16];
	test_group("outbox: many of one person");
	OK(store_begin(s, &e) == 0, "begin");
	for (int i = 0; i < QUEUED_MANY; i++) {
		snprintf(dedupe, sizeof(dedupe), "ada%d", i);
		queue(s, "c", dedupe, "ada", 100);
	}
	queue(s, "c", "bob0", "bob", 200);
	queue(s, "c", "bob1", "bob", 200);
	queue(s, "c", "cyd0", "cyd", 7000);
	queue(s, "c", "cyd1", "cyd", 200);
	queue(s, "c", "none", NULL, 200);
	OK(store_outbox_take(s, STR("http"), STR("c"), 1, 6000, 8, take_queued,
	       &q, &e) == 0 &&
		q.n == 1,
	    "one at a time: %d %s", (int)q.n, e.text);
	const int64_t first = q.ids[0];
	OK(store_outbox_claim(s, first, 9000, &e) == 0, "claimed");
	OK(store_outbox_take_heads(s, STR("http"), STR("c"), 6000, 8,
	       take_queued, &heads, &e) == 0 &&
		heads.n == 2 &&
		heads.ids[0] + heads.ids[1] == 2 * first + 2 * QUEUED_MANY + 4,
	    "bob's first and nobody's: %d %s", (int)heads.n, e.text);
	heads.n = 0;
	OK(store_outbox_take_heads(s, STR("http"), STR("c"), 150, 8,
	       take_queued, &heads, &e) == 0 &&
		heads.n == 0,
	    "none before its time: %d", (int)heads.n);
	store_rollback(s);
}

#endif

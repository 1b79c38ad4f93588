#include "core/sweep.h"

#include <stdlib.h>

#include "base/time.h"
#include "core/outbox.h"
#include "core/project.h"
#include "core/replace.h"
#include "core/rows.h"

enum {
	CHUNK = 86400, /* seconds looked at in one transaction */
	LOOK_BACK = 3600, /* seconds without a turn before the mark moves on */
	ROWS_MAX = 1000000,
};

static const struct str swept = STR("swept_to");

/* A row whose window opened or closed at a time. */
struct turn {
	const struct store_purchase *row;
	int64_t at;
};

static int
compare_turns(const void *pa, const void *pb)
{
	const struct turn *a = pa, *b = pb;
	return (a->at > b->at) - (a->at < b->at);
}

/* Notes it unless `changes` has told of it already: a refund that closed the
 * window was noted when it came. */
static int
note(struct store *s, const struct config *c, const struct turn *t,
    struct arena *a, int64_t *noted, struct err *e)
{
	struct project_when when = { t->at, STORE_NULL };
	struct str before, after;
	int told;
	if (replace_told(s, t->row, a, &before, &told, e) != 0 ||
	    replace_tier(s, c, t->row, t->at, a, &after, e) != 0)
		return -1;
	if (!told && replace_tier(s, c, t->row, t->at - 1, a, &before, e) != 0)
		return -1;
	if (str_eq(before, after))
		return 0;
	++*noted;
	if (outbox_changed(
		s, c, t->row, before, after, t->at, STORE_NULL, a, e) != 0)
		return -1;
	return replace_note(s, t->row, before, after, &when, a, e);
}

static int
collect(const struct rows *rows, int64_t from, int64_t to, struct arena *a,
    struct turn **out, size_t *n)
{
	struct turn *turns = arena_alloc(a, (2 * rows->n + 1) * sizeof(*turns));
	if (turns == NULL)
		return -1;
	*n = 0;
	for (size_t i = 0; i < rows->n; i++) {
		const struct store_purchase *p = &rows->v[i];
		if (p->since > from && p->since <= to)
			turns[(*n)++] = (struct turn){ p, p->since };
		if (p->until != STORE_NULL && p->until > from && p->until <= to)
			turns[(*n)++] = (struct turn){ p, p->until };
	}
	qsort(turns, *n, sizeof(*turns), compare_turns);
	*out = turns;
	return 0;
}

/* What will close within the time a rule asks for, and did not yet at from. */
static int
expiring(struct store *s, const struct config *c, const struct rule *r,
    int64_t from, int64_t to, struct arena *a, struct err *e)
{
	struct rows rows = { .arena = a };
	if (store_purchase_turning(s, from + r->before, to + r->before,
		ROWS_MAX, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < rows.n; i++) {
		int64_t until = rows.v[i].until;
		if (until != STORE_NULL && until > from + r->before &&
		    until <= to + r->before &&
		    outbox_expiring(
			s, c, &rows.v[i], r, until - r->before, a, e) != 0)
			return -1;
	}
	return 0;
}

static int
is_expiring(const struct rule *r)
{
	return (r->events & 1U << RULE_EXPIRING) != 0;
}

static int
chunk(struct store *s, const struct config *c, int64_t from, int64_t to,
    struct arena *a, int64_t *noted, struct err *e)
{
	struct rows rows = { .arena = a };
	struct turn *turns = NULL;
	size_t n = 0;
	char text[24];
	if (store_purchase_turning(
		s, from, to, ROWS_MAX, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed || collect(&rows, from, to, a, &turns, &n) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (note(s, c, &turns[i], a, noted, e) != 0)
			return -1;
	for (size_t i = 0; i < c->follow_ups.n; i++)
		if (is_expiring(&c->follow_ups.v[i]) &&
		    expiring(s, c, &c->follow_ups.v[i], from, to, a, e) != 0)
			return -1;
	snprintf(text, sizeof(text), "%lld", (long long)to);
	return store_meta_put(s, swept, str_from(text), e);
}

/* 1 done, 0 more to do, -1. Again under the lock: another process may have
 * swept meanwhile. */
static int
step(struct store *s, const struct config *c, int64_t now, struct arena *a,
    int64_t *noted, struct err *e)
{
	int64_t from;
	if (store_meta_number(s, swept, &from, e) != 0)
		return -1;
	/* the first time there is nothing to look back on */
	if (from == STORE_NULL)
		from = now - 1;
	if (from >= now)
		return 1;
	int64_t to = now - from > CHUNK ? from + CHUNK : now;
	if (chunk(s, c, from, to, a, noted, e) != 0)
		return -1;
	return to == now;
}

static int
take_any(void *arg, const struct store_purchase *row)
{
	(void)row;
	*(int *)arg = 1;
	return 1;
}

/* Nothing is written, and no lock taken, where nothing has turned. */
static int
is_due(struct store *s, const struct config *c, int64_t now, int *due,
    struct err *e)
{
	int64_t from;
	*due = 0;
	if (store_meta_number(s, swept, &from, e) != 0)
		return -1;
	if (from == STORE_NULL || now - from > LOOK_BACK) {
		*due = 1;
		return 0;
	}
	if (store_purchase_turning(s, from, now, 1, take_any, due, e) != 0)
		return -1;
	for (size_t i = 0; !*due && i < c->follow_ups.n; i++) {
		const struct rule *r = &c->follow_ups.v[i];
		if (is_expiring(r) &&
		    store_purchase_turning(s, from + r->before, now + r->before,
			1, take_any, due, e) != 0)
			return -1;
	}
	return 0;
}

int
sweep_once(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *noted, struct err *e)
{
	int due, rc = 0;
	*noted = 0;
	if (is_due(s, c, now, &due, e) != 0)
		return -1;
	while (due && rc == 0) {
		arena_reset(a);
		if (store_begin(s, e) != 0)
			return -1;
		rc = step(s, c, now, a, noted, e);
		if (rc < 0 || store_commit(s, e) != 0) {
			store_rollback(s);
			return -1;
		}
	}
	return 0;
}

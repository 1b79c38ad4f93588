#include "commit/sweep.h"

#include <stdlib.h>

#include "base/time.h"
#include "follow/outbox.h"
#include "access/owner.h"
#include "commit/project.h"
#include "commit/replace.h"
#include "access/rows.h"

enum {
	CHUNK = 86400, /* seconds looked at in one transaction */
	LOOK_BACK = 3600, /* seconds without a turn before the mark moves on */
	ROWS_MAX = 1000000,
};

static const struct str swept = STR("swept_to");

/* A row whose window opened or closed, and when that counts. */
struct turn {
	const struct store_purchase *row;
	int64_t at;
};

struct sweep {
	struct store *store;
	const struct config *config;
	int64_t now;
	struct arena *arena;
	int64_t *noted;
};

static int
compare_turns(const void *pa, const void *pb)
{
	const struct turn *a = pa, *b = pb;
	return (a->at > b->at) - (a->at < b->at);
}

/* A change that was told at or after the turn knew of it: a refund that closed
 * the window was noted when it came. And what no longer holds is not told: a
 * window that was over before its sale came has changed nothing for anybody.
 * What was told with a time to come knew of nothing: a clock was wrong. */
static int
note(struct sweep *w, const struct turn *t, struct err *e)
{
	struct project_when when = { .at = t->at, .event = STORE_NULL };
	struct str before, after, present;
	int64_t told;
	if (owner_told(w->store, t->row, w->arena, &before, &told, e) != 0)
		return -1;
	if (told != STORE_NULL && told >= t->at && told <= w->now)
		return 0;
	if (owner_tier(
		w->store, w->config, t->row, t->at, w->arena, &after, e) != 0 ||
	    owner_tier(w->store, w->config, t->row, w->now, w->arena, &present,
		e) != 0)
		return -1;
	if (!str_eq(after, present) || str_eq(before, after))
		return 0;
	++*w->noted;
	if (outbox_changed(w->store, w->config, t->row, before, after, t->at,
		STORE_NULL, w->arena, e) != 0)
		return -1;
	return replace_note(
	    w->store, t->row, before, after, &when, w->arena, e);
}

/* Where the clock was set back, what had turned is as it was: that counts from
 * now on. */
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
		if (to < from) {
			turns[(*n)++] = (struct turn){ p, to };
			continue;
		}
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
expiring(struct sweep *w, const struct rule *r, int64_t from, int64_t to,
    struct err *e)
{
	struct rows rows = { .arena = w->arena };
	if (store_purchase_turning(w->store, from + r->before, to + r->before,
		ROWS_MAX, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < rows.n; i++) {
		int64_t until = rows.v[i].until;
		if (until != STORE_NULL && until > from + r->before &&
		    until <= to + r->before &&
		    outbox_expiring(w->store, w->config, &rows.v[i], r,
			until - r->before, w->arena, e) != 0)
			return -1;
	}
	return 0;
}

static int
is_expiring(const struct rule *r)
{
	return (r->events & 1U << RULE_EXPIRING) != 0;
}

/* to < from: the clock was set back. */
static int
chunk(struct sweep *w, int64_t from, int64_t to, struct err *e)
{
	struct rows rows = { .arena = w->arena };
	struct turn *turns = NULL;
	size_t n = 0;
	char text[24];
	if (store_purchase_turning(w->store, from < to ? from : to,
		from < to ? to : from, ROWS_MAX, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed || collect(&rows, from, to, w->arena, &turns, &n) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (note(w, &turns[i], e) != 0)
			return -1;
	const struct rules *rules = &w->config->follow_ups;
	for (size_t i = 0; from < to && i < rules->n; i++)
		if (is_expiring(&rules->v[i]) &&
		    expiring(w, &rules->v[i], from, to, e) != 0)
			return -1;
	snprintf(text, sizeof(text), "%lld", (long long)to);
	return store_meta_put(w->store, swept, str_from(text), e);
}

/* How far one transaction goes: over all the time in which nothing turns, and
 * a day of that in which something does. A clock set for the first time goes
 * on by decades. */
static int
find_end(struct sweep *w, int64_t from, int64_t *to, struct err *e)
{
	int any = 0;
	*to = from;
	for (int64_t span = CHUNK; *to < w->now; span *= 2) {
		int64_t end = w->now - *to > span ? *to + span : w->now;
		if (store_purchase_turning(
			w->store, *to, end, 1, rows_any, &any, e) != 0)
			return -1;
		if (any)
			break;
		*to = end;
	}
	*to = any && w->now - *to > CHUNK ? *to + CHUNK : w->now;
	return 0;
}

/* Further than clocks of several hosts differ. */
static int
is_set_back(int64_t from, int64_t now)
{
	return from != STORE_NULL && from - now > LOOK_BACK;
}

/* 1 done, 0 more to do, -1. Again under the lock: another process may have
 * swept meanwhile. */
static int
step(struct sweep *w, struct err *e)
{
	int64_t from;
	if (store_meta_number(w->store, swept, &from, e) != 0)
		return -1;
	/* the first time there is nothing to look back on */
	if (from == STORE_NULL)
		from = w->now - 1;
	int64_t to = w->now;
	if (from >= w->now && !is_set_back(from, w->now))
		return 1;
	if (from < w->now && find_end(w, from, &to, e) != 0)
		return -1;
	if (chunk(w, from, to, e) != 0)
		return -1;
	return to == w->now;
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
	if (from == STORE_NULL || now - from > LOOK_BACK ||
	    is_set_back(from, now)) {
		*due = 1;
		return 0;
	}
	if (store_purchase_turning(s, from, now, 1, rows_any, due, e) != 0)
		return -1;
	for (size_t i = 0; !*due && i < c->follow_ups.n; i++) {
		const struct rule *r = &c->follow_ups.v[i];
		if (is_expiring(r) &&
		    store_purchase_turning(s, from + r->before, now + r->before,
			1, rows_any, due, e) != 0)
			return -1;
	}
	return 0;
}

int
sweep_once(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *noted, struct err *e)
{
	struct sweep w = { s, c, now, a, noted };
	int due, rc = 0;
	*noted = 0;
	if (is_due(s, c, now, &due, e) != 0)
		return -1;
	while (due && rc == 0) {
		arena_reset(a);
		if (store_begin(s, e) != 0)
			return -1;
		rc = step(&w, e);
		if (rc < 0 || store_commit(s, e) != 0) {
			store_rollback(s);
			return -1;
		}
	}
	return 0;
}

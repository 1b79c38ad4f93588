#include "core/sweep.h"

#include "base/time.h"
#include "core/project.h"
#include "core/replace.h"
#include "core/rows.h"

enum {
	CHUNK = 86400, /* seconds looked at in one transaction */
	LOOK_BACK = 3600, /* seconds without a turn before the mark moves on */
	ROWS_MAX = 1000000,
};

static const struct str swept = STR("swept_to");

/* One row that turned at a time: was the owner's tier another just before? */
static int
turn(struct store *s, const struct config *c, const struct store_purchase *row,
    int64_t at, struct arena *a, int64_t *noted, struct err *e)
{
	struct project_when when = { at, STORE_NULL };
	struct str before, after;
	if (replace_tier(s, c, row, at - 1, a, &before, e) != 0 ||
	    replace_tier(s, c, row, at, a, &after, e) != 0)
		return -1;
	if (str_eq(before, after))
		return 0;
	++*noted;
	return replace_note(s, row, before, after, &when, a, e);
}

/* A subject's window that closes where the next opens is one change. */
static int
is_continued(const struct rows *rows, size_t i, int64_t at)
{
	const struct store_purchase *p = &rows->v[i];
	for (size_t k = 0; k < rows->n; k++) {
		const struct store_purchase *q = &rows->v[k];
		if (k != i && q->until == at && p->since == at &&
		    str_eq(p->subject, q->subject) &&
		    str_eq(p->platform, q->platform))
			return 1;
	}
	return 0;
}

static int
chunk(struct store *s, const struct config *c, int64_t from, int64_t to,
    struct arena *a, int64_t *noted, struct err *e)
{
	struct rows rows = { .arena = a };
	char text[24];
	if (store_purchase_turning(
		s, from, to, ROWS_MAX, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < rows.n; i++) {
		const struct store_purchase *p = &rows.v[i];
		int begins = p->since > from && p->since <= to &&
		    !is_continued(&rows, i, p->since);
		int ends =
		    p->until != STORE_NULL && p->until > from && p->until <= to;
		if ((begins && turn(s, c, p, p->since, a, noted, e) != 0) ||
		    (ends && turn(s, c, p, p->until, a, noted, e) != 0))
			return -1;
	}
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
is_due(struct store *s, int64_t now, int *due, struct err *e)
{
	int64_t from;
	*due = 0;
	if (store_meta_number(s, swept, &from, e) != 0)
		return -1;
	if (from == STORE_NULL || now - from > LOOK_BACK) {
		*due = 1;
		return 0;
	}
	return store_purchase_turning(s, from, now, 1, take_any, due, e);
}

int
sweep_once(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *noted, struct err *e)
{
	int due, rc = 0;
	*noted = 0;
	if (is_due(s, now, &due, e) != 0)
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

#include "store/pg_ahead.h"

#include <string.h>

#include "base/banned.h"

static void
forget(struct pg_ahead *a)
{
	PQclear(a->res);
	a->res = NULL;
	a->state = AHEAD_FREE;
}

void
pg_ahead_forget(struct pg_ahead *table)
{
	for (size_t i = 0; table != NULL && i < PG_AHEAD_MAX; i++)
		forget(&table[i]);
}

void
pg_ahead_there(struct pg_ahead *a, PGresult *res)
{
	PQclear(a->res);
	a->res = res;
	a->state = AHEAD_THERE;
}

static int
is_same(const struct db_value *a, const struct db_value *b)
{
	if (a->type != b->type)
		return 0;
	return a->type == DB_NULL ||
	    (a->type == DB_INT ? a->i == b->i : str_eq(a->s, b->s));
}

static struct pg_ahead *
find(
    struct pg_ahead *table, enum query q, const struct db_value *args, size_t n)
{
	for (size_t i = 0; table != NULL && i < PG_AHEAD_MAX; i++) {
		struct pg_ahead *a = &table[i];
		size_t k = 0;
		if (a->state == AHEAD_FREE || a->q != q || a->n != n)
			continue;
		while (k < n && is_same(&a->args[k], &args[k]))
			k++;
		if (k == n)
			return a;
	}
	return NULL;
}

static int
keep_args(struct pg_ahead *a, const struct db_value *args, size_t n)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		a->args[i] = args[i];
		if (args[i].type != DB_TEXT)
			continue;
		if (args[i].s.n > sizeof(a->bytes) - used)
			return 0;
		memcpy(a->bytes + used, args[i].s.p, args[i].s.n);
		a->args[i].s.p = a->bytes + used;
		used += args[i].s.n;
	}
	return 1;
}

void
pg_ahead_wish(
    struct pg_ahead *table, enum query q, const struct db_value *args, size_t n)
{
	if (table == NULL || n > PG_AHEAD_ARGS ||
	    find(table, q, args, n) != NULL)
		return;
	for (size_t i = 0; i < PG_AHEAD_MAX; i++) {
		struct pg_ahead *a = &table[i];
		if (a->state != AHEAD_FREE)
			continue;
		a->q = q;
		a->n = n;
		if (keep_args(a, args, n))
			a->state = AHEAD_WISHED;
		return;
	}
}

int
pg_ahead_take(struct pg_ahead *table, enum query q, const struct db_value *args,
    size_t n, PGresult **out)
{
	struct pg_ahead *a = find(table, q, args, n);
	if (a == NULL)
		return 0;
	int is_there = a->state == AHEAD_THERE;
	if (is_there) {
		*out = a->res;
		a->res = NULL;
	}
	a->state = AHEAD_FREE;
	return is_there;
}

/* The names of statements begin with that of the table: purchase_get. */
static int
same_table(enum query a, enum query b)
{
	const char *x = query_names[a], *y = query_names[b];
	size_t n = strcspn(x, "_");
	return n == strcspn(y, "_") && strncmp(x, y, n) == 0;
}

static int
ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);
	return n >= m && strcmp(name + n - m, with) == 0;
}

/* The question names columns that the row has to have all: one that is not
 * among the row's values, and the row is no part of the answer. */
static int
may_concern(const struct pg_ahead *a, const struct db_value *args, size_t n)
{
	for (size_t i = 0; i < a->n; i++) {
		size_t k = 0;
		while (k < n && !is_same(&a->args[i], &args[k]))
			k++;
		if (k == n)
			return 0;
	}
	return 1;
}

void
pg_ahead_outdate(
    struct pg_ahead *table, enum query q, const struct db_value *args, size_t n)
{
	int is_row = ends(query_names[q], "_put") ||
	    ends(query_names[q], "_add") || q == QUERY_PURCHASE_DROP_SALE;
	if (strncmp(query_postgresql[q], "SELECT", 6) == 0)
		return;
	for (size_t i = 0; table != NULL && i < PG_AHEAD_MAX; i++) {
		struct pg_ahead *a = &table[i];
		/* what a dropped sale's row held is not known */
		int is_told = is_row &&
		    (q != QUERY_PURCHASE_DROP_SALE ||
			a->q == QUERY_PURCHASE_GET);
		if (a->state == AHEAD_THERE && same_table(a->q, q) &&
		    (!is_told || may_concern(a, args, n)))
			forget(a);
	}
}

#include "store/copy.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/memory.h"
#include "store/rows.h"

enum {
	PAGE = 100, /* rows; a body may have a mebibyte, and two pages stand */
	COLUMNS_MAX = 27,
	NUMBERS = 5, /* tables that number their rows */
	KEYS_MAX = 2,
	NO_COLUMN = -1,
	WRITES = 500, /* in one transaction */
	PROGRESS = 1000, /* rows */
	PAGE_BYTES = 1 << 30,
};

static const struct table {
	const char *name;
	enum query page, put, drop;
	size_t columns;
	size_t keys; /* the first columns */
	int numbered; /* the key is a number */
	int bytes; /* the column that is bytes, not text */
} tables[COPY_TABLES] = {
	{ "events", QUERY_EVENT_ALL, QUERY_COPY_EVENT_PUT,
	    QUERY_COPY_EVENT_DROP, 15, 1, 1, 10 },
	{ "changes", QUERY_CHANGE_AFTER, QUERY_COPY_CHANGE_PUT,
	    QUERY_COPY_CHANGE_DROP, 9, 1, 1, NO_COLUMN },
	{ "outbox", QUERY_COPY_OUTBOX, QUERY_COPY_OUTBOX_PUT, QUERY_OUTBOX_DROP,
	    14, 1, 1, NO_COLUMN },
	{ "readings", QUERY_COPY_READINGS, QUERY_COPY_READING_PUT,
	    QUERY_COPY_READING_DROP, 11, 1, 1, NO_COLUMN },
	{ "drift", QUERY_COPY_DRIFT, QUERY_COPY_DRIFT_PUT,
	    QUERY_COPY_DRIFT_DROP, 9, 1, 1, NO_COLUMN },
	{ "erased", QUERY_COPY_ERASED, QUERY_ERASED_ADD, QUERY_COPY_ERASED_DROP,
	    3, 2, 0, NO_COLUMN },
	{ "pinged", QUERY_COPY_PINGED, QUERY_COPY_PINGED_PUT, QUERY_PINGED_DROP,
	    5, 2, 0, NO_COLUMN },
	{ "purchases", QUERY_COPY_PURCHASES, QUERY_PURCHASE_PUT,
	    QUERY_PURCHASE_DROP_SALE, 27, 2, 0, NO_COLUMN },
	{ "subscriptions", QUERY_COPY_SUBSCRIPTIONS, QUERY_SUBSCRIPTION_PUT,
	    QUERY_COPY_SUBSCRIPTION_DROP, 13, 2, 0, NO_COLUMN },
	{ "passes", QUERY_COPY_PASSES, QUERY_COPY_PASS_PUT,
	    QUERY_COPY_PASS_DROP, 3, 1, 0, NO_COLUMN },
	{ "meta", QUERY_COPY_META, QUERY_META_PUT, QUERY_COPY_META_DROP, 2, 1,
	    0, NO_COLUMN },
};

struct row {
	struct db_value v[COLUMNS_MAX];
};

/* One of the two databases, a page at a time. The arenas take turns: the last
 * key of a page asks for the next. */
struct side {
	struct store *store;
	const struct table *table;
	struct arena *arena, *other;
	struct row rows[PAGE];
	size_t n, at;
	int ended, failed;
	struct crypto_hash *digest;
};

struct pass {
	struct side from, to;
	int open; /* a transaction of the second */
	int64_t pending; /* writes in it */
	struct copy_table *out;
};

static int
take_row(void *arg, const struct db_value *row, size_t n)
{
	struct side *side = arg;
	struct row *to = &side->rows[side->n++];
	for (size_t i = 0; i < n && i < COLUMNS_MAX; i++) {
		to->v[i] = row[i];
		if (row[i].type == DB_NULL || row[i].type == DB_INT)
			continue;
		to->v[i].s.p = arena_dup(side->arena, row[i].s.p, row[i].s.n);
		if (to->v[i].s.p == NULL)
			side->failed = 1;
	}
	return side->failed || side->n == PAGE;
}

/* The row the side stands at; NULL with *e untouched: there is no more. */
static int
look(struct side *side, const struct row **out, struct err *e)
{
	const struct table *t = side->table;
	struct db_value args[KEYS_MAX + 1] = { { .type = DB_NULL } };
	*out = NULL;
	if (side->at < side->n) {
		*out = &side->rows[side->at];
		return 0;
	}
	if (side->ended)
		return 0;
	for (size_t i = 0; i < t->keys; i++)
		args[i] = side->n > 0 ? side->rows[side->n - 1].v[i]
		    : t->numbered     ? db_int(INT64_MIN + 1)
				      : db_text(STR(""));
	args[t->keys] = db_int(PAGE);
	struct arena *swap = side->arena;
	side->arena = side->other;
	side->other = swap;
	arena_reset(side->arena);
	side->n = side->at = 0;
	if (store_run(side->store, t->page, args, t->keys + 1, take_row, side,
		e) != 0)
		return -1;
	if (side->failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	side->ended = side->n < PAGE;
	if (side->n > 0)
		*out = &side->rows[0];
	return 0;
}

/* By the bytes of texts, as both databases order them; absent comes last. */
static int
compare_keys(const struct table *t, const struct row *a, const struct row *b)
{
	int c = 0;
	if (a == NULL || b == NULL)
		return (a == NULL) - (b == NULL);
	for (size_t i = 0; i < t->keys && c == 0; i++)
		c = t->numbered
		    ? (a->v[i].i > b->v[i].i) - (a->v[i].i < b->v[i].i)
		    : str_compare(a->v[i].s, b->v[i].s);
	return c;
}

/* Text and bytes alike: each database keeps bodies in its own way. */
static int
same_value(const struct db_value *a, const struct db_value *b)
{
	if (a->type == DB_NULL || b->type == DB_NULL)
		return a->type == b->type;
	if (a->type == DB_INT || b->type == DB_INT)
		return a->type == b->type && a->i == b->i;
	return str_compare(a->s, b->s) == 0;
}

static int
same_row(const struct table *t, const struct row *a, const struct row *b)
{
	for (size_t i = 0; i < t->columns; i++)
		if (!same_value(&a->v[i], &b->v[i]))
			return 0;
	return 1;
}

static void
digest_row(struct crypto_hash *d, const struct table *t, const struct row *r)
{
	for (size_t i = 0; i < t->columns; i++) {
		const struct db_value *v = &r->v[i];
		int64_t head[2] = { v->type == DB_NULL ? 0
			    : v->type == DB_INT	       ? 1
						       : 2,
			v->type == DB_INT ? v->i : (int64_t)v->s.n };
		crypto_hash_add(d, head, sizeof(head));
		if (head[0] == 2)
			crypto_hash_add(d, v->s.p, v->s.n);
	}
}

static int
flush(struct pass *p, struct err *e)
{
	if (!p->open)
		return 0;
	p->open = 0;
	p->pending = 0;
	if (store_commit(p->to.store, e) == 0)
		return 0;
	store_rollback(p->to.store);
	return -1;
}

static int
write_row(struct pass *p, enum query q, const struct row *row, size_t n,
    struct err *e)
{
	struct store *s = p->to.store;
	const struct table *t = p->to.table;
	struct row copy = *row;
	if (t->bytes != NO_COLUMN)
		copy.v[t->bytes] = db_bytes(copy.v[t->bytes].s);
	if (!p->open && store_begin(s, e) != 0)
		return -1;
	p->open = 1;
	p->pending++;
	return store_run(s, q, copy.v, n, NULL, NULL, e);
}

/* The rows both sides stand at; which ones are done with. */
static int
settle(struct pass *p, const struct row *a, const struct row *b, struct err *e)
{
	const struct table *t = p->from.table;
	int c = compare_keys(t, a, b);
	if (a != NULL && c <= 0) {
		p->out->rows++;
		digest_row(p->from.digest, t, a);
	}
	if (b != NULL && c >= 0)
		digest_row(p->to.digest, t, b);
	int same = c == 0 && same_row(t, a, b);
	/* what gives way first may stand in the way of what comes later */
	if (c >= 0 && !same && write_row(p, t->drop, b, t->keys, e) != 0)
		return -1;
	if (c <= 0 && !same && write_row(p, t->put, a, t->columns, e) != 0)
		return -1;
	p->out->written += !same;
	p->from.at += c <= 0;
	p->to.at += c >= 0;
	return p->pending >= WRITES ? flush(p, e) : 0;
}

static int
walk(struct pass *p, copy_progress_fn *fn, void *arg, struct err *e)
{
	const struct row *a, *b;
	for (;;) {
		if (look(&p->from, &a, e) != 0 || look(&p->to, &b, e) != 0)
			return -1;
		if (a == NULL && b == NULL)
			return flush(p, e);
		if (settle(p, a, b, e) != 0)
			return -1;
		if (fn != NULL && p->out->rows % PROGRESS == 0)
			fn(arg, p->out->name, p->out->rows);
	}
}

static void
side_free(struct side *side)
{
	arena_free(side->arena);
	arena_free(side->other);
	crypto_hash_free(side->digest);
}

static struct side
side_new(struct store *s, const struct table *t)
{
	return (struct side){ .store = s,
		.table = t,
		.arena = arena_new(PAGE_BYTES),
		.other = arena_new(PAGE_BYTES),
		.digest = crypto_hash_new() };
}

static int
copy_table(struct store *from, struct store *to, const struct table *t,
    copy_progress_fn *fn, void *arg, struct copy_table *out, struct err *e)
{
	struct pass *p = memory_new(sizeof(*p));
	*out = (struct copy_table){ .name = t->name };
	p->out = out;
	p->from = side_new(from, t);
	p->to = side_new(to, t);
	int rc = walk(p, fn, arg, e);
	if (rc != 0 && p->open)
		store_rollback(to);
	if (rc == 0 &&
	    (crypto_hash_end(p->from.digest, out->from) != 0 ||
		crypto_hash_end(p->to.digest, out->to) != 0))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	side_free(&p->from);
	side_free(&p->to);
	free(p);
	return rc != 0 ? err_prefix(e, "%s", t->name) : 0;
}

int
copy_pass(struct store *from, struct store *to, copy_progress_fn *fn, void *arg,
    struct copy_result *out, struct err *e)
{
	out->written = 0;
	for (size_t i = 0; i < COPY_TABLES; i++) {
		if (copy_table(
			from, to, &tables[i], fn, arg, &out->tables[i], e) != 0)
			return -1;
		out->written += out->tables[i].written;
	}
	return 0;
}

int
copy_prepare(struct store *to, struct err *e)
{
	int64_t events = 0, changes = 0, begun = 0;
	int moved = 0;
	if (store_is_moved(to, &moved, e) != 0 ||
	    store_number(to, QUERY_EVENT_MAX, NULL, 0, &events, NULL, e) != 0 ||
	    store_change_max(to, &changes, e) != 0 ||
	    store_meta_number(to, STR("copying"), &begun, e) != 0)
		return -1;
	if (moved && begun == STORE_NULL)
		return err_set(e, ERR_INPUT,
		    "the database to copy to was moved elsewhere once and is "
		    "closed: name a new file or an empty database");
	if ((events > 0 || changes > 0) && begun == STORE_NULL)
		return err_set(e, ERR_INPUT,
		    "the database to copy to is in use: name an empty one");
	if (store_begin(to, e) != 0)
		return -1;
	if (store_meta_put(to, STR("copying"), STR("1"), e) == 0 &&
	    store_script(to, STORE_BACK, e) == 0 && store_commit(to, e) == 0)
		return 0;
	store_rollback(to);
	return -1;
}

static int
take_numbers(void *arg, const struct db_value *row, size_t n)
{
	struct db_value *out = arg;
	for (size_t i = 0; i < n && i < NUMBERS; i++)
		out[i] = row[i];
	return 1;
}

static int
put_numbers(struct store *from, struct store *to, struct err *e)
{
	struct db_value numbers[NUMBERS];
	return store_run(from, QUERY_COPY_NUMBERS, NULL, 0, take_numbers,
		   numbers, e) == 0
	    ? store_run(
		  to, QUERY_COPY_NUMBERS_PUT, numbers, NUMBERS, NULL, NULL, e)
	    : -1;
}

int
copy_finish(struct store *from, struct store *to, int close, struct err *e)
{
	struct db_value name = db_text(STR("copying"));
	if (store_begin(to, e) != 0)
		return -1;
	if (put_numbers(from, to, e) == 0 &&
	    (!close ||
		store_run(to, QUERY_COPY_META_DROP, &name, 1, NULL, NULL, e) ==
		    0) &&
	    store_commit(to, e) == 0)
		return 0;
	store_rollback(to);
	return -1;
}

int
copy_hold(struct store *from, struct err *e)
{
	return store_run(from, QUERY_COPY_HOLD, NULL, 0, NULL, NULL, e);
}

int
copy_close(struct store *from, struct err *e)
{
	return store_script(from, STORE_MOVED, e);
}

#include "store/rows.h"

int
store_change_add(struct store *s, const struct store_change *c, struct err *e)
{
	struct db_value args[] = {
		db_int(c->at),
		db_text(c->user_ref),
		db_text(c->email),
		db_text(c->buyer),
		db_text(c->license),
		db_text(c->before),
		db_text(c->after),
		db_int(c->event),
	};
	return store_run(s, QUERY_CHANGE_ADD, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
}

struct each_change {
	store_change_fn *fn;
	void *arg;
};

static int
take_change(void *arg, const struct db_value *row, size_t n)
{
	struct each_change *each = arg;
	const struct store_change change = {
		.id = db_number(&row[0]),
		.at = db_number(&row[1]),
		.user_ref = db_str(&row[2]),
		.email = db_str(&row[3]),
		.buyer = db_str(&row[4]),
		.license = db_str(&row[5]),
		.before = db_str(&row[6]),
		.after = db_str(&row[7]),
		.event = db_number(&row[8]),
	};
	(void)n;
	return each->fn(each->arg, &change);
}

/* A reader that asks for ids above the last it saw misses none: SQLite has one
 * writer at a time, and an id is given inside its transaction, so ids are
 * committed in their order, whichever process writes. PostgreSQL's driver
 * makes it so by a lock from the beginning of a transaction to its end. */
int
store_change_after(struct store *s, int64_t after, int64_t limit,
    store_change_fn *fn, void *arg, struct err *e)
{
	struct each_change each = { fn, arg };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(s, QUERY_CHANGE_AFTER, args, 2, take_change, &each, e);
}

int
store_purchase_waiting_after(struct store *s, int64_t after, int64_t limit,
    store_change_fn *fn, void *arg, struct err *e)
{
	struct each_change each = { fn, arg };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(
	    s, QUERY_PURCHASE_WAITING_AFTER, args, 2, take_change, &each, e);
}

int
store_change_of_event(struct store *s, int64_t event, store_change_fn *fn,
    void *arg, struct err *e)
{
	struct each_change each = { fn, arg };
	struct db_value number = db_int(event);
	return store_run(
	    s, QUERY_CHANGE_OF_EVENT, &number, 1, take_change, &each, e);
}

int
store_change_max(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_CHANGE_MAX, NULL, 0, out, NULL, e);
}

struct each_change_id {
	store_change_id_fn *fn;
	void *arg;
};

static int
take_change_id(void *arg, const struct db_value *row, size_t n)
{
	struct each_change_id *each = arg;
	(void)n;
	return each->fn(each->arg, db_number(&row[0]));
}

int
store_change_ids_of(struct store *s, enum store_by by, struct str id,
    int64_t after, int64_t limit, store_change_id_fn *fn, void *arg,
    struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_CHANGE_IDS_OF_USER,
		[STORE_BY_EMAIL] = QUERY_CHANGE_IDS_OF_EMAIL,
		[STORE_BY_BUYER] = QUERY_CHANGE_IDS_OF_BUYER,
		[STORE_BY_LICENSE] = QUERY_CHANGE_IDS_OF_LICENSE,
	};
	struct each_change_id each = { fn, arg };
	struct db_value args[] = { db_text(id), db_int(after), db_int(limit) };
	return store_run(s, queries[by], args, 3, take_change_id, &each, e);
}

static const enum query last_of[] = {
	[STORE_BY_USER] = QUERY_CHANGE_LAST_OF_USER,
	[STORE_BY_EMAIL] = QUERY_CHANGE_LAST_OF_EMAIL,
	[STORE_BY_BUYER] = QUERY_CHANGE_LAST_OF_BUYER,
	[STORE_BY_LICENSE] = QUERY_CHANGE_LAST_OF_LICENSE,
};

static int
take_last(void *arg, const struct db_value *row, size_t n)
{
	int64_t *last = arg;
	(void)n;
	last[0] = db_number(&row[0]);
	last[1] = db_number(&row[1]);
	return 1;
}

int
store_change_last_of(struct store *s, enum store_by by, struct str id,
    int64_t *out, int64_t *valid_from, struct err *e)
{
	struct db_value arg = db_text(id);
	int64_t last[2] = { 0, -1 };
	if (store_run(s, last_of[by], &arg, 1, take_last, last, e) != 0)
		return -1;
	*out = last[0];
	*valid_from = last[1];
	return 0;
}

void
store_ahead_change(struct store *s, enum store_by by, struct str id)
{
	struct db_value arg = db_text(id);
	store_look(s, last_of[by], &arg, 1);
}

struct told {
	struct arena *arena;
	struct str tier;
	int64_t at;
};

static int
take_told(void *arg, const struct db_value *row, size_t n)
{
	struct told *told = arg;
	(void)n;
	told->at = db_number(&row[1]);
	told->tier = str_copy(told->arena, db_str(&row[0]));
	return 1;
}

int
store_change_told(struct store *s, enum store_by by, struct str id,
    struct arena *a, struct str *tier, int64_t *at, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_CHANGE_TOLD_USER,
		[STORE_BY_EMAIL] = QUERY_CHANGE_TOLD_EMAIL,
		[STORE_BY_BUYER] = QUERY_CHANGE_TOLD_BUYER,
		[STORE_BY_LICENSE] = QUERY_CHANGE_TOLD_LICENSE,
	};
	struct told found = { .arena = a, .tier = STR_NONE, .at = STORE_NULL };
	struct db_value arg = db_text(id);
	if (store_run(s, queries[by], &arg, 1, take_told, &found, e) != 0)
		return -1;
	*tier = found.tier;
	*at = found.at;
	return 0;
}

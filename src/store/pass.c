#include "store/pass.h"

#include "store/rows.h"

/* ---- passes that were taken back ---- */

int
store_pass_revoke(struct store *s, struct str who, int64_t at, struct err *e)
{
	struct db_value args[] = { db_text(who), db_int(at) };
	return store_run(s, QUERY_PASS_REVOKE, args, 2, NULL, NULL, e);
}

int
store_pass_from(struct store *s, struct str who, int64_t *out, struct err *e)
{
	struct db_value arg = db_text(who);
	int found = 0;
	if (store_number(s, QUERY_PASS_FROM, &arg, 1, out, &found, e) != 0)
		return -1;
	if (!found)
		*out = -1;
	return 0;
}

int
store_pass_max(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_PASS_MAX, NULL, 0, out, NULL, e);
}

struct each_pass {
	store_pass_fn *fn;
	void *arg;
};

static int
take_pass(void *arg, const struct db_value *row, size_t n)
{
	struct each_pass *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_number(&row[1]));
}

int
store_pass_after(struct store *s, int64_t after, int64_t limit,
    store_pass_fn *fn, void *arg, struct err *e)
{
	struct each_pass each = { fn, arg };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(s, QUERY_PASS_AFTER, args, 2, take_pass, &each, e);
}

int
store_pass_forget(struct store *s, struct str who, struct err *e)
{
	struct db_value arg = db_text(who);
	return store_run(s, QUERY_PASS_FORGET, &arg, 1, NULL, NULL, e);
}

/* ---- links that were used ---- */

static int
take_used(void *arg, const struct db_value *row, size_t n)
{
	struct store_link *link = arg;
	(void)n;
	link->used_at = db_number(&row[0]);
	link->uses = db_number(&row[1]);
	return 1;
}

int
store_link_used(
    struct store *s, struct str link, struct store_link *out, struct err *e)
{
	struct db_value arg = db_text(link);
	*out = (struct store_link){ .uses = 0 };
	return store_run(s, QUERY_LINK_USED, &arg, 1, take_used, out, e);
}

int
store_link_use(struct store *s, struct str link, int64_t now, int64_t ends_at,
    struct err *e)
{
	struct db_value args[] = { db_text(link), db_int(now),
		db_int(ends_at) };
	return store_run(s, QUERY_LINK_USE, args, 3, NULL, NULL, e);
}

int
store_link_trim(struct store *s, int64_t now, struct err *e)
{
	struct db_value arg = db_int(now);
	return store_run(s, QUERY_LINK_TRIM, &arg, 1, NULL, NULL, e);
}

#include "store/pinged.h"

#include "store/rows.h"

int
store_event_before(struct store *s, int64_t at, int64_t *id, struct err *e)
{
	struct db_value arg = db_int(at);
	int found;
	*id = 0;
	return store_number(s, QUERY_EVENT_BEFORE, &arg, 1, id, &found, e);
}

int
store_pinged_put(struct store *s, struct str platform, struct str sale,
    int64_t came_at, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(sale),
		db_int(came_at) };
	return store_run(s, QUERY_PINGED_PUT, args, 3, NULL, NULL, e);
}

struct each_pinged {
	store_pinged_fn *fn;
	void *arg;
};

static int
take_fresh(void *arg, const struct db_value *row, size_t n)
{
	struct each_pinged *each = arg;
	const struct store_pinged out = { .sale = db_str(&row[0]),
		.came_at = db_number(&row[1]),
		.sold_at = db_number(&row[2]),
		.absent_at = STORE_NULL };
	(void)n;
	return each->fn(each->arg, &out);
}

int
store_pinged_fresh(struct store *s, struct str platform, int64_t now,
    store_pinged_fn *fn, void *arg, struct err *e)
{
	struct each_pinged each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_int(now) };
	return store_run(s, QUERY_PINGED_FRESH, args, 2, take_fresh, &each, e);
}

int
store_pinged_looked(
    struct store *s, struct str platform, int64_t now, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_int(now) };
	return store_run(s, QUERY_PINGED_LOOKED, args, 2, NULL, NULL, e);
}

static int
take_next(void *arg, const struct db_value *row, size_t n)
{
	struct each_pinged *each = arg;
	const struct store_pinged out = { .sale = db_str(&row[0]),
		.came_at = db_number(&row[1]),
		.sold_at = STORE_NULL,
		.absent_at = db_number(&row[2]) };
	(void)n;
	return each->fn(each->arg, &out);
}

int
store_pinged_next(struct store *s, struct str platform, int64_t now, int asked,
    store_pinged_fn *fn, void *arg, struct err *e)
{
	struct each_pinged each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_int(now) };
	return store_run(s, asked ? QUERY_PINGED_AGAIN : QUERY_PINGED_FIRST,
	    args, 2, take_next, &each, e);
}

int
store_pinged_due(struct store *s, struct str platform, int64_t now, int64_t *at,
    struct err *e)
{
	struct db_value args[] = { db_text(platform), db_int(now) };
	int found = 0;
	int rc = store_number(s, QUERY_PINGED_DUE, args, 2, at, &found, e);
	if (!found)
		*at = STORE_NULL;
	return rc;
}

int
store_pinged_later(struct store *s, struct str platform, struct str sale,
    int64_t due_at, int64_t absent_at, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(sale),
		db_int(due_at), db_int(absent_at) };
	return store_run(s, QUERY_PINGED_LATER, args, 4, NULL, NULL, e);
}

int
store_pinged_put_off(struct store *s, struct str platform, int64_t now,
    int64_t due_at, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_int(now),
		db_int(due_at) };
	return store_run(s, QUERY_PINGED_PUT_OFF, args, 3, NULL, NULL, e);
}

int
store_pinged_drop(
    struct store *s, struct str platform, struct str sale, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(sale) };
	return store_run(s, QUERY_PINGED_DROP, args, 2, NULL, NULL, e);
}

struct each_subject {
	store_pinged_subject_fn *fn;
	void *arg;
};

static int
take_subject(void *arg, const struct db_value *row, size_t n)
{
	struct each_subject *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]));
}

int
store_pinged_subjects(struct store *s, struct str platform, int64_t since,
    struct str after, int64_t limit, store_pinged_subject_fn *fn, void *arg,
    struct err *e)
{
	struct each_subject each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_int(since),
		db_text(after), db_int(limit) };
	return store_run(
	    s, QUERY_PINGED_SUBJECTS, args, 4, take_subject, &each, e);
}

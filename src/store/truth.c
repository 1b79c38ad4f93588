#include "store/truth.h"

#include "store/pinged.h"
#include "store/rows.h"

/* ---- passes ---- */

struct each_reading {
	store_reading_fn *fn;
	void *arg;
};

static int
take_reading(void *arg, const struct db_value *row, size_t n)
{
	struct each_reading *each = arg;
	const struct store_reading out = {
		.id = db_number(&row[0]),
		.platform = db_str(&row[1]),
		.kind = db_str(&row[2]),
		.began_at = db_number(&row[3]),
		.ended_at = db_number(&row[4]),
		.from_day = db_str(&row[5]),
		.to_day = db_str(&row[6]),
		.read = db_number(&row[7]),
		.found = db_number(&row[8]),
		.repaired = db_number(&row[9]),
		.error = db_str(&row[10]),
	};
	(void)n;
	return each->fn(each->arg, &out);
}

int
store_reading_add(struct store *s, const struct store_reading *row, int64_t *id,
    struct err *e)
{
	struct db_value args[] = { db_text(row->platform), db_text(row->kind),
		db_int(row->began_at), db_text(row->from_day),
		db_text(row->to_day) };
	return store_number(s, QUERY_READING_ADD, args, 5, id, NULL, e);
}

int
store_reading_update(
    struct store *s, const struct store_reading *row, struct err *e)
{
	struct db_value args[] = { db_int(row->id), db_int(row->ended_at),
		db_text(row->from_day), db_text(row->to_day), db_int(row->read),
		db_int(row->found), db_int(row->repaired),
		db_text(row->error) };
	return store_run(s, QUERY_READING_UPDATE, args, 8, NULL, NULL, e);
}

int
store_reading_newest(struct store *s, struct str platform, struct str kind,
    enum reading_which which, store_reading_fn *fn, void *arg, struct err *e)
{
	static const enum query queries[] = { QUERY_READING_NEWEST,
		QUERY_READING_WHOLE, QUERY_READING_OPEN };
	struct each_reading each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(kind) };
	return store_run(s, queries[which], args, 2, take_reading, &each, e);
}

int
store_reading_list(struct store *s, struct str platform, struct str kind,
    int64_t limit, store_reading_fn *fn, void *arg, struct err *e)
{
	struct each_reading each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(kind),
		db_int(limit) };
	return store_run(
	    s, QUERY_READING_LIST, args, 3, take_reading, &each, e);
}

struct each_count {
	store_reading_count_fn *fn;
	void *arg;
};

static int
take_count(void *arg, const struct db_value *row, size_t n)
{
	struct each_count *each = arg;
	const struct store_reading_count out = {
		.platform = db_str(&row[0]),
		.kind = db_str(&row[1]),
		.passes = db_number(&row[2]),
		.failed = db_number(&row[3]),
		.read = db_number(&row[4]),
		.found = db_number(&row[5]),
		.repaired = db_number(&row[6]),
		.whole_at = db_number(&row[7]),
	};
	(void)n;
	return each->fn(each->arg, &out);
}

int
store_reading_counts(
    struct store *s, store_reading_count_fn *fn, void *arg, struct err *e)
{
	struct each_count each = { fn, arg };
	return store_run(
	    s, QUERY_READING_COUNTS, NULL, 0, take_count, &each, e);
}

int
store_reading_covering(struct store *s, struct str platform, struct str kind,
    struct str day, int64_t *at, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(kind),
		db_text(day) };
	int found;
	*at = 0;
	return store_number(s, QUERY_READING_COVERING, args, 3, at, &found, e);
}

/* ---- what is to be read ---- */

struct one_text {
	struct arena *arena;
	struct str text;
};

static int
take_text(void *arg, const struct db_value *row, size_t n)
{
	struct one_text *one = arg;
	struct str s = db_str(&row[0]);
	(void)n;
	one->text = (struct str){ arena_dup(one->arena, s.p, s.n), s.n };
	return 1;
}

int
store_purchase_confirmed(struct store *s, struct str platform, struct arena *a,
    struct str *sale, struct err *e)
{
	struct one_text one = { a, STR_NONE };
	struct db_value arg = db_text(platform);
	int rc =
	    store_run(s, QUERY_PURCHASE_CONFIRMED, &arg, 1, take_text, &one, e);
	*sale = one.text;
	return rc;
}

int
store_purchase_confirmed_count(struct store *s, struct str platform,
    int64_t since, int64_t *n, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_int(since) };
	return store_number(
	    s, QUERY_PURCHASE_CONFIRMED_COUNT, args, 2, n, NULL, e);
}

struct each_open {
	store_open_fn *fn;
	void *arg;
};

static int
take_open(void *arg, const struct db_value *row, size_t n)
{
	struct each_open *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]));
}

int
store_subscription_open(struct store *s, struct str platform, store_open_fn *fn,
    void *arg, struct err *e)
{
	struct each_open each = { fn, arg };
	struct db_value a = db_text(platform);
	return store_run(
	    s, QUERY_SUBSCRIPTION_OPEN, &a, 1, take_open, &each, e);
}

int
store_purchase_given(struct store *s, struct str platform, int64_t from,
    int64_t to, store_open_fn *fn, void *arg, struct err *e)
{
	struct each_open each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_int(from),
		db_int(to) };
	return store_run(s, QUERY_PURCHASE_GIVEN, args, 3, take_open, &each, e);
}

/* ---- differences ---- */

int
store_drift_add(struct store *s, const struct store_drift *row, struct err *e)
{
	struct db_value args[] = { db_int(row->at), db_text(row->platform),
		db_text(row->sale), db_text(row->subscription),
		db_text(row->what), db_text(row->had), db_text(row->has),
		db_int(row->event) };
	return store_run(s, QUERY_DRIFT_ADD, args, 8, NULL, NULL, e);
}

struct each_drift {
	store_drift_fn *fn;
	void *arg;
};

static int
take_drift(void *arg, const struct db_value *row, size_t n)
{
	struct each_drift *each = arg;
	const struct store_drift out = {
		.id = db_number(&row[0]),
		.at = db_number(&row[1]),
		.platform = db_str(&row[2]),
		.sale = db_str(&row[3]),
		.subscription = db_str(&row[4]),
		.what = db_str(&row[5]),
		.had = db_str(&row[6]),
		.has = db_str(&row[7]),
		.event = db_number(&row[8]),
	};
	(void)n;
	return each->fn(each->arg, &out);
}

int
store_drift_list(struct store *s, struct str platform, int64_t before,
    int64_t limit, store_drift_fn *fn, void *arg, struct err *e)
{
	struct each_drift each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_int(before),
		db_int(limit) };
	return store_run(s, QUERY_DRIFT_LIST, args, 3, take_drift, &each, e);
}

struct each_drift_count {
	store_drift_count_fn *fn;
	void *arg;
};

static int
take_drift_count(void *arg, const struct db_value *row, size_t n)
{
	struct each_drift_count *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_str(&row[1]),
	    db_number(&row[2]), db_number(&row[3]));
}

int
store_drift_counts(
    struct store *s, store_drift_count_fn *fn, void *arg, struct err *e)
{
	struct each_drift_count each = { fn, arg };
	return store_run(
	    s, QUERY_DRIFT_COUNTS, NULL, 0, take_drift_count, &each, e);
}

int
store_drift_forget(struct store *s, struct str text, struct err *e)
{
	struct db_value arg = db_text(text);
	return store_run(s, QUERY_DRIFT_FORGET, &arg, 1, NULL, NULL, e);
}

int
store_drift_forget_sale(
    struct store *s, struct str platform, struct str sale, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(sale) };
	return store_run(s, QUERY_DRIFT_FORGET_SALE, args, 2, NULL, NULL, e);
}

/* ---- leases ---- */

enum { LEASE_NAME_MAX = 64 };

static struct str
lease_name(struct str platform, char out[LEASE_NAME_MAX])
{
	snprintf(out, LEASE_NAME_MAX, "lease %.*s", STR_ARG(platform));
	return str_from(out);
}

int
store_lease_take(struct store *s, struct str platform, struct str holder,
    int64_t seconds, int *taken, struct err *e)
{
	char name[LEASE_NAME_MAX];
	struct db_value args[] = { db_text(lease_name(platform, name)),
		db_text(holder), db_int(seconds) };
	int64_t held = 0;
	*taken = 0;
	if (store_run(s, QUERY_LEASE_TAKE, args, 3, NULL, NULL, e) != 0 ||
	    store_number(s, QUERY_LEASE_HELD, args, 2, &held, NULL, e) != 0)
		return -1;
	*taken = held > 0;
	return 0;
}

int
store_lease_release(
    struct store *s, struct str platform, struct str holder, struct err *e)
{
	char name[LEASE_NAME_MAX];
	struct db_value args[] = { db_text(lease_name(platform, name)),
		db_text(holder) };
	return store_run(s, QUERY_LEASE_RELEASE, args, 2, NULL, NULL, e);
}

/* ---- what deliveries named ---- */

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

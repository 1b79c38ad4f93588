#include "store/rows.h"
#include "store/truth.h"

struct each_row {
	store_outbox_row_fn *fn;
	void *arg;
	int found;
};

static int
take_row(void *arg, const struct db_value *row, size_t n)
{
	struct each_row *each = arg;
	const struct store_outbox out = {
		.id = db_number(&row[0]),
		.kind = db_str(&row[1]),
		.target = db_str(&row[2]),
		.payload = db_str(&row[3]),
		.state = db_str(&row[4]),
		.attempts = db_number(&row[5]),
		.due_at = db_number(&row[6]),
		.last_error = db_str(&row[7]),
		.dedupe = db_str(&row[8]),
		.event = db_number(&row[9]),
		.added_at = db_number(&row[10]),
		.done_at = db_number(&row[11]),
		.awaits = db_str(&row[12]),
	};
	(void)n;
	each->found = 1;
	return each->fn(each->arg, &out);
}

static int
take_none(void *arg, const struct store_outbox *row)
{
	(void)arg;
	(void)row;
	return 1;
}

int
store_outbox_add(struct store *s, const struct store_outbox *row, struct err *e)
{
	struct db_value args[] = {
		db_text(row->kind),
		db_text(row->target),
		db_text(row->payload),
		db_int(row->added_at),
		db_text(row->dedupe),
		db_int(row->event),
		db_text(row->person),
		db_int(row->due_at > 0 ? row->due_at : row->added_at),
		db_text(row->awaits),
	};
	return store_run(s, QUERY_OUTBOX_ADD, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
}

int
store_outbox_max(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_OUTBOX_MAX, NULL, 0, out, NULL, e);
}

static int
is_any(struct store *s, enum query q, const struct db_value *args, size_t n,
    int *any, struct err *e)
{
	int64_t count = 0;
	int rc = store_number(s, q, args, n, &count, NULL, e);
	*any = count > 0;
	return rc;
}

int
store_outbox_is_known(
    struct store *s, struct str dedupe, int *known, struct err *e)
{
	struct db_value arg = db_text(dedupe);
	return is_any(s, QUERY_OUTBOX_KNOWN, &arg, 1, known, e);
}

int
store_outbox_is_due(struct store *s, struct str kind, struct str target,
    int order, int64_t now, int *due, struct err *e)
{
	struct each_row each = { take_none, NULL, 0 };
	struct db_value args[] = { db_text(kind), db_text(target), db_int(now),
		db_int(1) };
	int rc =
	    store_run(s, order ? QUERY_OUTBOX_NEXT_IN_ORDER : QUERY_OUTBOX_NEXT,
		args, 4, take_row, &each, e);
	if (rc == 0 && order && !each.found)
		rc = store_run(
		    s, QUERY_OUTBOX_NEXT_HEADS, args, 4, take_row, &each, e);
	*due = each.found;
	return rc;
}

int
store_outbox_take(struct store *s, struct str kind, struct str target,
    int order, int64_t now, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value args[] = { db_text(kind), db_text(target), db_int(now),
		db_int(limit) };
	return store_run(s,
	    order ? QUERY_OUTBOX_TAKE_IN_ORDER : QUERY_OUTBOX_TAKE, args, 4,
	    take_row, &each, e);
}

int
store_outbox_take_heads(struct store *s, struct str kind, struct str target,
    int64_t now, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value args[] = { db_text(kind), db_text(target), db_int(now),
		db_int(limit) };
	return store_run(
	    s, QUERY_OUTBOX_TAKE_HEADS, args, 4, take_row, &each, e);
}

int
store_outbox_claim(struct store *s, int64_t id, int64_t until, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(until) };
	return store_run(s, QUERY_OUTBOX_CLAIM, args, 2, NULL, NULL, e);
}

int
store_outbox_mark(
    struct store *s, const struct store_outbox *row, struct err *e)
{
	struct db_value args[] = {
		db_int(row->id),
		db_int(row->attempts),
		db_text(row->state),
		db_int(row->due_at),
		db_text(row->last_error),
		db_int(row->done_at),
	};
	return store_run(s, QUERY_OUTBOX_MARK, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
}

int
store_outbox_release(
    struct store *s, int64_t id, int64_t attempts, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(attempts) };
	return store_run(s, QUERY_OUTBOX_RELEASE, args, 2, NULL, NULL, e);
}

int
store_outbox_hurry(struct store *s, struct str kind, struct str target,
    int64_t now, int64_t attempts, struct err *e)
{
	struct db_value args[] = { db_text(kind), db_text(target), db_int(now),
		db_int(attempts) };
	return store_run(s, QUERY_OUTBOX_HURRY, args, 4, NULL, NULL, e);
}

int
store_outbox_old(struct store *s, int64_t before, int64_t limit,
    store_outbox_row_fn *fn, void *arg, struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value args[] = { db_int(before), db_int(limit) };
	return store_run(s, QUERY_OUTBOX_OLD, args, 2, take_row, &each, e);
}

int
store_outbox_expire(struct store *s, int64_t id, int64_t now, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(now) };
	return store_run(s, QUERY_OUTBOX_EXPIRE, args, 2, NULL, NULL, e);
}

int
store_outbox_tidy(struct store *s, int64_t before, struct err *e)
{
	struct db_value arg = db_int(before);
	return store_run(s, QUERY_OUTBOX_TIDY, &arg, 1, NULL, NULL, e);
}

int
store_outbox_get(struct store *s, int64_t id, store_outbox_row_fn *fn,
    void *arg, struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value number = db_int(id);
	if (store_run(s, QUERY_OUTBOX_GET, &number, 1, take_row, &each, e) != 0)
		return -1;
	return each.found
	    ? 0
	    : err_set(e, ERR_ABSENT, "nothing in the outbox has number %lld",
		  (long long)id);
}

int
store_outbox_after(struct store *s, int64_t after, struct str state,
    struct str target, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value args[] = { db_int(after), db_text(state),
		db_text(target), db_int(limit) };
	return store_run(s, QUERY_OUTBOX_AFTER, args, 4, take_row, &each, e);
}

int
store_outbox_list(struct store *s, struct str state, struct str target,
    int64_t limit, store_outbox_row_fn *fn, void *arg, struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value args[] = { db_text(state), db_text(target),
		db_int(limit) };
	return store_run(s, QUERY_OUTBOX_LIST, args, 3, take_row, &each, e);
}

int
store_outbox_of_event(struct store *s, int64_t event, store_outbox_row_fn *fn,
    void *arg, struct err *e)
{
	struct each_row each = { fn, arg, 0 };
	struct db_value number = db_int(event);
	return store_run(
	    s, QUERY_OUTBOX_OF_EVENT, &number, 1, take_row, &each, e);
}

int
store_outbox_again(struct store *s, int64_t id, int64_t now, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(now) };
	return store_run(s, QUERY_OUTBOX_AGAIN, args, 2, NULL, NULL, e);
}

int
store_outbox_give_up(struct store *s, int64_t id, int64_t now, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(now) };
	return store_run(s, QUERY_OUTBOX_GIVE_UP, args, 2, NULL, NULL, e);
}

struct each_count {
	store_outbox_count_fn *fn;
	void *arg;
};

static int
take_count(void *arg, const struct db_value *row, size_t n)
{
	struct each_count *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_str(&row[1]),
	    db_str(&row[2]), db_number(&row[3]), db_number(&row[4]));
}

int
store_outbox_counts(
    struct store *s, store_outbox_count_fn *fn, void *arg, struct err *e)
{
	struct each_count each = { fn, arg };
	return store_run(s, QUERY_OUTBOX_COUNTS, NULL, 0, take_count, &each, e);
}

/* ---- follow-ups that wait ---- */

int
store_outbox_confirmed(struct store *s, struct str sale, struct err *e)
{
	struct db_value arg = db_text(sale);
	return store_run(s, QUERY_OUTBOX_CONFIRMED, &arg, 1, NULL, NULL, e);
}

int
store_outbox_unknown(
    struct store *s, struct str sale, int64_t now, struct err *e)
{
	struct db_value args[] = { db_text(sale), db_int(now) };
	return store_run(s, QUERY_OUTBOX_UNKNOWN, args, 2, NULL, NULL, e);
}

int
store_outbox_unasked(struct store *s, int64_t added, int64_t *n, struct err *e)
{
	struct db_value arg = db_int(added);
	return store_number(s, QUERY_OUTBOX_UNASKED, &arg, 1, n, NULL, e);
}

int
store_outbox_let_go(struct store *s, int64_t added, struct err *e)
{
	struct db_value arg = db_int(added);
	return store_run(s, QUERY_OUTBOX_LET_GO, &arg, 1, NULL, NULL, e);
}

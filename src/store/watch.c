#include "store/rows.h"

struct each_newest {
	store_newest_fn *fn;
	void *arg;
};

static int
take_newest(void *arg, const struct db_value *row, size_t n)
{
	struct each_newest *each = arg;
	(void)n;
	return each->fn(
	    each->arg, db_number(&row[0]), db_str(&row[1]), db_number(&row[2]));
}

int
store_event_newest(struct store *s, struct str platform, struct str kind,
    store_newest_fn *fn, void *arg, struct err *e)
{
	struct each_newest each = { fn, arg };
	struct db_value args[] = { db_int(STORE_WATCH_MAX), db_text(platform),
		db_text(kind) };
	int all = platform.p == NULL;
	return store_run(s, all ? QUERY_EVENT_NEWEST : QUERY_EVENT_NEWEST_OF,
	    args, all ? 1 : 3, take_newest, &each, e);
}

static int
take_outbox(void *arg, const struct db_value *row, size_t n)
{
	struct store_watch *out = arg;
	(void)n;
	out->outbox = db_number(&row[0]);
	out->outbox_due_at = db_number(&row[1]);
	return 1;
}

int
store_watch(struct store *s, struct store_watch *out, struct err *e)
{
	struct db_value args[] = { db_int(STORE_WATCH_MAX) };
	*out = (struct store_watch){ .outbox_due_at = STORE_NULL };
	if (store_number(s, QUERY_EVENT_MAX, NULL, 0, &out->events, NULL, e) !=
		0 ||
	    store_number(
		s, QUERY_EVENT_KEPT_COUNT, args, 1, &out->kept, NULL, e) != 0)
		return -1;
	return store_run(s, QUERY_OUTBOX_WAITING, args, 1, take_outbox, out, e);
}

#include "store/rows.h"
#include "store/truth.h"

int
store_forget_begin(struct store *s, struct err *e)
{
	return store_run(s, QUERY_FORGET_BEGIN, NULL, 0, NULL, NULL, e);
}

int
store_forget_end(struct store *s, struct err *e)
{
	int64_t busy = 0;
	if (store_run(s, QUERY_FORGET_VACUUM, NULL, 0, NULL, NULL, e) != 0 ||
	    store_number(s, QUERY_FORGET_LOG, NULL, 0, &busy, NULL, e) != 0)
		return -1;
	return busy == 0 ? 0
			 : err_set(e, ERR_BUSY,
			       "somebody still reads from the database's "
			       "write-ahead log, so it could not be emptied");
}

struct each_id {
	store_event_id_fn *fn;
	void *arg;
};

static int
take_id(void *arg, const struct db_value *row, size_t n)
{
	struct each_id *each = arg;
	(void)n;
	return each->fn(each->arg, db_number(&row[0]));
}

int
store_event_in_subject(struct store *s, struct str platform, struct str subject,
    store_event_id_fn *fn, void *arg, struct err *e)
{
	struct each_id each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(s, QUERY_EVENT_IN_SUBJECT, args, 2, take_id, &each, e);
}

int
store_event_forget(
    struct store *s, const struct store_event *row, struct err *e)
{
	struct db_value args[] = { db_int(row->id), db_text(row->subject),
		db_bytes(row->body), db_text(row->content_type),
		db_text(row->status), db_text(row->reason) };
	return store_run(s, QUERY_EVENT_FORGET, args, 6, NULL, NULL, e);
}

int
store_change_forget(
    struct store *s, enum store_by by, struct str id, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_CHANGE_FORGET_USER,
		[STORE_BY_EMAIL] = QUERY_CHANGE_FORGET_EMAIL,
		[STORE_BY_BUYER] = QUERY_CHANGE_FORGET_BUYER,
		[STORE_BY_LICENSE] = QUERY_CHANGE_FORGET_LICENSE,
	};
	struct db_value arg = db_text(id);
	return store_run(s, queries[by], &arg, 1, NULL, NULL, e);
}

int
store_change_forget_event(struct store *s, int64_t event, struct err *e)
{
	struct db_value arg = db_int(event);
	return store_run(s, QUERY_CHANGE_FORGET_EVENT, &arg, 1, NULL, NULL, e);
}

int
store_change_drop(struct store *s, struct str buyer, struct err *e)
{
	struct db_value arg = db_text(buyer);
	return store_run(s, QUERY_CHANGE_DROP, &arg, 1, NULL, NULL, e);
}

struct each_outbox {
	store_outbox_fn *fn;
	void *arg;
};

static int
take_outbox(void *arg, const struct db_value *row, size_t n)
{
	struct each_outbox *each = arg;
	(void)n;
	return each->fn(each->arg, db_number(&row[0]), db_str(&row[1]),
	    db_str(&row[2]), db_str(&row[3]));
}

int
store_outbox_holding(struct store *s, struct str text, store_outbox_fn *fn,
    void *arg, struct err *e)
{
	struct each_outbox each = { fn, arg };
	struct db_value args[] = { db_text(text) };
	return store_run(
	    s, QUERY_OUTBOX_HOLDING, args, 1, take_outbox, &each, e);
}

int
store_outbox_drop(struct store *s, int64_t id, struct err *e)
{
	struct db_value arg = db_int(id);
	return store_run(s, QUERY_OUTBOX_DROP, &arg, 1, NULL, NULL, e);
}

/* ---- who was erased ---- */

enum { DIGEST_MAX = 80 }; /* with a character more */

int
store_erased_add(struct store *s, struct str platform, struct str what,
    int64_t at, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(what),
		db_int(at) };
	return store_run(s, QUERY_ERASED_ADD, args, 3, NULL, NULL, e);
}

struct each_erased {
	store_erased_fn *fn;
	void *arg;
};

static int
take_erased(void *arg, const struct db_value *row, size_t n)
{
	struct each_erased *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]));
}

int
store_erased_list(struct store *s, struct str platform, struct str digest,
    store_erased_fn *fn, void *arg, struct err *e)
{
	struct each_erased each = { fn, arg };
	char end[DIGEST_MAX];
	snprintf(end, sizeof(end), "%.*sg", STR_ARG(digest));
	struct db_value args[] = { db_text(platform), db_text(digest),
		db_text(str_from(end)) };
	return store_run(s, QUERY_ERASED_LIST, args, 3, take_erased, &each, e);
}

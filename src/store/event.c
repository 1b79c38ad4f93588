#include "store/rows.h"
#include "store/truth.h"

enum { KEY_MAX = 65 }; /* of a delivery, with its end */

struct each_event {
	store_event_fn *fn;
	void *arg;
	int found;
};

static int
take_event(void *arg, const struct db_value *row, size_t n)
{
	struct each_event *each = arg;
	(void)n;
	struct store_event ev = {
		.id = db_number(&row[0]),
		.platform = db_str(&row[1]),
		.kind = db_str(&row[2]),
		.delivery = db_str(&row[3]),
		.subject = db_str(&row[4]),
		.sent_at = db_number(&row[5]),
		.received_at = db_number(&row[6]),
		.seen = db_number(&row[7]),
		.last_seen_at = db_number(&row[8]),
		.content_type = db_str(&row[9]),
		.body = db_str(&row[10]),
		.verified_by = db_str(&row[11]),
		.peer = db_str(&row[12]),
		.status = db_str(&row[13]),
		.reason = db_str(&row[14]),
	};
	each->found = 1;
	return each->fn(each->arg, &ev);
}

struct earlier {
	int64_t id;
	int64_t received_at;
	int64_t sent_at;
};

static int
take_earlier(void *arg, const struct db_value *row, size_t n)
{
	struct earlier *earlier = arg;
	(void)n;
	earlier->id = db_number(&row[0]);
	earlier->received_at = db_number(&row[1]);
	earlier->sent_at = db_number(&row[2]);
	return 1;
}

static int
event_again(struct store *s, const struct store_event *row, int64_t *id,
    enum store_added *added, struct err *e)
{
	struct earlier first = { 0 };
	struct db_value key[] = { db_text(row->platform),
		db_text(row->delivery) };
	if (store_run(s, QUERY_EVENT_FIND, key, 2, take_earlier, &first, e) !=
	    0)
		return -1;
	struct db_value args[] = { db_int(first.id), db_int(row->received_at),
		db_int(row->sent_at) };
	if (store_run(s, QUERY_EVENT_AGAIN, args, 3, NULL, NULL, e) != 0)
		return -1;
	*id = first.id;
	*added = row->received_at < first.received_at ||
		(row->sent_at != STORE_NULL && row->sent_at < first.sent_at)
	    ? STORE_EARLIER
	    : STORE_AGAIN;
	return 0;
}

int
store_event_add(struct store *s, const struct store_event *row, int64_t *id,
    enum store_added *added, struct err *e)
{
	struct db_value args[] = {
		db_text(row->platform),
		db_text(row->kind),
		db_text(row->delivery),
		db_text(row->subject),
		db_int(row->sent_at),
		db_int(row->received_at),
		db_text(row->content_type),
		db_bytes(row->body),
		db_text(row->verified_by),
		db_text(row->peer),
		db_text(row->status),
		db_text(row->reason),
	};
	int found;
	/* the id comes with the one statement or by the other */
	if (store_number(s, QUERY_EVENT_ADD, args,
		sizeof(args) / sizeof(args[0]), id, &found, e) != 0 ||
	    (!found &&
		store_number(s, QUERY_EVENT_ADDED, NULL, 0, id, &found, e) !=
		    0))
		return -1;
	*added = STORE_NEW;
	return found ? 0 : event_again(s, row, id, added, e);
}

int
store_event_status(struct store *s, int64_t id, struct str status,
    struct str reason, struct err *e)
{
	struct db_value args[] = { db_int(id), db_text(status),
		db_text(reason) };
	return store_run(s, QUERY_EVENT_STATUS, args, 3, NULL, NULL, e);
}

int
store_event_apply(
    struct store *s, int64_t id, struct str subject, struct err *e)
{
	struct db_value args[] = { db_int(id), db_text(subject) };
	return store_run(s, QUERY_EVENT_APPLY, args, 2, NULL, NULL, e);
}

int
store_event_refile(
    struct store *s, int64_t id, struct str subject, struct err *e)
{
	struct db_value args[] = { db_int(id), db_text(subject) };
	return store_run(s, QUERY_EVENT_REFILE, args, 2, NULL, NULL, e);
}

int
store_event_get(
    struct store *s, int64_t id, store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_int(id) };
	if (store_run(s, QUERY_EVENT_GET, args, 1, take_event, &each, e) != 0)
		return -1;
	if (!each.found)
		return err_set(
		    e, ERR_ABSENT, "there is no event %lld", (long long)id);
	return 0;
}

int
store_event_find(struct store *s, struct str platform, struct str delivery,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct earlier found = { 0 };
	struct db_value key[] = { db_text(platform), db_text(delivery) };
	if (store_run(s, QUERY_EVENT_FIND, key, 2, take_earlier, &found, e) !=
	    0)
		return -1;
	return found.id == 0 ? 0 : store_event_get(s, found.id, fn, arg, e);
}

int
store_event_reading(struct store *s, struct str platform, struct str prefix,
    store_event_fn *fn, void *arg, struct err *e)
{
	char end[KEY_MAX];
	snprintf(end, sizeof(end), "%.*sg", STR_ARG(prefix));
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(platform), db_text(prefix),
		db_text(str_from(end)) };
	return store_run(s, QUERY_EVENT_READING, args, 3, take_event, &each, e);
}

int
store_event_since(struct store *s, const struct store_event *row, int64_t at,
    int *found, struct err *e)
{
	int64_t other;
	struct db_value args[] = { db_text(row->platform),
		db_text(row->subject), db_int(row->id), db_int(at) };
	return store_number(s, QUERY_EVENT_SINCE, args, 4, &other, found, e);
}

int
store_event_seen(
    struct store *s, int64_t id, int64_t at, int64_t times, struct err *e)
{
	struct db_value args[] = { db_int(id), db_int(at), db_int(times) };
	return store_run(s, QUERY_EVENT_SEEN, args, 3, NULL, NULL, e);
}

int
store_event_of_subject(struct store *s, struct str platform, struct str subject,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(
	    s, QUERY_EVENT_OF_SUBJECT, args, 2, take_event, &each, e);
}

int
store_event_beside(struct store *s, struct str platform, struct str subject,
    int *found, struct err *e)
{
	int64_t other;
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_number(s, QUERY_EVENT_BESIDE, args, 2, &other, found, e);
}

int
store_event_count_of_subject(struct store *s, struct str platform,
    struct str subject, int64_t *out, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_number(
	    s, QUERY_EVENT_COUNT_OF_SUBJECT, args, 2, out, NULL, e);
}

int
store_event_about(struct store *s, struct str platform, struct str subject,
    struct str manual_subject, store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(platform), db_text(subject),
		db_text(manual_subject) };
	return store_run(s, QUERY_EVENT_ABOUT, args, 3, take_event, &each, e);
}

int
store_event_list(struct store *s, const struct store_event_filter *f,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_int(f->before), db_text(f->platform),
		db_text(f->kind), db_text(f->status), db_int(f->limit) };
	return store_run(s, QUERY_EVENT_LIST, args, 5, take_event, &each, e);
}

struct each_count {
	store_event_count_fn *fn;
	void *arg;
};

static int
take_count(void *arg, const struct db_value *row, size_t n)
{
	struct each_count *each = arg;
	(void)n;
	struct store_event_count c = {
		.platform = db_str(&row[0]),
		.kind = db_str(&row[1]),
		.status = db_str(&row[2]),
		.count = db_number(&row[3]),
		.last_seen_at = db_number(&row[4]),
	};
	return each->fn(each->arg, &c);
}

int
store_event_counts(
    struct store *s, store_event_count_fn *fn, void *arg, struct err *e)
{
	struct each_count each = { fn, arg };
	return store_run(s, QUERY_EVENT_COUNTS, NULL, 0, take_count, &each, e);
}

int
store_event_kept(struct store *s, int64_t after, int64_t limit,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(
	    s, QUERY_EVENT_KEPT_AFTER, args, 2, take_event, &each, e);
}

int
store_event_kept_of(struct store *s, struct str platform, struct str subject,
    struct str other, store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(platform), db_text(subject),
		db_text(other) };
	return store_run(s, QUERY_EVENT_KEPT_OF, args, 3, take_event, &each, e);
}

int
store_event_delivered(struct store *s, struct str platform, int64_t after,
    int64_t limit, store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(platform), db_int(after),
		db_int(limit) };
	return store_run(
	    s, QUERY_EVENT_DELIVERED, args, 3, take_event, &each, e);
}

int
store_event_all(struct store *s, int64_t after, int64_t limit,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(s, QUERY_EVENT_ALL, args, 2, take_event, &each, e);
}

int
store_event_heads(struct store *s, store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	return store_run(s, QUERY_EVENT_HEADS, NULL, 0, take_event, &each, e);
}

int
store_event_by(struct store *s, struct str verified_by, int64_t since,
    store_event_fn *fn, void *arg, struct err *e)
{
	struct each_event each = { fn, arg, 0 };
	struct db_value args[] = { db_text(verified_by), db_int(since) };
	return store_run(s, QUERY_EVENT_BY, args, 2, take_event, &each, e);
}

int
store_event_rewrite(struct store *s, int64_t id, struct str body,
    struct str content_type, struct err *e)
{
	struct db_value args[] = { db_int(id), db_bytes(body),
		db_text(content_type) };
	return store_run(s, QUERY_EVENT_REWRITE, args, 3, NULL, NULL, e);
}

struct each_subject {
	store_subject_fn *fn;
	void *arg;
};

static int
take_subject(void *arg, const struct db_value *row, size_t n)
{
	struct each_subject *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_str(&row[1]));
}

int
store_subjects_after(struct store *s, struct str platform, struct str subject,
    int64_t limit, store_subject_fn *fn, void *arg, struct err *e)
{
	struct each_subject each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(subject),
		db_int(limit) };
	return store_run(
	    s, QUERY_EVENT_SUBJECT_AFTER, args, 3, take_subject, &each, e);
}

int
store_subject_count(struct store *s, int64_t *out, struct err *e)
{
	return store_number(
	    s, QUERY_EVENT_SUBJECT_COUNT, NULL, 0, out, NULL, e);
}

int
store_event_max(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_EVENT_MAX, NULL, 0, out, NULL, e);
}

int
store_event_count_after(
    struct store *s, int64_t id, int64_t *out, struct err *e)
{
	struct db_value arg = db_int(id);
	return store_number(s, QUERY_EVENT_COUNT_AFTER, &arg, 1, out, NULL, e);
}

int
store_event_received(struct store *s, int64_t id, int64_t *out, struct err *e)
{
	struct db_value arg = db_int(id);
	int found = 0;
	if (store_number(s, QUERY_EVENT_RECEIVED, &arg, 1, out, &found, e) != 0)
		return -1;
	if (!found)
		*out = STORE_NULL;
	return 0;
}

/* ---- for who watches ---- */

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
take_rhythm(void *arg, const struct db_value *row, size_t n)
{
	int64_t *out = arg;
	(void)n;
	out[0] = db_number(&row[0]);
	out[1] = db_number(&row[1]);
	return 1;
}

int
store_event_rhythm(struct store *s, struct str platform, int64_t since,
    int64_t *count, int64_t *gap, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_int(since),
		db_int(STORE_RHYTHM_MAX) };
	int64_t out[2] = { 0, 0 };
	int rc = store_run(s, QUERY_EVENT_RHYTHM, args, 3, take_rhythm, out, e);
	*count = out[0];
	*gap = out[1];
	return rc;
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

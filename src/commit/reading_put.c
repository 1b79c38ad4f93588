#include "commit/reading_own.h"

#include "commit/drift.h"
#include "commit/intake.h"
#include "commit/project.h"
#include "fold/column.h"
#include "follow/outbox.h"
#include "store/truth.h"

enum {
	MEMBER_SEEN_S = 86400, /* an equal one of a member is noted so often */
	NEWS_S = 10 * 86400, /* the age of a sale that things follow from */
};

static int
no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

static struct str
copy(struct arena *a, struct str s)
{
	if (s.p != NULL)
		s.p = arena_dup(a, s.p, s.n);
	return s;
}

/* ---- the rows before and after ------------------------------------------- */

struct state {
	struct drift_rows rows;
	struct store_subscription membership;
	struct rows sale, all;
	int64_t sold_at; /* of the newest sale */
	struct arena *a;
};

static int
take_membership(void *arg, const struct store_subscription *row)
{
	struct state *st = arg;
	st->membership = *row;
	st->membership.status = copy(st->a, row->status);
	st->rows.membership = &st->membership;
	return 1;
}

static int
find_sale(struct way *w, struct state *st, struct err *e)
{
	struct err absent = { .code = ERR_NONE };
	if (w->out->sale.p == NULL ||
	    store_purchase_get(w->s, w->platform, w->out->sale, rows_take,
		&st->sale, &absent) == 0 ||
	    absent.code == ERR_ABSENT) {
		st->rows.sale = st->sale.n > 0 ? st->sale.v : NULL;
		return st->sale.failed ? no_memory(e) : 0;
	}
	if (e != NULL)
		*e = absent;
	return -1;
}

static int
later(int64_t a, int64_t b)
{
	return a == STORE_NULL || (b != STORE_NULL && b > a);
}

static int
read_state(struct way *w, struct state *st, struct err *e)
{
	*st = (struct state){ .a = w->a,
		.sold_at = STORE_NULL,
		.sale = { .arena = w->a },
		.all = { .arena = w->a } };
	st->rows.until = STORE_NULL;
	if (find_sale(w, st, e) != 0)
		return -1;
	if (st->rows.sale != NULL)
		st->sold_at = st->rows.sale->sold_at;
	if (w->fact.kind != FACT_SUBSCRIBER)
		return 0;
	if (store_purchase_of_subject(w->s, w->platform, w->out->subject,
		rows_take, &st->all, e) != 0 ||
	    store_subscription_of_subject(w->s, w->platform, w->out->subject,
		take_membership, st, e) != 0)
		return -1;
	for (size_t i = 0; i < st->all.n; i++) {
		const struct store_purchase *p = &st->all.v[i];
		int64_t until = p->until == STORE_NULL ? INT64_MAX : p->until;
		if (later(st->sold_at, p->sold_at))
			st->sold_at = p->sold_at;
		if (p->since != STORE_NULL && later(st->rows.until, until))
			st->rows.until = until;
	}
	return st->all.failed ? no_memory(e) : 0;
}

/* ---- storing ------------------------------------------------------------- */

static int
add(struct way *w, struct err *e)
{
	const struct reading *r = w->r;
	enum store_added added;
	struct store_event row = { .platform = w->platform,
		.kind = r->kind,
		.delivery = w->fact.delivery,
		.subject = w->out->subject,
		.sent_at = w->sent_at,
		.received_at = r->at,
		.content_type = platform_content_type(r->platform, r->kind),
		.body = w->body,
		.verified_by = r->verified_by,
		.status = w->status,
		.reason = w->reason };
	if (store_event_add(w->s, &row, &w->out->event, &added, e) != 0)
		return -1;
	/* what happened while it was on its way is not in it */
	return store_event_seen(w->s, w->out->event, w->sent_at, 0, e);
}

static int
take_subject(void *arg, const struct store_event *ev)
{
	struct way *w = arg;
	w->out->subject = copy(w->a, ev->subject);
	return 1;
}

/* One that cannot be folded is kept; the others of the transaction are written
 * once more, each on a savepoint. */
static int
fold(struct way *w, const struct project_known *known,
    const struct project_when *when, struct err *e)
{
	struct project_known mine = *known;
	if (w->careful && store_savepoint(w->s, e) != 0)
		return -1;
	if (project_subject(w->s, w->c, w->r->platform, w->out->subject,
		mine.event != 0 ? &mine : NULL, when, w->a, e) == 0)
		return w->careful ? store_release(w->s, e) : 0;
	if (!w->careful || err_is_passing(e) || e->code == ERR_ABSENT ||
	    store_rollback_to(w->s, e) != 0 || store_release(w->s, e) != 0)
		return -1;
	w->out->kept = 1;
	return store_event_status(
	    w->s, w->out->event, STR("kept"), STR("fold_error"), e);
}

/* What waits for the sale to be confirmed. */
static int
settle_waiting(struct way *w, const struct store_purchase *is, struct err *e)
{
	int unknown = w->fact.kind == FACT_ABSENT;
	int confirmed = is != NULL && is->confirmed_at != STORE_NULL;
	if (w->out->sale.p == NULL || (!unknown && !confirmed))
		return 0;
	struct str name = outbox_awaits(w->a, w->platform, w->out->sale);
	if (name.p == NULL)
		return no_memory(e);
	return confirmed ? store_outbox_confirmed(w->s, name, e)
			 : store_outbox_unknown(w->s, name, w->r->at, e);
}

static int
note_drift(struct way *w, struct err *e)
{
	const struct reading_result *out = w->out;
	for (size_t i = 0; !w->r->import && i < out->n_drift; i++) {
		const struct store_drift row = { .at = w->r->at,
			.platform = w->platform,
			.sale = out->sale,
			.subscription = out->subscription,
			.what = str_from(out->drift[i].what),
			.had = out->drift[i].had,
			.has = out->drift[i].has,
			.event = out->event };
		if (store_drift_add(w->s, &row, e) != 0)
			return -1;
	}
	return 0;
}

static int
follow_up(struct way *w, const struct state *was, struct err *e)
{
	const struct outbox_reading o = { .platform = w->r->platform,
		.fact = &w->fact,
		.subject = w->out->subject,
		.sale = was->rows.sale,
		.membership = was->rows.membership,
		.event = w->out->event,
		.at = w->r->at };
	return outbox_read(w->s, w->c, &o, w->a, e);
}

static int
is_news(const struct way *w, const struct state *was)
{
	int64_t sold_at =
	    w->fact.sold_at != FACT_NO_TIME ? w->fact.sold_at : was->sold_at;
	return !w->r->import && sold_at != STORE_NULL &&
	    sold_at >= w->r->at - NEWS_S;
}

/* Folds the subject, and all that follows from what it changes. */
static int
apply(struct way *w, struct project_known *known, const struct state *was,
    struct err *e)
{
	struct state is;
	struct project_when when = { .at = w->r->at,
		.event = w->out->event,
		.is_old = !is_news(w, was) };
	if (fold(w, known, &when, e) != 0)
		return -1;
	if (w->out->kept)
		return 0;
	if (store_event_get(w->s, w->out->event, take_subject, w, e) != 0 ||
	    read_state(w, &is, e) != 0 ||
	    settle_waiting(w, is.rows.sale, e) != 0)
		return -1;
	drift_find(w->out, &w->fact, &was->rows, &is.rows, w->r->at, w->a);
	if (arena_failed(w->a))
		return no_memory(e);
	return note_drift(w, e) == 0 &&
		(when.is_old || follow_up(w, was, e) == 0)
	    ? 0
	    : -1;
}

static int
put_new(struct way *w, const struct state *was, struct err *e)
{
	struct project_known known = { .fact = &w->fact,
		.sent_at = w->sent_at };
	int beside = 0;
	w->out->kept = !str_eq_z(w->status, "applied");
	if (reading_name(w, e) != 0 ||
	    store_event_beside(
		w->s, w->platform, w->out->subject, &beside, e) != 0 ||
	    add(w, e) != 0)
		return -1;
	known.event = w->out->event;
	known.alone = !beside;
	return w->out->kept ? 0 : apply(w, &known, was, e);
}

/* Was anything sent since it was last seen, so that it speaks before that no
 * more? Of a membership the time itself tells how long it lasts. */
static int
is_between(struct way *w, int *between, struct err *e)
{
	const struct store_event ev = { .id = w->out->event,
		.platform = w->platform,
		.subject = w->out->subject };
	*between = 1;
	return w->fact.kind == FACT_SUBSCRIBER
	    ? 0
	    : store_event_since(w->s, &ev, w->last_seen_at, between, e);
}

static int
put_again(struct way *w, const struct state *was, struct err *e)
{
	struct project_known none = { .event = 0 };
	int64_t gone = w->r->requested_at - w->last_seen_at;
	int between;
	if (gone <= 0 ||
	    (w->fact.kind == FACT_SUBSCRIBER && gone < MEMBER_SEEN_S))
		return 0;
	if (store_event_seen(w->s, w->out->event, w->r->requested_at, 1, e) !=
		0 ||
	    is_between(w, &between, e) != 0)
		return -1;
	w->out->kept = !str_eq_z(w->status, "applied");
	return w->out->kept || !between ? 0 : apply(w, &none, was, e);
}

/* Where a sale's row is known, its subject is; else what the reading says. */
static int
find_subject(struct way *w, struct state *was, struct err *e)
{
	struct reading_result *out = w->out;
	out->sale = project_column(w->a, w->fact.sale);
	out->subscription = project_column(w->a, w->fact.subscription);
	if (out->became == READING_STORED)
		out->subject = w->fact.subject.p != NULL
		    ? project_column(w->a, w->fact.subject)
		    : str_from(arena_printf(
			  w->a, "delivery:%.*s", STR_ARG(w->fact.delivery)));
	if (read_state(w, was, e) != 0)
		return -1;
	if (was->rows.sale != NULL && out->became == READING_STORED)
		out->subject = was->rows.sale->subject;
	return out->subject.p == NULL ? no_memory(e) : 0;
}

static int
put_one(struct way *w, struct err *e)
{
	struct state was;
	*w->out = (struct reading_result){ .event = 0 };
	if (reading_decode(w, e) != 0 || reading_compare(w, e) != 0)
		return -1;
	intake_judge(w->c, w->r->platform, &w->fact, &w->status, &w->reason);
	if (find_subject(w, &was, e) != 0)
		return -1;
	switch (w->out->became) {
	case READING_OLD:
		return 0;
	case READING_SAME:
		return put_again(w, &was, e);
	case READING_STORED:
		return put_new(w, &was, e);
	}
	return 0;
}

static int
put_all(struct store *s, const struct config *c, const struct reading *r,
    size_t n, int careful, struct arena *a, struct reading_result *out,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct way w = { .s = s,
			.c = c,
			.r = &r[i],
			.out = &out[i],
			.a = a,
			.careful = careful };
		if (put_one(&w, e) != 0)
			return -1;
	}
	return 0;
}

int
reading_put(struct store *s, const struct config *c, const struct reading *r,
    size_t n, int dry_run, struct arena *a, struct reading_result *out,
    struct err *e)
{
	for (int careful = 0;; careful = 1) {
		if (store_begin(s, e) != 0)
			return -1;
		int rc = put_all(s, c, r, n, careful, a, out, e);
		if (rc == 0 && !dry_run && store_commit(s, e) == 0)
			return 0;
		store_rollback(s);
		if (rc == 0 && dry_run)
			return 0;
		/* what this way cannot go on may be one reading's fault */
		if (rc == 0 || careful || err_is_passing(e) ||
		    e->code == ERR_ABSENT)
			return -1;
	}
}

#include "commit/commit_own.h"

#include "commit/account.h"
#include "fold/column.h"
#include "fold/manual.h"
#include "follow/outbox.h"
#include "commit/project.h"

/* Must the whole transaction be given up? What is too much for the arena's
 * limit will be so the next time: that is one delivery's fault. */
static int
is_fatal(const struct commit *c, const struct err *e)
{
	if (e->code == ERR_MEMORY)
		return !arena_full(c->arena);
	return err_is_passing(e) || e->code == ERR_ABSENT;
}

/* 0 when it does not fit, and nothing is changed. */
static int
set_subject(struct waiter *w, struct str subject)
{
	if (subject.p == NULL || subject.n >= sizeof(w->subject))
		return 0;
	snprintf(w->subject, sizeof(w->subject), "%.*s", STR_ARG(subject));
	return 1;
}

static int
take_filed(void *arg, const struct store_event *row)
{
	set_subject(arg, row->subject);
	return 1;
}

int
commit_learn(struct commit *c, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct config_platform *own = &c->config->platforms[i];
		struct str account;
		if (own->api_token.p == NULL || c->account[i][0] != '\0')
			continue;
		arena_reset(c->arena);
		if (account_read(
			c->store, platforms[i], c->arena, &account, e) != 0)
			return -1;
		snprintf(c->account[i], sizeof(c->account[i]), "%.*s",
		    STR_ARG(account));
	}
	return 0;
}

/* What becomes of it, now that the database can be asked as well. */
static void
judge(const struct commit *c, struct waiter *w)
{
	const struct commit_delivery *d = w->delivery;
	struct str account = str_from(c->account[platform_index(d->platform)]);
	w->status = d->status;
	w->reason = d->reason;
	w->blurred = d->fact->blurred && str_eq(account, d->fact->owner);
	if (account_is_other(account, d->fact) &&
	    str_eq_z(d->status, "applied")) {
		w->status = STR("kept");
		w->reason = STR("other_seller");
	}
}

/* What is to be done about it, in the same transaction. */
static int
follow_up(struct commit *c, const struct waiter *w, struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	int folds = str_eq_z(w->status, "applied");
	const struct outbox_delivery o = { .platform = d->platform,
		.fact = d->fact,
		.subject = str_from(w->subject),
		.status = w->answer.kept ? STR("kept") : w->status,
		.reason =
		    w->answer.kept && folds ? STR("fold_error") : w->reason,
		.event = w->answer.event,
		.at = d->received_at };
	return outbox_delivered(c->store, c->config, &o, c->arena, e);
}

/* Folds the delivery's subject; one that cannot be folded is kept, and leaves
 * its neighbours in the batch alone. As a savepoint at each costs more than all
 * that is written, and hardly one is ever needed, the batch that has such a
 * delivery is written once more, with them. */
static int
fold(struct commit *c, struct waiter *w, const struct fact *f, int beside,
    struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	/* a repeat is folded as it is stored: it may have been rewritten to
	 * erase a person, whom what came again must not bring back */
	struct project_known known = {
		.event = w->answer.duplicate ? 0 : w->answer.event,
		.fact = f,
		.alone = !w->answer.duplicate && !beside,
		.sent_at = d->sent_at
	};
	struct project_when when = { .at = d->received_at,
		.event = w->answer.event };
	if (c->careful && store_savepoint(c->store, e) != 0)
		return -1;
	arena_reset(c->arena);
	if (w->answer.duplicate &&
	    store_event_get(c->store, w->answer.event, take_filed, w, e) != 0)
		return -1;
	if (project_subject(c->store, c->config, d->platform,
		str_from(w->subject), &known, &when, c->arena, e) == 0 &&
	    (!known.moved ||
		store_event_get(c->store, w->answer.event, take_filed, w, e) ==
		    0))
		return c->careful ? store_release(c->store, e) : 0;
	if (is_fatal(c, e))
		return -1;
	if (!c->careful) {
		c->careful = 1;
		return -1;
	}
	if (store_rollback_to(c->store, e) != 0 ||
	    store_release(c->store, e) != 0)
		return -1;
	w->answer.kept = 1;
	return store_event_status(
	    c->store, w->answer.event, STR("kept"), STR("fold_error"), e);
}

static int
take_subject(void *arg, const struct store_purchase *row)
{
	struct waiter *w = arg;
	set_subject(w, row->subject);
	/* the sale was read: what was kept for its sake counts */
	if (w->blurred && row->confirmed_at != STORE_NULL) {
		w->status = STR("applied");
		w->reason = STR_NONE;
	}
	return 1;
}

/* A sale that is known under another subject stays with it: a refund whose
 * subscription is missing or another one is still that sale's refund. */
static int
find_subject(struct commit *c, struct waiter *w, struct err *e)
{
	const struct fact *f = w->delivery->fact;
	struct err absent = { .code = ERR_NONE };
	if (!set_subject(w, f->subject))
		snprintf(w->subject, sizeof(w->subject), "delivery:%.*s",
		    STR_ARG(f->delivery));
	if (f->sale.p == NULL ||
	    (!str_eq_z(w->status, "applied") && !w->blurred))
		return 0;
	if (store_purchase_get(c->store, str_from(w->delivery->platform->name),
		project_column(c->arena, f->sale), take_subject, w,
		&absent) == 0 ||
	    absent.code == ERR_ABSENT)
		return 0;
	*e = absent;
	return -1;
}

void
commit_ahead(struct commit *c, const struct waiter *batch)
{
	for (const struct waiter *w = batch; w != NULL; w = w->next) {
		const struct fact *f = w->delivery->fact;
		struct str platform = str_from(w->delivery->platform->name);
		if (!str_eq_z(w->delivery->status, "applied"))
			continue;
		arena_reset(c->arena);
		store_ahead_sale(
		    c->store, platform, project_column(c->arena, f->sale));
		store_ahead_beside(c->store, platform, f->subject);
	}
}

/* What its fold will ask for comes with the answer to its being stored. */
static void
look_ahead(struct commit *c, const struct waiter *w, int beside)
{
	const struct fact *f = w->delivery->fact;
	struct str platform = str_from(w->delivery->platform->name);
	struct str subject = str_from(w->subject);
	if (beside)
		store_ahead_subject(c->store, platform, subject);
	store_ahead_about(
	    c->store, manual_subject(c->arena, platform, subject));
	store_ahead_person(c->store, f->user_ref, f->email);
	if (f->entries.p != NULL)
		store_ahead_subject(c->store, platform, f->entries);
}

int
commit_append(struct commit *c, struct waiter *w, struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	const struct fact *f = d->fact;
	arena_reset(c->arena);
	judge(c, w);
	if (find_subject(c, w, e) != 0)
		return -1;
	struct store_event row = {
		.platform = str_from(d->platform->name),
		.kind = f->kind_name,
		.delivery = f->delivery,
		.subject = str_from(w->subject),
		.sent_at = d->sent_at,
		.received_at = d->received_at,
		.content_type = d->content_type,
		.body = d->body,
		.verified_by = d->verified_by,
		.peer = d->peer,
		.status = w->status,
		.reason = w->reason,
	};
	struct str *texts[] = { &row.kind, &row.subject, &row.content_type,
		&row.peer };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = project_column(c->arena, *texts[i]);
	if (arena_failed(c->arena))
		return err_set(e, ERR_MEMORY, "out of memory");
	int folds = str_eq_z(w->status, "applied"), beside = 0;
	if (folds &&
	    store_event_beside(
		c->store, row.platform, str_from(w->subject), &beside, e) != 0)
		return -1;
	if (folds && store_is_far(c->store))
		look_ahead(c, w, beside);
	enum store_added added;
	if (store_event_add(c->store, &row, &w->answer.event, &added, e) != 0)
		return -1;
	w->answer.duplicate = added != STORE_NEW;
	w->answer.kept = str_eq_z(w->status, "kept");
	/* the same read again speaks later than before */
	int changes = added != STORE_AGAIN || platform_is_reading(row.kind);
	if (changes && folds && fold(c, w, f, beside, e) != 0)
		return -1;
	return added == STORE_NEW ? follow_up(c, w, e) : 0;
}

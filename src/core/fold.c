#include "core/fold.h"

#include <stdlib.h>

#include "base/time.h"
#include "core/hand.h"
#include "core/manual.h"
#include "core/sale.h"

/* Everything known of one subject while it is folded. */
struct subject {
	const struct platform *platform;
	struct str id;
	const struct tier_rules *rules;
	const struct fold_delivery *d;
	size_t n;
	struct fold_delivery *hand; /* events by hand */
	size_t n_hand;
	struct sale *sales;
	size_t n_sales;
	struct sale *newest; /* counted; NULL: none */
	int64_t cancelled_at; /* holds; FACT_NO_TIME: no */
	int64_t ended_at;
	struct str ended_reason;
	int paid_up; /* a fixed period ran to its end, all paid */
	int64_t suspended_at; /* an open dispute */
	struct str next_tier;
	int64_t next_tier_at;
};

static int64_t
min_time(int64_t a, int64_t b)
{
	if (a == FACT_NO_TIME)
		return b;
	return b == FACT_NO_TIME || a < b ? a : b;
}

/* The window ends at t at the latest. */
static void
close_at(struct sale *s, int64_t t)
{
	if (s->since == FACT_NO_TIME || t == FACT_NO_TIME)
		return;
	s->until = min_time(s->until, t);
	s->paid_until = min_time(s->paid_until, s->until);
}

static const struct tier *
tier_of(const struct subject *u, const struct sale *s)
{
	return tier_find(u->rules, s->tier);
}

static int64_t
grace(const struct subject *u)
{
	return u->rules->grace[platform_index(u->platform)];
}

/* Is the subject's money a chain of periods (not one sale for ever)? */
static int
is_recurring(const struct subject *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->subscription.p != NULL ||
		    u->d[i].fact->months > 0)
			return 1;
	return 0;
}

static int64_t
period_end(const struct sale *s, int64_t from)
{
	return time_add_months(from, s->fact.months > 0 ? s->fact.months : 1);
}

/* A trial is told by subscription pings only; the first sale is its. */
static int64_t
trial_end(const struct subject *u)
{
	int64_t t = FACT_NO_TIME;
	for (size_t i = 0; i < u->n; i++)
		t = min_time(t, u->d[i].fact->trial_ends_at);
	return t;
}

/* A refunded sale keeps its own window up to the refund and cuts nobody. */
static int
opens(const struct subject *u, const struct sale *s)
{
	int ignored_test =
	    s->fact.test && !u->rules->accept_test[platform_index(u->platform)];
	return s->counted ||
	    (s->refunded_at != FACT_NO_TIME && !s->dispute_only &&
		!s->fact.preorder && !ignored_test &&
		s->fact.sold_at != FACT_NO_TIME);
}

static void
open_windows(struct subject *u)
{
	int recurring = is_recurring(u);
	int64_t trial = trial_end(u), end_before = FACT_NO_TIME;
	struct sale *before = NULL;
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		if (!opens(u, s))
			continue;
		s->since = s->fact.sold_at;
		if (!recurring) {
			close_at(s, s->refunded_at);
			continue;
		}
		/* payments that carry no period of their own add up */
		if (s->fact.kind == FACT_PAYMENT &&
		    end_before != FACT_NO_TIME && end_before > s->since)
			s->since = end_before;
		/* in a trial's pings ever after: later sales are not in it */
		s->paid_until = i == 0 && trial > s->since
		    ? trial
		    : period_end(s, s->since);
		s->until = s->paid_until + grace(u);
		close_at(s, s->refunded_at);
		if (!s->counted)
			continue;
		if (before != NULL)
			close_at(before, s->since);
		before = s;
		end_before = s->paid_until;
	}
}

static int
holds_cancelled(const struct subject *u, const struct fact *c)
{
	int64_t t = c->cancelled_at;
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].counted && u->sales[i].fact.sold_at >= t)
			return 0;
	/* cancelled_at is the end of the paid period, not when the buyer
	 * cancelled: a restart within that period may be the later of the two.
	 * In doubt the restart wins; subscription_ended settles it. */
	int64_t from = time_add_months(t, -(c->months > 0 ? c->months : 1));
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->restarted_at != FACT_NO_TIME &&
		    u->d[i].fact->restarted_at > from)
			return 0;
	return 1;
}

static void
read_cancelled(struct subject *u)
{
	const struct fact *latest = NULL;
	for (size_t i = 0; i < u->n; i++) {
		const struct fact *f = u->d[i].fact;
		if (f->kind == FACT_CANCELLATION &&
		    f->cancelled_at != FACT_NO_TIME &&
		    (latest == NULL || f->cancelled_at > latest->cancelled_at))
			latest = f;
	}
	if (latest != NULL && holds_cancelled(u, latest))
		u->cancelled_at = latest->cancelled_at;
}

static void
read_ended(struct subject *u)
{
	const struct fact *latest = NULL;
	for (size_t i = 0; i < u->n; i++) {
		const struct fact *f = u->d[i].fact;
		if (f->kind == FACT_ENDED && f->ended_at != FACT_NO_TIME &&
		    (latest == NULL || f->ended_at > latest->ended_at))
			latest = f;
	}
	if (latest == NULL)
		return;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->restarted_at != FACT_NO_TIME &&
		    u->d[i].fact->restarted_at >= latest->ended_at)
			return;
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].counted &&
		    u->sales[i].fact.sold_at >= latest->ended_at)
			return;
	u->ended_at = latest->ended_at;
	u->ended_reason = latest->ended_reason;
	const struct tier *t = u->newest == NULL ? NULL : tier_of(u, u->newest);
	u->paid_up =
	    str_eq_z(latest->ended_reason, "fixed_subscription_period_ended") &&
	    (latest->months == 0 || (t != NULL && t->forever));
}

static void
read_disputes(struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *s = &u->sales[i];
		if (s->disputed_at != FACT_NO_TIME &&
		    s->dispute_won_at == FACT_NO_TIME)
			u->suspended_at =
			    min_time(u->suspended_at, s->disputed_at);
	}
}

/* The tier a changed plan gives: its grant, else its own name. */
static struct str
plan_tier(const struct subject *u, const struct fact *change)
{
	const struct tier *t = tier_match(
	    u->rules, u->platform, &u->newest->fact, change->new_tier);
	return t != NULL ? t->name : change->new_tier;
}

static int64_t
change_time(const struct fold_delivery *d)
{
	return d->fact->effective_at != FACT_NO_TIME ? d->fact->effective_at
						     : d->received_at;
}

/* An upgrade later than the newest sale gives that sale its tier. */
static void
read_upgrades(struct subject *u)
{
	const struct fact *latest = NULL;
	int64_t latest_at = FACT_NO_TIME;
	for (size_t i = 0; u->newest != NULL && i < u->n; i++) {
		const struct fact *f = u->d[i].fact;
		int64_t at = change_time(&u->d[i]);
		if (f->kind != FACT_UPDATED || f->downgrade ||
		    f->new_tier.p == NULL || at <= u->newest->fact.sold_at ||
		    at < latest_at)
			continue;
		latest = f;
		latest_at = at;
	}
	if (latest != NULL)
		u->newest->tier = plan_tier(u, latest);
}

/* A downgrade waits for the next sale; the change that came last replaces
 * those before it. */
static void
read_downgrade(struct subject *u)
{
	const struct fold_delivery *last = NULL;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->kind == FACT_UPDATED)
			last = &u->d[i];
	if (u->newest == NULL || last == NULL || !last->fact->downgrade ||
	    last->fact->new_tier.p == NULL)
		return;
	/* a sale after the news, though before the date, is an upgrade's
	 * charge: the downgrade was given up */
	if (change_time(last) <= u->newest->fact.sold_at ||
	    last->received_at < u->newest->fact.sold_at)
		return;
	u->next_tier = plan_tier(u, last->fact);
	u->next_tier_at = change_time(last);
}

static void
close_windows(struct subject *u)
{
	/* the end of the paid period in Gumroad's own words: where its months
	 * and ours differ (Feb 28 of a 31st) no grace comes in between */
	if (u->newest != NULL && u->cancelled_at != FACT_NO_TIME)
		u->newest->until = u->newest->paid_until = u->cancelled_at;
	if (u->newest != NULL && u->paid_up)
		u->newest->until = u->newest->paid_until = FACT_NO_TIME;
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		/* all paid: the newest stays open, one refunded does not */
		if (!u->paid_up || s != u->newest)
			close_at(s, u->ended_at);
		close_at(s, u->suspended_at);
		close_at(s, hand_revoked(u->hand, u->n_hand, s));
		if (s->since != FACT_NO_TIME && s->until != FACT_NO_TIME &&
		    s->until <= s->since)
			s->since = FACT_NO_TIME;
	}
}

/* The user id belongs to the subject: url_params come on the first sale only,
 * renewals have none. The smallest (sold_at, sale) that has one. */
static struct str
subject_user(const struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].fact.user_ref.p != NULL)
			return u->sales[i].fact.user_ref;
	return STR_NONE;
}

static struct store_purchase
purchase_row(const struct subject *u, const struct sale *s, struct str user)
{
	int gives = s->since != FACT_NO_TIME;
	return (struct store_purchase){
		.platform = str_from(u->platform->name),
		.sale = s->fact.sale,
		.subscription = s->fact.subscription,
		.product = s->fact.product,
		.product_name = s->fact.product_name,
		.variant = s->fact.variant,
		.user_ref = user,
		.email = hand_email(u->hand, u->n_hand, s->fact.email),
		.buyer = s->fact.buyer,
		.license = s->fact.license,
		.price = s->fact.price,
		.currency = s->fact.currency,
		.quantity = s->fact.quantity,
		.recurrence = s->fact.recurrence,
		.test = s->fact.test,
		.sold_at = s->fact.sold_at,
		.refunded_at = s->refunded_at,
		.disputed_at = s->disputed_at,
		.dispute_won_at = s->dispute_won_at,
		.tier = gives ? s->tier : STR_NONE,
		.since = s->since,
		.paid_until = gives ? s->paid_until : STORE_NULL,
		.until = gives ? s->until : STORE_NULL,
		.subject = u->id,
	};
}

static struct str
subscription_status(const struct subject *u)
{
	if (u->ended_at != FACT_NO_TIME)
		return STR("ended");
	if (u->suspended_at != FACT_NO_TIME)
		return STR("suspended");
	return u->cancelled_at != FACT_NO_TIME ? STR("cancelled")
					       : STR("active");
}

static struct str
subscription_id(const struct subject *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->subscription.p != NULL)
			return u->d[i].fact->subscription;
	return STR_NONE;
}

static struct store_subscription *
subscription_row(const struct subject *u, struct arena *a)
{
	struct store_subscription *row = arena_alloc(a, sizeof(*row));
	if (row == NULL)
		return NULL;
	*row = (struct store_subscription){
		.platform = str_from(u->platform->name),
		.subscription = subscription_id(u),
		.status = subscription_status(u),
		.since = STORE_NULL,
		.paid_until = STORE_NULL,
		.cancelled_at = u->cancelled_at,
		.ended_at = u->ended_at,
		.ended_reason = u->ended_reason,
		.next_tier = u->next_tier,
		.next_tier_at = u->next_tier_at,
		.subject = u->id,
	};
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *s = &u->sales[i];
		if (s->fact.product.p != NULL)
			row->product = s->fact.product;
		if (s->counted)
			row->since = min_time(row->since, s->fact.sold_at);
	}
	if (u->newest != NULL) {
		row->tier = u->newest->tier;
		row->paid_until = u->newest->paid_until;
	}
	return row;
}

static struct str
delivery_of(const struct fold_delivery *d)
{
	return d->manual != NULL ? d->manual->delivery : d->fact->delivery;
}

static int
compare_arrival(const void *pa, const void *pb)
{
	const struct fold_delivery *a = pa, *b = pb;
	if (a->received_at != b->received_at)
		return a->received_at < b->received_at ? -1 : 1;
	if ((a->manual != NULL) != (b->manual != NULL))
		return a->manual != NULL ? 1 : -1;
	if (a->manual != NULL)
		return (a->event > b->event) - (a->event < b->event);
	struct str da = delivery_of(a), db = delivery_of(b);
	int c = memcmp(da.p, db.p, da.n < db.n ? da.n : db.n);
	return c != 0 ? c : (da.n > db.n) - (da.n < db.n);
}

void
fold_sort(struct fold_delivery *d, size_t n)
{
	if (n > 0)
		qsort(d, n, sizeof(*d), compare_arrival);
}

static void
read_all(struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].counted)
			u->newest = &u->sales[i];
	open_windows(u);
	read_upgrades(u);
	read_downgrade(u);
	read_cancelled(u);
	read_ended(u);
	read_disputes(u);
	close_windows(u);
}

int
fold_subject(const struct platform *p, struct str subject,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct fold_rows *out, struct err *e)
{
	struct subject u = { .platform = p,
		.id = subject,
		.rules = rules,
		.d = d,
		.n = n,
		.cancelled_at = FACT_NO_TIME,
		.ended_at = FACT_NO_TIME,
		.suspended_at = FACT_NO_TIME,
		.next_tier_at = FACT_NO_TIME };
	*out = (struct fold_rows){ 0 };
	if (hand_split(d, &u.n, a, &u.hand, &u.n_hand) != 0 ||
	    sale_collect(p, d, u.n, rules, a, &u.sales, &u.n_sales) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	read_all(&u);
	struct store_purchase *rows =
	    arena_alloc(a, (u.n_sales + 1) * sizeof(*rows));
	if (rows == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct str user = hand_user(u.hand, u.n_hand, subject_user(&u));
	for (size_t i = 0; i < u.n_sales; i++)
		rows[i] = purchase_row(&u, &u.sales[i], user);
	out->purchases = rows;
	out->n_purchases = u.n_sales;
	if (subscription_id(&u).p != NULL) {
		out->subscription = subscription_row(&u, a);
		if (out->subscription == NULL)
			return err_set(e, ERR_MEMORY, "out of memory");
	}
	return 0;
}

#include "fold/fold.h"

#include <stdlib.h>

#include "fold/hand.h"
#include "fold/manual.h"
#include "fold/sale.h"

const char *const fold_rule_words[FOLD_RULE__MAX] = {
	[FOLD_WINDOWS] = "windows",
	[FOLD_NEXT] = "windows",
	[FOLD_ADD_UP] = "payments add up",
	[FOLD_TRIAL] = "trial",
	[FOLD_REFUND] = "refund",
	[FOLD_REVOKED] = "revoked",
	[FOLD_DISPUTED] = "disputed",
	[FOLD_CANCELLED] = "cancelled",
	[FOLD_ENDED] = "ended",
	[FOLD_RESTARTED] = "restarted",
	[FOLD_PAID_UP] = "paid up",
	[FOLD_ALWAYS] = "always",
	[FOLD_UPDATED] = "updated",
	[FOLD_NAMES] = "names",
	[FOLD_READ] = "read back",
	[FOLD_LISTED] = "read back",
	[FOLD_CONFIRMED] = "confirmed",
	[FOLD_TEST] = "test",
	[FOLD_CONFLICT] = "conflict",
	[FOLD_BY_HAND] = "by hand",
	[FOLD_KEPT] = "kept",
};

static int64_t
min_time(int64_t a, int64_t b)
{
	if (a == FACT_NO_TIME)
		return b;
	return b == FACT_NO_TIME || a < b ? a : b;
}

static struct store_purchase
purchase_row(const struct subject *u, const struct sale *s)
{
	int gives = s->since != FACT_NO_TIME;
	return (struct store_purchase){
		.platform = str_from(u->platform->name),
		.sale = s->fact.sale,
		.subscription = s->fact.subscription,
		.product = s->fact.product,
		.product_name = s->fact.product_name,
		.variant = s->fact.variant,
		.user_ref = s->user,
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
		.refunded_amount = s->fact.refunded_amount,
		.revoked_at = s->revoked_at,
		.confirmed_at = s->confirmed_at,
	};
}

/* Does an open dispute close the newest sale, or is there none it could? */
static int
is_suspended(const struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *d = &u->sales[i];
		if (!d->lends)
			continue;
		if (sale_disputed(d, u->newest != NULL ? u->newest : d) !=
		    FACT_NO_TIME)
			return 1;
	}
	return 0;
}

static struct str
subscription_status(const struct subject *u)
{
	if (u->ended != NULL || u->paid_up)
		return STR("ended");
	if (is_suspended(u))
		return STR("suspended");
	return u->cancelled != NULL ? STR("cancelled") : STR("active");
}

/* That of its sales or notices; a sale that moves away leaves nothing. */
static struct str
subscription_id(const struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].fact.subscription.p != NULL)
			return u->sales[i].fact.subscription;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->sale.p == NULL)
			return u->d[i].fact->subscription;
	return STR_NONE;
}

static int
subscription_row(const struct subject *u, struct fold_rows *out)
{
	struct str id = subscription_id(u);
	if (id.p == NULL)
		return 0;
	struct store_subscription *row = arena_alloc(u->arena, sizeof(*row));
	if (row == NULL)
		return -1;
	const struct fold_delivery *ended =
	    u->ended != NULL ? u->ended : u->paid_up_by;
	*row = (struct store_subscription){
		.platform = str_from(u->platform->name),
		.subscription = id,
		.status = subscription_status(u),
		.since = STORE_NULL,
		.paid_until = STORE_NULL,
		.cancelled_at = u->cancelled == NULL
		    ? STORE_NULL
		    : u->cancelled->fact->cancelled_at,
		.ended_at = ended == NULL ? STORE_NULL : fold_ended_at(ended),
		.ended_reason =
		    ended == NULL ? STR_NONE : fold_ended_reason(ended),
		.next_tier = u->next_tier,
		.next_tier_at = u->next_tier_at,
		.subject = u->id,
	};
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *s = &u->sales[i];
		if (s->fact.product.p != NULL)
			row->product = s->fact.product;
		if (s->counted)
			row->since = min_time(
			    row->since, min_time(s->fact.sold_at, s->first_at));
	}
	if (u->newest != NULL) {
		row->tier = u->newest->tier;
		row->paid_until = u->newest->paid_until;
	}
	out->subscription = row;
	return 0;
}

static struct str
delivery_of(const struct fold_delivery *d)
{
	return d->manual != NULL ? d->manual->delivery : d->fact->delivery;
}

/* Events by hand come last. */
static int
compare_sent(const void *pa, const void *pb)
{
	const struct fold_delivery *a = pa, *b = pb;
	if (a->sent_at != b->sent_at)
		return a->sent_at < b->sent_at ? -1 : 1;
	if ((a->manual != NULL) != (b->manual != NULL))
		return a->manual != NULL ? 1 : -1;
	if (a->manual != NULL)
		return (a->event > b->event) - (a->event < b->event);
	return str_compare(delivery_of(a), delivery_of(b));
}

void
fold_sort(struct fold_delivery *d, size_t n)
{
	if (n > 0)
		qsort(d, n, sizeof(*d), compare_sent);
}

/* The newest reading of the membership. */
static void
find_life(struct subject *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->kind == FACT_SUBSCRIBER &&
		    (u->life == NULL ||
			sale_compare_sent(&u->d[i], u->life) > 0))
			u->life = &u->d[i];
}

/* A trial is told by subscription deliveries only, as told last. */
static void
read_trial(struct subject *u)
{
	if (u->life != NULL)
		u->trial_ends_at = u->life->fact->trial_ends_at;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->trial_ends_at != FACT_NO_TIME &&
		    &u->d[i] != u->life && !sale_is_before(&u->d[i], u->life))
			u->trial_ends_at = u->d[i].fact->trial_ends_at;
}

static void
read_all(struct subject *u)
{
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].counted)
			u->newest = &u->sales[i];
	find_life(u);
	read_trial(u);
	notice_upgrades(u);
	plan_read(u);
	notice_read(u);
	window_open(u);
	window_close(u);
}

int
fold_subject(const struct platform *p, struct str subject,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct fold_rows *out, struct err *e)
{
	struct subject u = { .platform = p,
		.id = subject,
		.rules = rules,
		.arena = a,
		.d = d,
		.n = n,
		.trial_ends_at = FACT_NO_TIME,
		.next_tier_at = FACT_NO_TIME };
	*out = (struct fold_rows){ 0 };
	if (hand_split(d, &u.n, a, &u.hand, &u.n_hand) != 0 ||
	    sale_collect(&u, out) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	read_all(&u);
	out->purchases =
	    arena_alloc(a, (u.n_sales + 1) * sizeof(*out->purchases));
	out->whys = arena_alloc(a, (u.n_sales + 1) * sizeof(*out->whys));
	for (size_t i = 0;
	     out->purchases != NULL && out->whys != NULL && i < u.n_sales;
	     i++) {
		out->purchases[i] = purchase_row(&u, &u.sales[i]);
		out->whys[i] = u.sales[i].why;
	}
	out->n_purchases = u.n_sales;
	out->paid_up_by = u.paid_up_by;
	return subscription_row(&u, out) != 0 || arena_failed(a)
	    ? err_set(e, ERR_MEMORY, "out of memory")
	    : 0;
}

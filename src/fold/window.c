#include "fold/sale.h"

#include "base/time.h"
#include "fold/hand.h"

enum {
	DAY = 86400,
	ALIVE_DAYS = 2, /* that Gumroad lets run on unpaid, at least */
};

static int64_t
grace(const struct subject *u)
{
	return u->rules->grace[platform_index(u->platform)];
}

/* The window ends at t at the latest. */
static void
close_at(struct sale *s, int64_t t, enum fold_rule rule)
{
	if (s->since == FACT_NO_TIME || t == FACT_NO_TIME ||
	    (s->until != FACT_NO_TIME && s->until <= t))
		return;
	s->until = t;
	s->why.until = rule;
	if (s->paid_until == FACT_NO_TIME || s->paid_until > t)
		s->paid_until = t;
}

/* A refunded sale keeps its own window up to the refund and cuts nobody. */
static int
opens(const struct sale *s)
{
	return s->tier.p != NULL && s->lends && !s->dispute_only &&
	    !s->fact.preorder;
}

int
sale_is_trial(const struct subject *u, const struct sale *s)
{
	for (size_t i = 0; i < u->n_sales; i++)
		if (opens(&u->sales[i]))
			return s == &u->sales[i] &&
			    u->trial_ends_at != FACT_NO_TIME &&
			    u->trial_ends_at > s->fact.sold_at;
	return 0;
}

/* A paid period from `begin` on; returns its end. */
static int64_t
open_period(const struct subject *u, struct sale *s, int64_t begin)
{
	int months = s->fact.months > 0 ? s->fact.months : 1;
	int64_t end = s->fact.days > 0 ? begin + s->fact.days * DAY
				       : time_add_months(begin, months);
	if (s->lasts)
		return end;
	s->paid_until = end;
	if (sale_is_trial(u, s)) {
		s->paid_until = u->trial_ends_at;
		s->why.until = FOLD_TRIAL;
	}
	s->until = s->paid_until + grace(u);
	return s->paid_until;
}

/* Payments add up: one begins where the one before ends. One for somebody else
 * opens at once, yet ends where it would have ended. */
static int64_t
add_up(const struct sale *before, struct sale *s, int64_t end_before)
{
	int64_t begin = s->fact.sold_at;
	if (end_before == FACT_NO_TIME || end_before <= begin)
		return begin;
	if (str_same(before->user, s->user))
		s->since = end_before;
	return end_before;
}

/* As told: the platform knows its own grace. */
static void
open_state(struct sale *s)
{
	s->since = s->fact.sold_at;
	s->until = s->paid_until = s->fact.ends_at;
	if (s->fact.over)
		close_at(s, s->fact.as_of, FOLD_ENDED);
}

static void
open_one(const struct subject *u, struct sale *s, struct sale **before,
    int64_t *end_before)
{
	int is_payment = s->fact.kind == FACT_PAYMENT;
	int64_t begin = s->fact.sold_at;
	if (s->fact.kind == FACT_STATE) {
		open_state(s);
		return;
	}
	s->since = s->first_at < begin ? s->first_at : begin;
	if (is_payment && s->fact.months > 0)
		begin = add_up(*before, s, *end_before);
	int64_t end = FACT_NO_TIME;
	if (s->fact.subscription.p != NULL || s->fact.months > 0 ||
	    s->fact.days > 0)
		end = open_period(u, s, begin);
	close_at(s, s->refunded_at, FOLD_REFUND);
	close_at(s, s->revoked_at, FOLD_REVOKED);
	if (!s->counted)
		return;
	if (s->fact.gift_sender)
		return; /* it takes nothing over */
	if (*before != NULL && !(*before)->lasts)
		close_at(*before, is_payment ? begin : s->since,
		    is_payment && s->fact.months > 0 ? FOLD_ADD_UP : FOLD_NEXT);
	*before = s;
	*end_before = end;
}

/* The gifter's side ends where the giftee's begins. */
static void
cut_gift(struct subject *u, struct sale *gift)
{
	struct sale *s = gift + 1;
	while (s < u->sales + u->n_sales &&
	    (!s->counted || s->since == FACT_NO_TIME || s->fact.gift_sender))
		s++;
	if (s < u->sales + u->n_sales && gift->counted && !gift->lasts)
		close_at(gift, s->since, FOLD_NEXT);
}

/* A membership that was read as alive runs on some days more, for the platform
 * tries a failed charge again, and lets some go on unpaid. */
static void
keep_alive(struct subject *u)
{
	const struct fold_delivery *r = u->life;
	struct sale *s = NULL;
	for (size_t i = 0; i < u->n_sales; i++)
		if (opens(&u->sales[i]))
			s = &u->sales[i];
	if (r == NULL || s == NULL ||
	    (r->fact->life != FACT_ALIVE && r->fact->life != FACT_FAILING) ||
	    r->fact->cancelled_at != FACT_NO_TIME || !s->counted ||
	    sale_disputed(s, s) != FACT_NO_TIME || s->until == FACT_NO_TIME)
		return;
	int64_t more =
	    grace(u) > ALIVE_DAYS * DAY ? grace(u) : ALIVE_DAYS * DAY;
	if (s->until < r->seen_at + more) {
		s->until = r->seen_at + more;
		s->why.until = FOLD_READ;
	}
}

/* The list of members says that it lasts until then, or longer: a payment is
 * missing here, or it counts in another way. What is listed once the next one
 * is paid is about that one. */
static void
last_as_listed(struct subject *u)
{
	struct sale *s = u->newest;
	int64_t end = FACT_NO_TIME;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->kind == FACT_MEMBER &&
		    u->d[i].fact->ends_at > end)
			end = u->d[i].fact->ends_at;
	if (s == NULL || !opens(s) || s->until == FACT_NO_TIME)
		return;
	if (s->paid_until < end)
		s->paid_until = end;
	if (s->until < end) {
		s->until = end;
		s->why.until = FOLD_LISTED;
	}
}

void
window_open(struct subject *u)
{
	struct sale *before = NULL;
	int64_t end_before = FACT_NO_TIME;
	for (size_t i = 0; i < u->n_sales; i++)
		if (opens(&u->sales[i]))
			open_one(u, &u->sales[i], &before, &end_before);
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].fact.gift_sender)
			cut_gift(u, &u->sales[i]);
	keep_alive(u);
	last_as_listed(u);
}

/* ---- what closes them ---- */

/* The newest sale sold before a time, counted or not: a cancellation is about
 * that one. */
static const struct sale *
sold_before(const struct subject *u, int64_t t)
{
	const struct sale *best = NULL;
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].lends && u->sales[i].fact.sold_at < t)
			best = &u->sales[i];
	return best;
}

/* The end of the paid period in the platform's own words: where its months
 * and ours differ (Feb 28 of a 31st) no grace comes in between. A cancellation
 * of a sale that was paid back lengthens no other. */
static void
close_cancelled(struct subject *u)
{
	struct sale *s = u->newest;
	if (s == NULL || s->lasts || u->cancelled == NULL)
		return;
	int64_t end = u->cancelled->fact->cancelled_at;
	if (sold_before(u, end) == s) {
		s->until = s->paid_until = end;
		s->why.until = FOLD_CANCELLED;
		return;
	}
	close_at(s, end < s->paid_until ? end : s->paid_until, FOLD_CANCELLED);
}

int64_t
sale_disputed(const struct sale *d, const struct sale *s)
{
	if (d->disputed_at == FACT_NO_TIME ||
	    d->dispute_won_at != FACT_NO_TIME || (d != s && !d->lends))
		return FACT_NO_TIME;
	if (d->dispute_told_at != FACT_NO_TIME)
		return d == s ||
			(!s->lasts && s->fact.sold_at < d->dispute_told_at)
		    ? d->dispute_told_at
		    : FACT_NO_TIME;
	return d == s || (!s->lasts && s->fact.sold_at < d->fact.sold_at)
	    ? d->disputed_at
	    : FACT_NO_TIME;
}

static void
close_disputed(struct subject *u, struct sale *s)
{
	for (size_t i = 0; i < u->n_sales; i++)
		close_at(s, sale_disputed(&u->sales[i], s), FOLD_DISPUTED);
}

/* Access that was taken away is not given back by what was sold before. */
static void
close_revoked(struct subject *u, struct sale *s)
{
	const struct sale *r = s + 1;
	for (; !s->lasts && r < u->sales + u->n_sales; r++)
		if (r->revoked_at != FACT_NO_TIME && opens(r) &&
		    !r->fact.gift_sender)
			close_at(s, r->revoked_at, FOLD_REVOKED);
}

void
window_close(struct subject *u)
{
	close_cancelled(u);
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		if (!s->lasts && u->ended != NULL)
			close_at(s, fold_ended_at(u->ended), FOLD_ENDED);
		close_disputed(u, s);
		close_revoked(u, s);
		close_at(s, hand_revoked(u->hand, u->n_hand, s), FOLD_BY_HAND);
		if (s->until != FACT_NO_TIME && s->until <= s->since)
			s->since = FACT_NO_TIME;
	}
}

#include "fold/sale.h"

/* Plans of a fixed number of payments, and tiers that a payment keeps. */

/* Is a, which was sent later, the newer word than b? A reading speaks when the
 * same was last read, but after it a delivery of that second. */
static int
is_newer(const struct fold_delivery *a, const struct fold_delivery *b)
{
	if (b == NULL)
		return 1;
	if (b->fact->kind >= FACT_READBACK)
		return !sale_is_before(a, b);
	return a->fact->kind < FACT_READBACK || sale_is_before(b, a);
}

/* How many charges a plan has: as told last; 0: nothing tells. */
static int64_t
charges_told(const struct subject *u)
{
	const struct fold_delivery *last = NULL;
	for (size_t i = 0; i < u->n; i++)
		if (u->d[i].fact->charges > 0 && is_newer(&u->d[i], last))
			last = &u->d[i];
	return last == NULL ? 0 : last->fact->charges;
}

/* Is it the plan of a product that has no period of its own: instalments? The
 * newest notice tells; without one, the newest sale that was read. */
static int
is_blank(const struct subject *u)
{
	for (size_t i = u->n; i > 0; i--) {
		const struct fact *f = u->d[i - 1].fact;
		if (f->kind >= FACT_CANCELLATION && f->kind <= FACT_RESTARTED)
			return f->recurrence.p == NULL;
	}
	for (size_t i = u->n_sales; i > 0; i--) {
		const struct sale *s = &u->sales[i - 1];
		if (s->lends && s->reading != NULL)
			return s->fact.subscription.p != NULL &&
			    s->reading->fact->recurrence.p == NULL;
	}
	return 0;
}

static int
keeps(const struct sale *s, int blank)
{
	return blank ||
	    (s->configured != NULL && s->configured->lasts == TIER_FOREVER);
}

static int
is_disputed(const struct sale *s)
{
	return s->disputed_at != FACT_NO_TIME &&
	    s->dispute_won_at == FACT_NO_TIME;
}

static void
pay_up(struct subject *u, struct sale *s)
{
	u->paid_up = 1;
	s->lasts = 1;
	s->why.until = FOLD_PAID_UP;
}

/* N charges were made, none of which was disputed or given back. */
static void
count_charges(struct subject *u, int blank)
{
	int64_t told = charges_told(u), made = 0;
	int disputed = 0;
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		if (!s->counted || s->fact.gift_sender || sale_is_trial(u, s))
			continue;
		int64_t needed = told > 0   ? told
		    : s->configured != NULL ? s->configured->payments
					    : 0;
		disputed |= is_disputed(s);
		if (++made != needed)
			continue;
		if (keeps(s, blank) && !disputed)
			pay_up(u, s);
		return;
	}
}

/* The newest charge before a plan's end; NULL: there is none, or some of what
 * was sold before it was disputed or given back. */
static struct sale *
paid_before(struct subject *u, int64_t end)
{
	struct sale *last = NULL;
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		if (!s->lends || s->fact.sold_at >= end)
			continue;
		if (!sale_is_trial(u, s) &&
		    (s->refunded_at != FACT_NO_TIME ||
			s->revoked_at != FACT_NO_TIME || is_disputed(s)))
			return NULL;
		if (s->counted)
			last = s;
	}
	return last == NULL || is_disputed(last) ? NULL : last;
}

static int
is_earlier(const struct fold_delivery *a, const struct fold_delivery *b)
{
	return b == NULL || fold_ended_at(a) < fold_ended_at(b);
}

/* All charges were made: once read it stays, but one that only a ping told of
 * is replaced by what is read later. */
static int
is_completed(const struct subject *u, const struct fold_delivery *d)
{
	const struct fact *f = d->fact;
	if (f->kind == FACT_SUBSCRIBER)
		return f->life == FACT_COMPLETED;
	return f->kind == FACT_ENDED && f->ended_at != FACT_NO_TIME &&
	    str_eq_z(f->ended_reason, "fixed_subscription_period_ended") &&
	    !sale_is_before(d, u->life);
}

/* The earliest end that holds: what is paid up stays so. */
static void
read_ends(struct subject *u, int blank)
{
	const struct fold_delivery *best = NULL;
	struct sale *paid = NULL;
	for (size_t i = 0; i < u->n; i++) {
		if (!is_completed(u, &u->d[i]))
			continue;
		struct sale *s = paid_before(u, fold_ended_at(&u->d[i]));
		if (s == NULL || !keeps(s, blank) ||
		    !is_earlier(&u->d[i], best))
			continue;
		best = &u->d[i];
		paid = s;
	}
	if (paid == NULL)
		return;
	pay_up(u, paid);
	u->paid_up_by = best;
}

void
plan_read(struct subject *u)
{
	int blank = is_blank(u);
	count_charges(u, blank);
	if (!u->paid_up)
		read_ends(u, blank);
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		if (s->configured == NULL ||
		    s->configured->lasts != TIER_ALWAYS || sale_is_trial(u, s))
			continue;
		s->lasts = 1;
		s->why.until = FOLD_ALWAYS;
	}
}

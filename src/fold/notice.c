#include <stdlib.h>

#include "fold/sale.h"

/*
 * What a subscription's notices change: a notice may change only the sale
 * whose period it names, and never lengthens one it is not about.
 */
enum { CHARGE_SECONDS = 86400 }; /* between an upgrade and its charge */

static int64_t
change_time(const struct fold_delivery *d)
{
	return d->fact->effective_at != FACT_NO_TIME ? d->fact->effective_at
						     : d->sent_at;
}

/* ---- changes of the plan ---- */

static int
compare_changes(const void *pa, const void *pb)
{
	const struct fold_delivery *const *a = pa, *const *b = pb;
	int64_t ta = change_time(*a), tb = change_time(*b);
	if (ta != tb)
		return ta < tb ? -1 : 1;
	return (*a > *b) - (*a < *b); /* u->d is in order of sending */
}

/* Did a delivery of the sale tell that variant? */
static int
has_variant(const struct sale *s, struct str name)
{
	for (size_t i = 0; i < s->n_told; i++)
		for (size_t k = 0; k < s->told[i].fact->n_variants; k++)
			if (str_eq(s->told[i].fact->variants[k], name))
				return 1;
	return 0;
}

/* The sale that charged an upgrade: the one with the new tier sold within a
 * day of it and after the change before it. It may be refunded. */
static const struct sale *
charge_of(
    const struct subject *u, const struct fold_delivery *up, int64_t after)
{
	int64_t t = change_time(up);
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *s = &u->sales[i];
		int old;
		if (!s->lends || s->fact.sold_at < t - CHARGE_SECONDS ||
		    s->fact.sold_at > t + CHARGE_SECONDS ||
		    (after != FACT_NO_TIME && s->fact.sold_at <= after))
			continue;
		const struct tier *now =
		    sale_match(u, s, up->fact->new_tier, &old);
		if (has_variant(s, up->fact->new_tier) ||
		    str_eq(
			s->tier, now != NULL ? now->name : up->fact->new_tier))
			return s;
	}
	return NULL;
}

static struct sale *
newest_before(const struct subject *u, int64_t t)
{
	struct sale *best = NULL;
	for (size_t i = 0; i < u->n_sales; i++)
		if (u->sales[i].counted && u->sales[i].fact.sold_at < t)
			best = &u->sales[i];
	return best;
}

static int
is_always(const struct tier *t)
{
	return t != NULL && t->lasts == TIER_ALWAYS;
}

/* An upgrade nobody was charged for gives its tier to the newest sale. */
static void
upgrade(struct subject *u, struct fold_delivery *up, int64_t after)
{
	const struct sale *charge = charge_of(u, up, after);
	struct sale *s = newest_before(u, change_time(up));
	int old;
	if (charge != NULL) {
		up->verdict = FOLD_CHARGED;
		up->by_sale = charge->fact.sale;
		up->by_at = charge->fact.sold_at;
		return;
	}
	up->verdict = FOLD_NOTHING_TO_CHANGE;
	if (s == NULL)
		return;
	const struct tier *t = sale_match(u, s, up->fact->new_tier, &old);
	if (is_always(t) || is_always(s->configured))
		return;
	up->verdict = FOLD_COUNTS;
	up->by_sale = s->fact.sale;
	up->by_at = s->fact.sold_at;
	s->configured = t;
	s->tier = t != NULL ? t->name : up->fact->new_tier;
	s->why.upgraded = 1;
}

void
notice_upgrades(struct subject *u)
{
	struct fold_delivery **all =
	    arena_alloc(u->arena, (u->n + 1) * sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; all != NULL && i < u->n; i++)
		if (u->d[i].fact->kind == FACT_UPDATED)
			all[n++] = &u->d[i];
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_changes);
	for (size_t i = 0; i < n; i++)
		if (!all[i]->fact->downgrade &&
		    all[i]->fact->new_tier.p != NULL)
			upgrade(u, all[i],
			    i == 0 ? FACT_NO_TIME : change_time(all[i - 1]));
}

/* A downgrade waits for the next sale; the change sent last replaces those
 * before it. */
static void
read_downgrade(struct subject *u)
{
	struct fold_delivery *last = NULL;
	int old;
	for (size_t i = 0; i < u->n; i++) {
		if (u->d[i].fact->kind != FACT_UPDATED)
			continue;
		if (last != NULL && last->fact->downgrade)
			last->verdict = FOLD_REPLACED;
		last = &u->d[i];
	}
	if (last == NULL || !last->fact->downgrade)
		return;
	last->verdict = FOLD_NOTHING_TO_CHANGE;
	if (u->newest == NULL || last->fact->new_tier.p == NULL)
		return;
	/* a sale after the news, though before the date, is an upgrade's
	 * charge: the downgrade was given up */
	if (change_time(last) <= u->newest->fact.sold_at ||
	    last->sent_at < u->newest->fact.sold_at) {
		last->verdict = FOLD_PAID;
		last->by_sale = u->newest->fact.sale;
		last->by_at = u->newest->fact.sold_at;
		return;
	}
	last->verdict = FOLD_COUNTS;
	const struct tier *t =
	    sale_match(u, u->newest, last->fact->new_tier, &old);
	u->next_tier = t != NULL ? t->name : last->fact->new_tier;
	u->next_tier_at = change_time(last);
}

/* ---- cancelled, ended, restarted ---- */

static void
set_void(struct fold_delivery *d, enum fold_verdict verdict, int64_t at,
    struct str sale)
{
	d->verdict = verdict;
	d->by_at = at;
	d->by_sale = sale;
}

/* Is there a restart at or after t? */
static int
restarted_since(const struct subject *u, struct fold_delivery *d, int64_t t)
{
	for (size_t i = 0; i < u->n; i++) {
		int64_t at = u->d[i].fact->restarted_at;
		if (at == FACT_NO_TIME || at < t)
			continue;
		set_void(d, FOLD_RESTARTED_LATER, at, STR_NONE);
		return 1;
	}
	return 0;
}

/* Who was charged again goes on. */
static int
charged_since(const struct subject *u, struct fold_delivery *d, int64_t t)
{
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *s = &u->sales[i];
		if (!s->counted || s->fact.sold_at < t)
			continue;
		set_void(d, FOLD_PAID, s->fact.sold_at, s->fact.sale);
		return 1;
	}
	return 0;
}

/* Of the cancellations that hold, the one sent last. */
static void
read_cancelled(struct subject *u)
{
	for (size_t i = 0; i < u->n; i++) {
		struct fold_delivery *d = &u->d[i];
		int64_t end = d->fact->cancelled_at;
		if (d->fact->kind != FACT_CANCELLATION)
			continue;
		if (end == FACT_NO_TIME) {
			d->verdict = FOLD_UNDATED;
			continue;
		}
		int64_t after = d->sent_at + 1;
		if (charged_since(u, d, end < after ? end : after) ||
		    restarted_since(u, d, after))
			continue;
		d->verdict = FOLD_COUNTS;
		if (u->cancelled != NULL)
			set_void(&u->d[u->cancelled - u->d], FOLD_REPLACED, end,
			    STR_NONE);
		u->cancelled = d;
	}
}

/* The latest end, where nothing later takes it back. */
static void
read_ended(struct subject *u)
{
	struct fold_delivery *latest = NULL;
	for (size_t i = 0; i < u->n; i++) {
		struct fold_delivery *d = &u->d[i];
		if (d->fact->kind != FACT_ENDED ||
		    d->fact->ended_at == FACT_NO_TIME)
			continue;
		if (latest != NULL &&
		    latest->fact->ended_at > d->fact->ended_at) {
			set_void(
			    d, FOLD_REPLACED, latest->fact->ended_at, STR_NONE);
			continue;
		}
		if (latest != NULL)
			set_void(
			    latest, FOLD_REPLACED, d->fact->ended_at, STR_NONE);
		latest = d;
	}
	if (latest == NULL ||
	    charged_since(u, latest, latest->fact->ended_at) ||
	    restarted_since(u, latest, latest->fact->ended_at))
		return;
	latest->verdict = FOLD_COUNTS;
	u->ended = latest;
}

void
notice_read(struct subject *u)
{
	read_downgrade(u);
	read_cancelled(u);
	read_ended(u);
}

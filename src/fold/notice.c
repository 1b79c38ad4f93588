#include <stdlib.h>

#include "fold/hand.h"
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

/* An upgrade nobody was charged for gives its tier to the newest sale, but not
 * where a sale would have to be confirmed: no answer tells of it. */
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
	if (s == NULL || hand_waits(u, up->sent_at))
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

/* When it was said: a reading says it as long as the same is read. */
static int64_t
said_at(const struct fold_delivery *d)
{
	return d->fact->kind == FACT_SUBSCRIBER ? d->seen_at : d->sent_at;
}

static int
is_over(const struct fact *f)
{
	return f->life == FACT_CANCELLED || f->life == FACT_FAILED ||
	    f->life == FACT_COMPLETED;
}

int64_t
fold_ended_at(const struct fold_delivery *d)
{
	const struct fact *f = d->fact;
	if (f->kind != FACT_SUBSCRIBER)
		return f->ended_at;
	/* not over in a word yet, but its cancellation is due */
	if (!is_over(f))
		return f->cancelled_at != FACT_NO_TIME &&
			f->cancelled_at <= d->seen_at
		    ? f->cancelled_at
		    : FACT_NO_TIME;
	const int64_t told[] = { f->cancelled_at, f->failed_at, f->ended_at };
	int64_t t = d->sent_at;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (told[i] != FACT_NO_TIME && told[i] < t)
			t = told[i];
	return t;
}

struct str
fold_ended_reason(const struct fold_delivery *d)
{
	return d->fact->kind == FACT_SUBSCRIBER &&
		d->fact->ended_reason.p == NULL
	    ? STR("cancelled")
	    : d->fact->ended_reason;
}

/* Does the delivery tell of that, and is it newer than what was read? The
 * reading tells of all that holds when it is seen. */
static int
tells(struct subject *u, struct fold_delivery *d, enum fact_kind kind)
{
	if (d == u->life)
		return 1;
	if (d->fact->kind != kind)
		return 0;
	if (!sale_is_before(d, u->life))
		return 1;
	set_void(d, FOLD_READ_LATER, u->life->seen_at, STR_NONE);
	return 0;
}

/* Is there a restart at or after t? */
static int
restarted_since(const struct subject *u, struct fold_delivery *d, int64_t t)
{
	for (size_t i = 0; i < u->n; i++) {
		int64_t at = u->d[i].fact->restarted_at;
		if (at == FACT_NO_TIME || at < t ||
		    sale_is_before(&u->d[i], u->life))
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

/* Does it hold? */
static int
is_cancelled(struct subject *u, struct fold_delivery *d)
{
	int64_t end = d->fact->cancelled_at, after = said_at(d) + 1;
	if (d == u->life && fold_ended_at(d) != FACT_NO_TIME)
		return 0; /* it is over */
	if (end == FACT_NO_TIME) {
		d->verdict = FOLD_UNDATED;
		return 0;
	}
	if (charged_since(u, d, end < after ? end : after) ||
	    restarted_since(u, d, after))
		return 0;
	d->verdict = FOLD_COUNTS;
	return 1;
}

/* Of the cancellations that hold, the one sent last; the reading comes before
 * all that is newer. */
static void
read_cancelled(struct subject *u)
{
	if (u->life != NULL && is_cancelled(u, &u->d[u->life - u->d]))
		u->cancelled = u->life;
	for (size_t i = 0; i < u->n; i++) {
		struct fold_delivery *d = &u->d[i];
		if (d == u->life || !tells(u, d, FACT_CANCELLATION) ||
		    !is_cancelled(u, d))
			continue;
		if (u->cancelled != NULL)
			set_void(&u->d[u->cancelled - u->d], FOLD_REPLACED,
			    d->fact->cancelled_at, STR_NONE);
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
		if (!tells(u, d, FACT_ENDED) ||
		    fold_ended_at(d) == FACT_NO_TIME)
			continue;
		if (latest != NULL &&
		    fold_ended_at(latest) > fold_ended_at(d)) {
			set_void(
			    d, FOLD_REPLACED, fold_ended_at(latest), STR_NONE);
			continue;
		}
		if (latest != NULL)
			set_void(
			    latest, FOLD_REPLACED, fold_ended_at(d), STR_NONE);
		latest = d;
	}
	if (latest == NULL || charged_since(u, latest, fold_ended_at(latest)) ||
	    restarted_since(u, latest, fold_ended_at(latest)))
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

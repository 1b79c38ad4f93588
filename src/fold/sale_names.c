#include "fold/sale.h"

#include <string.h>

/* Which tier a sale earns: by its own names, and by those it had before. */

/* Of two sections the one that wins; either may be NULL. */
static const struct tier *
better(const struct tier *a, const struct tier *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return b->rank > a->rank || (b->rank == a->rank && b < a) ? b : a;
}

static int
same_names(const struct fact *a, const struct fact *b)
{
	if (a->n_names != b->n_names)
		return 0;
	for (size_t i = 0; i < a->n_names; i++)
		if (!str_eq(a->names[i], b->names[i]))
			return 0;
	return 1;
}

/* May that delivery of a sale lend a name that no longer fits? Beside a reading
 * of the sale only what was sent before the first one, or nothing where a sale
 * has to be confirmed: who knows the sale could send any name. */
static int
lends_names(const struct subject *u, const struct sale *s,
    const struct fold_delivery *d)
{
	const struct fold_delivery *first = s->reading;
	if (d->fact->kind == FACT_ABSENT)
		return 0;
	if (first == NULL || d->fact->kind == FACT_READBACK)
		return 1;
	for (size_t i = 0; i < s->n_told; i++)
		if (s->told[i].fact->kind == FACT_READBACK)
			first = &s->told[i]; /* the newest stands in front */
	return u->rules->confirm[platform_index(u->platform)] !=
	    TIER_CONFIRM_BEFORE &&
	    d->sent_at < first->sent_at;
}

/* By the product names that all deliveries of s have, and those of the other
 * sales of its product: the seller may have renamed the permalink. */
static const struct tier *
match_told(const struct subject *u, const struct sale *s,
    const struct fact *variants, struct str variant)
{
	const struct tier *best = NULL;
	struct fact probe = *variants;
	for (size_t i = 0; i < u->n_sales; i++) {
		const struct sale *o = &u->sales[i];
		for (size_t k = 0; k < o->n_told && (o == s || o->lends); k++) {
			const struct fact *f = o->told[k].fact;
			if (f->product_id.p == NULL
				? o != s
				: !str_eq(f->product_id, s->fact.product_id))
				continue;
			if (!lends_names(u, o, &o->told[k]))
				continue;
			/* by these it was looked up already */
			if (variants == &s->fact && same_names(f, variants))
				continue;
			probe.product = f->product;
			probe.n_names = f->n_names;
			memcpy(probe.names, f->names, sizeof(probe.names));
			best = better(best,
			    tier_match(u->rules, u->platform, &probe, variant));
		}
	}
	return best;
}

const struct tier *
sale_match(const struct subject *u, const struct sale *s, struct str variant,
    int *old_name)
{
	const struct tier *t =
	    tier_match(u->rules, u->platform, &s->fact, variant);
	*old_name = t == NULL;
	return t != NULL ? t : match_told(u, s, &s->fact, variant);
}

/* By the variants that deliveries before the one that speaks of them told,
 * newest first: the seller may have renamed the tier. */
static const struct tier *
match_old_variants(const struct subject *u, const struct sale *s)
{
	const struct fold_delivery *at = &s->told[0];
	const struct tier *t = NULL;
	for (size_t i = s->n_told; i > 0 && s->reading == NULL; i--)
		if (s->told[i - 1].fact->n_variants > 0)
			at = &s->told[i - 1];
	while (t == NULL) {
		const struct fold_delivery *next = NULL;
		for (size_t i = 0; i < s->n_told; i++) {
			const struct fold_delivery *d = &s->told[i];
			if (sale_compare_sent(d, at) < 0 &&
			    (next == NULL || sale_compare_sent(d, next) > 0))
				next = d;
		}
		if (next == NULL)
			return NULL;
		if (next->fact->n_variants > 0 && lends_names(u, s, next))
			t = match_told(u, s, next->fact, STR_NONE);
		at = next;
	}
	return t;
}

void
sale_find_tier(const struct subject *u, struct sale *s)
{
	const struct fact *f = &s->fact;
	s->configured = u->rules->n_tiers == 0
	    ? NULL
	    : sale_match(u, s, STR_NONE, &s->why.old_name);
	if (s->configured == NULL && u->rules->n_tiers > 0)
		s->configured = match_old_variants(u, s);
	s->why.old_name &= s->configured != NULL;
	if (s->configured != NULL)
		s->tier = s->configured->name;
	else if (f->unnamed)
		s->tier = STR_NONE;
	else
		s->tier = f->tier.p != NULL ? f->tier : f->product;
}

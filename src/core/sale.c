#include "core/sale.h"

#include <stdlib.h>

static int
compare_str(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

/* Which delivery speaks first of a sale. */
static int
precedence(enum fact_kind kind)
{
	switch (kind) {
	case FACT_SALE:
	case FACT_PAYMENT:
		return 0;
	case FACT_REFUND:
		return 1;
	case FACT_DISPUTE:
		return 2;
	case FACT_DISPUTE_WON:
		return 3;
	default:
		return -1;
	}
}

/* By sale, then precedence, then what came first. */
static int
compare_deliveries(const void *pa, const void *pb)
{
	const struct fold_delivery *a = pa, *b = pb;
	int c = compare_str(a->fact->sale, b->fact->sale);
	if (c == 0)
		c = precedence(a->fact->kind) - precedence(b->fact->kind);
	if (c == 0)
		c = (a->received_at > b->received_at) -
		    (a->received_at < b->received_at);
	if (c == 0)
		c = compare_str(a->fact->delivery, b->fact->delivery);
	return c;
}

static int
compare_sales(const void *pa, const void *pb)
{
	const struct sale *a = pa, *b = pb;
	int c = (a->fact.sold_at > b->fact.sold_at) -
	    (a->fact.sold_at < b->fact.sold_at);
	return c != 0 ? c : compare_str(a->fact.sale, b->fact.sale);
}

static void
fill_str(struct str *to, struct str from)
{
	if (to->p == NULL)
		*to = from;
}

static void
fill_int(int64_t *to, int64_t from)
{
	if (*to == FACT_NO_NUMBER)
		*to = from;
}

static void
fill(struct fact *to, const struct fact *from)
{
	fill_str(&to->user_ref, from->user_ref);
	fill_str(&to->email, from->email);
	fill_str(&to->buyer, from->buyer);
	fill_str(&to->license, from->license);
	fill_str(&to->subscription, from->subscription);
	fill_str(&to->product, from->product);
	fill_str(&to->product_name, from->product_name);
	fill_str(&to->currency, from->currency);
	if (to->recurrence.p == NULL && from->recurrence.p != NULL) {
		to->recurrence = from->recurrence;
		to->months = from->months;
	}
	fill_int(&to->price, from->price);
	fill_int(&to->quantity, from->quantity);
	fill_int(&to->sold_at, from->sold_at);
	if (to->months == 0)
		to->months = from->months;
	if (to->n_names == 0) {
		memcpy(to->names, from->names, sizeof(to->names));
		to->n_names = from->n_names;
	}
	if (to->n_variants == 0) {
		memcpy(to->variants, from->variants, sizeof(to->variants));
		to->n_variants = from->n_variants;
		to->variant = from->variant;
	}
	fill_str(&to->tier, from->tier);
}

static void
earliest(int64_t *to, int64_t t)
{
	if (*to == FACT_NO_TIME || t < *to)
		*to = t;
}

/* What one delivery adds. Flags only ever go from false to true: a stale
 * retry says refunded=false after the refund. */
static void
add(struct sale *s, const struct fold_delivery *d)
{
	const struct fact *f = d->fact;
	fill(&s->fact, f);
	if (f->refunded)
		earliest(&s->refunded_at, d->received_at);
	if (f->disputed)
		earliest(&s->disputed_at, d->received_at);
	if (f->dispute_won)
		earliest(&s->dispute_won_at, d->received_at);
	if (f->kind == FACT_SALE || f->kind == FACT_REFUND ||
	    f->kind == FACT_PAYMENT)
		s->dispute_only = 0;
	/* no time in the body: the smallest signed one, else the arrival */
	if (f->kind == FACT_PAYMENT)
		earliest(&s->fact.sold_at,
		    d->sent_at != FACT_NO_TIME ? d->sent_at : d->received_at);
}

static void
finish(struct sale *s, const struct platform *p, const struct tier_rules *rules)
{
	int ignored_test =
	    s->fact.test && !rules->accept_test[platform_index(p)];
	s->counted = !s->dispute_only && !s->fact.preorder && !ignored_test &&
	    s->refunded_at == FACT_NO_TIME && s->fact.sold_at != FACT_NO_TIME;
	s->tier = tier_name(rules, p, &s->fact);
	s->since = s->paid_until = s->until = FACT_NO_TIME;
}

int
sale_collect(const struct platform *p, const struct fold_delivery *all,
    size_t n, const struct tier_rules *rules, struct arena *a,
    struct sale **out, size_t *n_out)
{
	struct fold_delivery *d = arena_alloc(a, (n + 1) * sizeof(*d));
	struct sale *sales = arena_alloc(a, (n + 1) * sizeof(*sales));
	if (d == NULL || sales == NULL)
		return -1;
	size_t n_d = 0, n_sales = 0;
	for (size_t i = 0; i < n; i++)
		if (precedence(all[i].fact->kind) >= 0)
			d[n_d++] = all[i];
	qsort(d, n_d, sizeof(*d), compare_deliveries);
	for (size_t i = 0; i < n_d; i++) {
		struct sale *s = n_sales > 0 ? &sales[n_sales - 1] : NULL;
		if (s == NULL || !str_eq(s->fact.sale, d[i].fact->sale)) {
			s = &sales[n_sales++];
			s->fact = *d[i].fact;
			s->refunded_at = s->disputed_at = s->dispute_won_at =
			    FACT_NO_TIME;
			s->dispute_only = 1;
		}
		add(s, &d[i]);
	}
	for (size_t i = 0; i < n_sales; i++)
		finish(&sales[i], p, rules);
	qsort(sales, n_sales, sizeof(*sales), compare_sales);
	*out = sales;
	*n_out = n_sales;
	return 0;
}

#include "fold/member.h"

#include "fold/hand.h"
#include "fold/sale.h"

int
member_newest(const struct platform *p, struct member *m,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct err *e)
{
	struct fold_rows unused = { .n_purchases = 0 };
	struct subject u = { .platform = p,
		.id = m->subject,
		.rules = rules,
		.arena = a,
		.d = d,
		.n = n };
	m->newest = FACT_NO_TIME;
	if (hand_split(d, &u.n, a, &u.hand, &u.n_hand) != 0 ||
	    sale_collect(&u, &unused) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < u.n_sales; i++)
		if (u.sales[i].counted)
			m->newest = u.sales[i].fact.sold_at;
	return 0;
}

/* As unsigned numbers, for the times of a body may be any. */
static uint64_t
distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* The membership that an entry is about; NULL: it is not clear. */
static const struct member *
owner_of(const struct fact *f, const struct member *m, size_t n)
{
	const struct member *best = NULL;
	uint64_t nearest = 0;
	int paid = 0, is_tie = 0;
	for (size_t i = 0; i < n; i++) {
		if (m[i].newest == FACT_NO_TIME)
			continue;
		uint64_t d = distance(f->sold_at, m[i].newest);
		if (paid++ > 0 && d >= nearest) {
			is_tie |= d == nearest;
			continue;
		}
		best = &m[i];
		nearest = d;
		is_tie = 0;
	}
	return paid > 1 && (is_tie || f->sold_at == FACT_NO_TIME) ? NULL : best;
}

static int
is_same_entry(const struct fact *a, const struct fact *b)
{
	return str_same(a->product_id, b->product_id) &&
	    a->sold_at == b->sold_at;
}

static int
is_read_later(
    const struct fold_delivery *d, const struct fold_delivery *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_same_entry(all[i].fact, d->fact) &&
		    sale_compare_sent(&all[i], d) > 0)
			return 1;
	return 0;
}

int
member_pick(struct fold_delivery *d, size_t *n, const struct member *m,
    size_t n_members, struct str subject, struct arena *a, struct err *e)
{
	struct fold_delivery *hand;
	size_t n_hand, all = *n, kept = 0;
	if (hand_split(d, &all, a, &hand, &n_hand) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct fold_delivery *mine = arena_alloc(a, (all + 1) * sizeof(*mine));
	if (mine == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < all; i++) {
		const struct member *owner = owner_of(d[i].fact, m, n_members);
		if (owner != NULL && str_eq(owner->subject, subject) &&
		    !is_read_later(&d[i], d, all))
			mine[kept++] = d[i];
	}
	for (size_t i = 0; i < kept; i++)
		d[i] = mine[i];
	*n = kept;
	return 0;
}

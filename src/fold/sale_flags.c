#include "fold/sale.h"

#include <string.h>

/*
 * When the flags of a sale were raised, and whether the platform knows it. Pings
 * only ever raise a flag, as a stale retry says refunded=false after the refund.
 * A reading may lower it, and what is sent later may raise it again.
 */

int
sale_compare_id(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int
is_reading(const struct fold_delivery *d)
{
	return d->fact->kind >= FACT_READBACK;
}

int
sale_compare_sent(const struct fold_delivery *a, const struct fold_delivery *b)
{
	int c = (a->sent_at > b->sent_at) - (a->sent_at < b->sent_at);
	if (c == 0)
		c = is_reading(b) - is_reading(a);
	if (c == 0 && is_reading(a))
		c = (a->seen_at > b->seen_at) - (a->seen_at < b->seen_at);
	return c != 0 ? c
		      : sale_compare_id(a->fact->delivery, b->fact->delivery);
}

int
sale_is_before(const struct fold_delivery *d, const struct fold_delivery *r)
{
	if (r == NULL)
		return 0;
	return is_reading(d) ? sale_compare_sent(d, r) < 0
			     : d->sent_at < r->seen_at;
}

static void
earliest(int64_t *to, int64_t t)
{
	if (*to == FACT_NO_TIME || t < *to)
		*to = t;
}

static int
has(const struct fold_delivery *d, size_t flag)
{
	return *(const int *)(const void *)((const char *)d->fact + flag);
}

/* The first delivery, or the first of that kind, that raised the flag since the
 * last reading that said it is not. */
static int64_t
raised_at(const struct sale *s, size_t flag, enum fact_kind kind)
{
	const struct fold_delivery *denied = NULL;
	int64_t t = FACT_NO_TIME;
	for (size_t i = 0; i < s->n_told && denied == NULL; i++)
		if (s->told[i].fact->kind == FACT_READBACK &&
		    !has(&s->told[i], flag))
			denied = &s->told[i]; /* the newest stands in front */
	for (size_t i = 0; i < s->n_told; i++) {
		const struct fold_delivery *d = &s->told[i];
		if (has(d, flag) && !sale_is_before(d, denied) &&
		    (kind == FACT_UNKNOWN || d->fact->kind == kind))
			earliest(&t, d->sent_at);
	}
	return t;
}

/* Does the reading show that the sale was made? The page of a sale alone also
 * shows one that failed, which looks like any other; what no list has is told
 * by that page. */
static int
is_proof(const struct fact *f)
{
	return f->kind == FACT_READBACK &&
	    (f->listed || f->gift || f->test || f->preorder);
}

/* Known: there is a proof that is newer than each answer that it is absent. */
static void
read_known(struct sale *s)
{
	const struct fold_delivery *absent = NULL;
	for (size_t i = s->n_told; i > 0; i--)
		if (s->told[i - 1].fact->kind == FACT_ABSENT)
			absent = &s->told[i - 1];
	s->confirmed_at = FACT_NO_TIME;
	for (size_t i = 0; i < s->n_told; i++)
		if (is_proof(s->told[i].fact) &&
		    !sale_is_before(&s->told[i], absent))
			earliest(&s->confirmed_at, s->told[i].sent_at);
	s->why.known = absent != NULL && s->confirmed_at == FACT_NO_TIME
	    ? FOLD_UNKNOWN
	    : FOLD_KNOWN;
}

/* A test is what every sale delivery calls one; where none came, what the
 * reading says; where none was read, what every other delivery calls one. */
static void
read_test(struct sale *s)
{
	int n_sales = 0, n_others = 0, sales = 1, others = 1;
	for (size_t i = 0; i < s->n_told; i++) {
		const struct fact *f = s->told[i].fact;
		if (f->kind >= FACT_READBACK || f->blurred)
			continue;
		if (f->kind == FACT_SALE || f->kind >= FACT_PAYMENT) {
			sales &= f->test;
			n_sales++;
		} else {
			others &= f->test;
			n_others++;
		}
	}
	if (n_sales > 0)
		s->fact.test = sales;
	else if (s->reading == NULL && n_others > 0)
		s->fact.test = others;
}

void
sale_read_flags(struct sale *s)
{
	const size_t disputed = offsetof(struct fact, disputed);
	enum fact_kind kind = s->told[0].fact->kind;
	s->reading = kind == FACT_READBACK ? &s->told[0] : NULL;
	s->first_at = FACT_NO_TIME;
	for (size_t i = 0; i < s->n_told; i++)
		earliest(&s->first_at, s->told[i].sent_at);
	s->refunded_at = raised_at(s, offsetof(struct fact, refunded), 0);
	s->revoked_at = raised_at(s, offsetof(struct fact, revoked), 0);
	s->disputed_at = raised_at(s, disputed, 0);
	s->dispute_told_at = raised_at(s, disputed, FACT_DISPUTE);
	s->dispute_won_at = raised_at(s, offsetof(struct fact, dispute_won), 0);
	s->dispute_only = kind == FACT_DISPUTE || kind == FACT_DISPUTE_WON ||
	    kind == FACT_ABSENT;
	read_test(s);
	read_known(s);
}

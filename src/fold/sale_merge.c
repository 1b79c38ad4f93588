#include "fold/sale.h"

#include <stdlib.h>

#include "fold/column.h"
#include "fold/hand.h"

/* Which kind of delivery speaks first of a sale: what the platform said when it
 * was asked. */
static int
precedence(const struct fact *f)
{
	if (f->blurred)
		return 6;
	switch (f->kind) {
	case FACT_READBACK:
		return 0;
	case FACT_SALE:
	case FACT_PAYMENT:
	case FACT_STATE:
		return 1;
	case FACT_REFUND:
		return 2;
	case FACT_DISPUTE:
		return 3;
	case FACT_DISPUTE_WON:
		return 4;
	case FACT_ABSENT:
		return 5;
	default:
		return -1;
	}
}

/* The time of which a state tells. */
static int64_t
as_of(const struct fold_delivery *d)
{
	return d->fact->as_of != FACT_NO_TIME ? d->fact->as_of : d->sent_at;
}

/* By sale, then the one that speaks first: of a kind the one sent last, as the
 * seller may have corrected something; of payments the first; of states the
 * newest. */
static int
compare_deliveries(const void *pa, const void *pb)
{
	const struct fold_delivery *a = pa, *b = pb;
	int c = str_compare(a->fact->sale, b->fact->sale);
	if (c == 0)
		c = precedence(a->fact) - precedence(b->fact);
	if (c == 0 && a->fact->kind == FACT_STATE)
		c = (as_of(a) < as_of(b)) - (as_of(a) > as_of(b));
	if (c == 0)
		c = a->fact->kind == FACT_PAYMENT ? sale_compare_sent(a, b)
						  : sale_compare_sent(b, a);
	return c;
}

static int
compare_sales(const void *pa, const void *pb)
{
	const struct sale *a = pa, *b = pb;
	int c = (a->fact.sold_at > b->fact.sold_at) -
	    (a->fact.sold_at < b->fact.sold_at);
	/* the gifter's side, before the giftee's */
	if (c == 0)
		c = b->fact.gift_sender - a->fact.gift_sender;
	return c != 0 ? c : str_compare(a->fact.sale, b->fact.sale);
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

/* What is missing comes from a delivery that speaks later. */
static void
fill(struct fact *to, const struct fact *from)
{
	fill_str(&to->email, from->email);
	fill_str(&to->buyer, from->buyer);
	fill_str(&to->license, from->license);
	fill_str(&to->product, from->product);
	fill_str(&to->product_id, from->product_id);
	fill_str(&to->product_name, from->product_name);
	fill_str(&to->currency, from->currency);
	fill_int(&to->price, from->price);
	fill_int(&to->quantity, from->quantity);
	fill_int(&to->sold_at, from->sold_at);
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
	to->preorder |= from->preorder;
}

/* Does the platform know it as bought once? No ping makes it recur. */
static int
is_one_off(const struct sale *s)
{
	const struct fact *f = s->reading == NULL ? NULL : s->reading->fact;
	return f != NULL && f->subscription.p == NULL &&
	    f->recurrence.p == NULL;
}

/* The user id and the period are what the first delivery told: a later one is
 * a resend, which carries no user id and the plan of today. */
static void
fill_first(struct sale *s)
{
	struct fact *f = &s->fact;
	const struct fold_delivery *user = NULL, *period = NULL;
	for (size_t i = 0; i < s->n_told; i++) {
		const struct fold_delivery *d = &s->told[i];
		if (d->fact->user_ref.p != NULL &&
		    (user == NULL || sale_compare_sent(d, user) < 0))
			user = d;
		if (d->fact->recurrence.p != NULL &&
		    (period == NULL || sale_compare_sent(d, period) < 0))
			period = d;
	}
	if (user != NULL)
		f->user_ref = user->fact->user_ref;
	if (period != NULL && !is_one_off(s)) {
		f->recurrence = period->fact->recurrence;
		f->months = period->fact->months;
	}
}

/* The subject: that of the first delivery which names a subscription. */
static void
find_subscription(struct sale *s)
{
	for (size_t i = 0; i < s->n_told && s->fact.subscription.p == NULL;
	     i++) {
		s->fact.subscription = s->told[i].fact->subscription;
		if (s->fact.subscription.p != NULL)
			s->home = s->told[i].fact->subject;
	}
}

/* Two payments under one id: do they tell the same? */
static int
same_payment(const struct fact *a, const struct fact *b)
{
	return str_same(a->subject, b->subject) &&
	    str_same(a->user_ref, b->user_ref) &&
	    str_same(a->email, b->email) && str_same(a->buyer, b->buyer) &&
	    str_same(a->product, b->product) &&
	    str_same(a->names[0], b->names[0]) &&
	    str_same(a->names[1], b->names[1]) && a->months == b->months;
}

static void
find_conflicts(const struct sale *s, struct fold_rows *out)
{
	for (size_t i = 1; i < s->n_told; i++)
		if (!same_payment(s->told[0].fact, s->told[i].fact))
			out->conflicts[out->n_conflicts++] = s->told[i].event;
}

/* What the deliveries tell together. Beside a reading only the user, the first
 * period and gift marks are theirs. */
static void
join(struct sale *s)
{
	for (size_t i = 1; i < s->n_told; i++) {
		if (s->reading == NULL)
			fill(&s->fact, s->told[i].fact);
		s->fact.gift |= s->told[i].fact->gift;
	}
	fill_first(s);
	if (s->reading == NULL)
		find_subscription(s);
	/* what the gifter paid is for somebody else */
	if (s->fact.gift_sender)
		s->fact.user_ref = STR_NONE;
}

/* told and n_told are set. */
static void
merge(struct sale *s, struct fold_rows *out)
{
	enum fact_kind kind = s->told[0].fact->kind;
	s->fact = *s->told[0].fact;
	s->home = s->fact.subject;
	if (kind == FACT_STATE)
		s->fact.as_of = as_of(&s->told[0]);
	if (kind == FACT_PAYMENT)
		find_conflicts(s, out);
	sale_read_flags(s);
	if (kind == FACT_PAYMENT || kind == FACT_STATE)
		s->n_told = 1; /* the others have no say */
	else
		join(s);
	/* no time in the body: that of sending */
	if (s->fact.sold_at == FACT_NO_TIME)
		s->fact.sold_at = s->first_at;
}

static void
judge(const struct subject *u, struct sale *s)
{
	enum fold_known known = s->why.known;
	if (known == FOLD_KNOWN && s->confirmed_at == FACT_NO_TIME &&
	    hand_waits(u, s->first_at))
		known = FOLD_UNCONFIRMED;
	s->lends = known == FOLD_KNOWN &&
	    (!s->fact.test ||
		u->rules->accept_test[platform_index(u->platform)]);
	s->counted = s->lends && !s->dispute_only && !s->fact.preorder &&
	    s->refunded_at == FACT_NO_TIME && s->revoked_at == FACT_NO_TIME;
	s->why = (struct fold_why){
		.known = known, .until = FOLD_WINDOWS, .counted = s->counted
	};
	s->since = s->paid_until = s->until = FACT_NO_TIME;
	s->lasts = 0;
}

/* Its own user id, else that of the nearest earlier sale that has one, else of
 * the nearest later: who pays again from a new browser is the new visitor. A
 * link by hand beats them. */
static void
lend_users(struct subject *u)
{
	struct str near = STR_NONE;
	for (size_t i = 0; i < u->n_sales; i++) {
		struct sale *s = &u->sales[i];
		s->user = s->fact.user_ref.p != NULL ? s->fact.user_ref : near;
		if (s->lends && s->fact.user_ref.p != NULL)
			near = s->fact.user_ref;
	}
	near = STR_NONE;
	for (size_t i = u->n_sales; i > 0; i--) {
		struct sale *s = &u->sales[i - 1];
		if (s->user.p == NULL)
			s->user = near;
		if (s->fact.gift_sender)
			s->user = STR_NONE;
		s->user = hand_user(u->hand, u->n_hand, s->user);
		if (s->lends && s->fact.user_ref.p != NULL)
			near = s->fact.user_ref;
	}
}

/* ---- all ---- */

/* What is blurred counts beside a reading. */
static void
leave_out_blurred(struct sale *s)
{
	if (s->told[0].fact->kind == FACT_READBACK)
		return;
	while (s->n_told > 0 && s->told[s->n_told - 1].fact->blurred)
		s->n_told--;
}

/* Those of one sale stand together; the speaking one first. */
static size_t
group(const struct fold_delivery *d, size_t n)
{
	size_t i = 1;
	while (i < n && str_eq(d[i].fact->sale, d[0].fact->sale))
		i++;
	return i;
}

int
sale_collect(struct subject *u, struct fold_rows *out)
{
	size_t n = 0;
	struct fold_delivery *d =
	    arena_alloc(u->arena, (u->n + 1) * sizeof(*d));
	for (size_t i = 0; d != NULL && i < u->n; i++)
		if (precedence(u->d[i].fact) >= 0)
			d[n++] = u->d[i];
	u->sales = arena_alloc(u->arena, (n + 1) * sizeof(*u->sales));
	out->moves = arena_alloc(u->arena, (n + 1) * sizeof(*out->moves));
	out->conflicts =
	    arena_alloc(u->arena, (n + 1) * sizeof(*out->conflicts));
	if (arena_failed(u->arena))
		return -1;
	if (n > 0)
		qsort(d, n, sizeof(*d), compare_deliveries);
	for (size_t i = 0; i < n;) {
		struct sale *s = &u->sales[u->n_sales];
		s->told = &d[i];
		s->n_told = group(&d[i], n - i);
		i += s->n_told;
		leave_out_blurred(s);
		if (s->n_told == 0)
			continue;
		merge(s, out);
		judge(u, s);
		/* as it stands in the column */
		if (!str_eq(s->home, u->id))
			s->home = project_column(u->arena, s->home);
		if (str_eq(s->home, u->id))
			u->n_sales++;
		else
			out->moves[out->n_moves++] =
			    (struct fold_move){ s->fact.sale, s->home };
	}
	if (u->n_sales > 0)
		qsort(u->sales, u->n_sales, sizeof(*u->sales), compare_sales);
	lend_users(u);
	for (size_t i = 0; i < u->n_sales; i++)
		sale_find_tier(u, &u->sales[i]);
	return 0;
}

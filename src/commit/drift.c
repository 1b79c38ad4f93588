#include "commit/drift.h"

#include "base/time.h"

static void
add(struct reading_result *out, const char *what, struct str had,
    struct str has)
{
	if (out->n_drift < READING_DRIFT_MAX)
		out->drift[out->n_drift++] =
		    (struct reading_drift){ what, had, has };
}

static struct str
time_of(struct arena *a, int64_t t)
{
	char text[TIME_TEXT_MAX];
	return t == STORE_NULL
	    ? STR_NONE
	    : str_from(arena_printf(a, "%s", time_text(t, text)));
}

static struct str
number_of(struct arena *a, int64_t n)
{
	return n == STORE_NULL
	    ? STR_NONE
	    : str_from(arena_printf(a, "%lld", (long long)n));
}

static int
is_same(struct str a, struct str b)
{
	return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

/* A time that came, or went: which word tells of it. */
static void
add_time(struct reading_result *out, const char *came, const char *went,
    int64_t was, int64_t is, struct arena *a)
{
	if ((was == STORE_NULL) != (is == STORE_NULL))
		add(out, is != STORE_NULL ? came : went, time_of(a, was),
		    time_of(a, is));
}

static void
of_sale(struct reading_result *out, const struct fact *f,
    const struct store_purchase *was, const struct store_purchase *is,
    struct arena *a)
{
	static const struct store_purchase none = { .refunded_at = STORE_NULL,
		.refunded_amount = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.revoked_at = STORE_NULL };
	int is_new = was == NULL;
	/* of the gifter's side of a gift no delivery ever tells */
	if (is_new && !f->gift_sender)
		add(out, "missing", STR_NONE, time_of(a, is->sold_at));
	if (is_new)
		was = &none;
	add_time(out, "refunded", "unrefunded", was->refunded_at,
	    is->refunded_at, a);
	if (is->refunded_at == STORE_NULL && was->refunded_at == STORE_NULL &&
	    is->refunded_amount != was->refunded_amount &&
	    (is->refunded_amount > 0 || was->refunded_amount > 0))
		add(out, "partly_refunded", number_of(a, was->refunded_amount),
		    number_of(a, is->refunded_amount));
	/* one that is taken back has ended well, too */
	add_time(out, "disputed", "won", was->disputed_at, is->disputed_at, a);
	if (is->dispute_won_at != STORE_NULL)
		add_time(out, "won", "won", was->dispute_won_at,
		    is->dispute_won_at, a);
	add_time(
	    out, "revoked", "unrevoked", was->revoked_at, is->revoked_at, a);
	if (!is_new && !is_same(was->email, is->email))
		add(out, "email", was->email, is->email);
	if (!is_new && was->since != STORE_NULL && is->since != STORE_NULL &&
	    !is_same(was->tier, is->tier))
		add(out, "tier", was->tier, is->tier);
}

static void
of_membership(struct reading_result *out, const struct drift_rows *was,
    const struct drift_rows *is, int64_t at, struct arena *a)
{
	static const struct store_subscription none = {
		.cancelled_at = STORE_NULL, .ended_at = STORE_NULL
	};
	const struct store_subscription *old =
	    was->membership != NULL ? was->membership : &none;
	const struct store_subscription *new = is->membership;
	int was_over = was->until != STORE_NULL && was->until <= at;
	if (new == NULL)
		return;
	if (new->ended_at != STORE_NULL &&new->ended_at != old->ended_at)
		add(out, "ended", time_of(a, old->ended_at),
		    time_of(a, new->ended_at));
	else if (new->cancelled_at != STORE_NULL &&new->cancelled_at !=
	    old->cancelled_at)
		add(out, "cancelled", time_of(a, old->cancelled_at),
		    time_of(a, new->cancelled_at));
	else if ((str_eq_z(new->status, "active") && old->status.p != NULL &&
		     !str_eq_z(old->status, "active")) ||
	    (was_over && is->until > at))
		add(out, "alive",
		    was_over ? time_of(a, was->until) : old->status,
		    was_over ? time_of(a, is->until) : new->status);
}

/* Of an entry of a list of members: which membership it lengthens; or that the
 * buyer has none here, so that a payment is missing. */
static void
of_entry(struct reading_result *out, const struct fact *f,
    const struct rows *was, const struct rows *is, int64_t at, struct arena *a)
{
	int gives = 0;
	for (size_t i = 0; i < is->n; i++) {
		const struct store_purchase *new = &is->v[i];
		gives |= new->since != STORE_NULL;
		for (size_t k = 0; k < was->n && out->n_drift == 0; k++) {
			const struct store_purchase *old = &was->v[k];
			if (!str_eq(old->sale, new->sale) ||
			    new->until == STORE_NULL ||
			    new->until <= old->until)
				continue;
			out->sale = new->sale;
			add(out, "alive", time_of(a, old->until),
			    time_of(a, new->until));
		}
	}
	out->open = !gives && f->ends_at != FACT_NO_TIME && f->ends_at > at;
	if (out->open)
		add(out, "missing", STR_NONE, time_of(a, f->ends_at));
}

void
drift_find(struct reading_result *out, const struct fact *f,
    const struct drift_rows *was, const struct drift_rows *is, int64_t at,
    struct arena *a)
{
	out->n_drift = 0;
	out->open = 0;
	if (f->kind == FACT_ABSENT && was->sale != NULL &&
	    was->sale->since != STORE_NULL &&
	    (is->sale == NULL || is->sale->since == STORE_NULL))
		add(out, "absent", was->sale->tier, STR_NONE);
	if (f->kind == FACT_READBACK && is->sale != NULL)
		of_sale(out, f, was->sale, is->sale, a);
	if (f->kind == FACT_MEMBER)
		of_entry(out, f, was->all, is->all, at, a);
	if (f->kind == FACT_SUBSCRIBER)
		of_membership(out, was, is, at, a);
}

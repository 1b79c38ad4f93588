#include "explain/say.h"

#include "fold/column.h"

/* ---- sales ---- */

const struct store_purchase *
say_row(const struct say *s)
{
	const struct rows *r = &s->subject->rows;
	struct str sale = project_column(s->arena, s->event->fact->sale);
	for (size_t i = 0; i < r->n; i++)
		if (sale.p != NULL && str_eq(r->v[i].sale, sale))
			return &r->v[i];
	return NULL;
}

/* Has an event before this one told of the same sale? */
static int
is_again(const struct say *s)
{
	const struct explain_event *ev = s->subject->events;
	for (; ev < s->event; ev++)
		if (ev->counts && ev->fact != NULL &&
		    ev->fact->kind == s->event->fact->kind &&
		    str_eq(ev->fact->sale, s->event->fact->sale))
			return 1;
	return 0;
}

/* "A renewal of App (S1)" */
static void
add_sale_name(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	const struct rows *r = &s->subject->rows;
	size_t at = (size_t)(p - r->v);
	const char *name = "A sale";
	if (f->kind == FACT_PAYMENT)
		name = f->months > 0 || f->days > 0 ? "A payment for"
						    : "A purchase";
	else if (f->test)
		name = "A test purchase";
	else if (f->preorder)
		name = "A pre-order";
	else if (f->gift)
		name = "A gift, to the giftee,";
	else if (p->subscription.p != NULL && at > 0)
		name = str_eq(r->v[at - 1].tier, p->tier) ? "A renewal"
							  : "A later payment";
	buf_addz(s->b, name);
	if (f->kind == FACT_PAYMENT && f->months > 0)
		buf_addf(
		    s->b, " %d month%s", f->months, f->months == 1 ? "" : "s");
	else if (f->kind == FACT_PAYMENT && f->days > 0)
		buf_addf(s->b, " %d days", f->days);
	buf_addz(s->b, " of ");
	buf_adds(
	    s->b, p->product_name.p != NULL ? p->product_name : p->product);
	buf_addz(s->b, " (");
	buf_adds(s->b, p->sale);
	buf_addc(s->b, ')');
	if (f->kind == FACT_PAYMENT && p->test)
		buf_addz(s->b, ", a test");
}

static void
say_sale(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	add_sale_name(s, p);
	if (str_eq_z(s->event->reason, "conflict")) {
		buf_addz(s->b,
		    " differs from a delivery of the same payment that was "
		    "sent before: no effect");
		return;
	}
	if (is_again(s))
		buf_addz(s->b, ", told of before and counted once,");
	say_effect(s, p);
	if (f->kind == FACT_PAYMENT && p->since > p->sold_at)
		buf_addz(s->b,
		    "; it begins where the payment before it ends, as "
		    "payments add up");
}

static void
add_refund(const struct say *s, const struct store_purchase *p)
{
	buf_addz(s->b, "Sale ");
	buf_adds(s->b, p->sale);
	if (!s->event->fact->refunded) {
		buf_addz(s->b,
		    " was refunded in part: no effect, as the amount is not "
		    "in the delivery");
		if (p->refunded_at == STORE_NULL)
			return;
		buf_addz(s->b, "; refunded in full on ");
		say_time(s->b, p->refunded_at);
		return;
	}
	if (p->refunded_at == STORE_NULL) {
		buf_addz(s->b,
		    " was refunded in full, but what was read later says that "
		    "it is not: no effect now");
		return;
	}
	buf_addz(s->b, " was refunded in full on ");
	say_time(s->b, p->refunded_at);
	if (p->since == STORE_NULL)
		buf_addz(s->b, ": it gives no access");
	else if (p->until == p->refunded_at)
		buf_addz(s->b, ": access by this sale ended then");
	else {
		buf_addz(s->b, ": access by this sale had ended before, on ");
		say_time(s->b, p->until);
	}
}

static void
say_refund(const struct say *s, const struct store_purchase *p)
{
	add_refund(s, p);
	if (say_is_told(s, p->sale, FACT_SALE))
		return;
	buf_addz(
	    s->b, "; the sale itself never came, so this stands for it, and");
	say_effect(s, p);
}

static void
add_dispute_times(const struct say *s, const struct store_purchase *p)
{
	buf_addz(s->b, "Sale ");
	buf_adds(s->b, p->sale);
	buf_addz(s->b, " was disputed");
	if (p->disputed_at != STORE_NULL) {
		buf_addz(s->b, " on ");
		say_time(s->b, p->disputed_at);
	}
	if (p->dispute_won_at != STORE_NULL) {
		buf_addz(s->b, ", and the dispute won on ");
		say_time(s->b, p->dispute_won_at);
	}
}

/* Is access by another sale suspended as well? */
static int
is_wide(const struct say *s, const struct store_purchase *p)
{
	const struct rows *r = &s->subject->rows;
	for (size_t i = 0; i < r->n; i++)
		if (&r->v[i] != p &&
		    say_why(s->subject, &r->v[i])->until == FOLD_DISPUTED)
			return 1;
	return 0;
}

static void
say_dispute(const struct say *s, const struct store_purchase *p)
{
	int won = p->dispute_won_at != STORE_NULL;
	add_dispute_times(s, p);
	if (p->disputed_at == STORE_NULL && !won)
		buf_addz(s->b,
		    ", but what was read later says that it is not: no effect "
		    "now");
	else if (!won)
		buf_addf(s->b,
		    ": access by %s is suspended since then; what is bought "
		    "later opens as ever",
		    is_wide(s, p) ? "it and by what was sold before" : "it");
	else if (is_wide(s, p))
		buf_addz(s->b, ": another dispute is open");
	else
		buf_addz(s->b,
		    s->event->fact->kind == FACT_DISPUTE
			? ": no effect now"
			: ": what was suspended is restored");
	if (!say_is_told(s, p->sale, FACT_REFUND))
		buf_addz(s->b,
		    "; only disputes tell of this sale, so that it gives "
		    "nothing itself");
}

static void
say_purchase(const struct say *s)
{
	const struct store_purchase *p = say_row(s);
	if (p == NULL) {
		buf_addz(s->b,
		    "This sale belongs to another subscription by now: no "
		    "effect here");
		return;
	}
	switch (s->event->fact->kind) {
	case FACT_REFUND:
		say_refund(s, p);
		break;
	case FACT_DISPUTE:
	case FACT_DISPUTE_WON:
		say_dispute(s, p);
		break;
	default:
		say_sale(s, p);
	}
}

/* ---- all ---- */

static enum fold_rule
rule_of_sale(const struct say *s)
{
	const struct store_purchase *p = say_row(s);
	if (str_eq_z(s->event->reason, "conflict"))
		return FOLD_CONFLICT;
	if (p == NULL)
		return FOLD_WINDOWS;
	const struct fold_why *why = say_why(s->subject, p);
	if (why->known != FOLD_KNOWN)
		return FOLD_CONFIRMED;
	if (p->test && !why->counted && p->refunded_at == STORE_NULL)
		return FOLD_TEST;
	return why->old_name ? FOLD_NAMES
	    : why->upgraded  ? FOLD_UPDATED
			     : why->until;
}

enum fold_rule
say_rule(const struct say *s)
{
	const struct explain_event *ev = s->event;
	if (str_eq_z(ev->platform, "manual"))
		return FOLD_BY_HAND;
	if (str_eq_z(ev->status, "test"))
		return FOLD_TEST;
	if (ev->fold == NULL)
		return FOLD_KEPT;
	if (!ev->counts)
		return FOLD_BY_HAND;
	switch (ev->fact->kind) {
	case FACT_REFUND:
		return FOLD_REFUND;
	case FACT_DISPUTE:
	case FACT_DISPUTE_WON:
		return FOLD_DISPUTED;
	case FACT_CANCELLATION:
		return FOLD_CANCELLED;
	case FACT_ENDED:
		return ev->fold == s->subject->fold.paid_up_by ? FOLD_PAID_UP
							       : FOLD_ENDED;
	case FACT_RESTARTED:
		return FOLD_RESTARTED;
	case FACT_UPDATED:
		return FOLD_UPDATED;
	case FACT_READBACK:
	case FACT_SUBSCRIBER:
	case FACT_MEMBER:
		return FOLD_READ;
	case FACT_ABSENT:
		return FOLD_CONFIRMED;
	default:
		return rule_of_sale(s);
	}
}

static void
say_applied(const struct say *s)
{
	switch (s->event->fact->kind) {
	case FACT_CANCELLATION:
	case FACT_UPDATED:
	case FACT_ENDED:
	case FACT_RESTARTED:
		say_subscription(s);
		break;
	case FACT_READBACK:
	case FACT_SUBSCRIBER:
	case FACT_ABSENT:
	case FACT_MEMBER:
		say_reading(s);
		break;
	default:
		say_purchase(s);
	}
}

void
say_event(const struct say *s)
{
	const struct explain_event *ev = s->event;
	if (str_eq_z(ev->platform, "manual"))
		say_manual(s);
	else if (str_eq_z(ev->status, "test"))
		buf_addz(s->b,
		    "The platform's test ping, with a real sale's data: "
		    "changes nothing");
	else if (str_eq_z(ev->status, "kept") || ev->fact == NULL ||
	    !fact_counts(ev->fact))
		say_kept(s);
	else if (!ev->counts)
		buf_addz(s->b, "Voided by hand: does not count");
	else
		say_applied(s);
	if (ev->seen > 1 && !platform_is_reading(ev->kind))
		buf_addf(s->b, " (seen %lld times, counted once)",
		    (long long)ev->seen);
	buf_addc(s->b, '.');
}

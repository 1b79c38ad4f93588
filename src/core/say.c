#include "core/say.h"

#include "base/time.h"
#include "core/manual.h"
#include "core/project.h"

void
say_time(struct buf *b, int64_t t)
{
	char text[TIME_TEXT_MAX];
	struct str s = str_from(time_text(t, text));
	if (s.n == sizeof("2026-02-28T10:00:00Z") - 1)
		buf_addf(b, "%.10s %.8s UTC", s.p, s.p + 11);
	else
		buf_adds(b, s);
}

const struct store_purchase *
say_newest(const struct explain_subject *u)
{
	for (size_t i = u->rows.n; i > 0; i--)
		if (u->rows.v[i - 1].since != STORE_NULL &&
		    u->rows.v[i - 1].refunded_at == STORE_NULL)
			return &u->rows.v[i - 1];
	return NULL;
}

int64_t
say_suspended(const struct explain_subject *u)
{
	int64_t at = STORE_NULL;
	for (size_t i = 0; i < u->rows.n; i++) {
		const struct store_purchase *p = &u->rows.v[i];
		if (p->disputed_at != STORE_NULL &&
		    p->dispute_won_at == STORE_NULL &&
		    (at == STORE_NULL || p->disputed_at < at))
			at = p->disputed_at;
	}
	return at;
}

int
say_is_revoked_at(const struct explain_subject *u, int64_t t)
{
	for (size_t i = 0; i < u->n_events; i++) {
		const struct explain_event *ev = &u->events[i];
		if (ev->manual != NULL && ev->manual->kind == MANUAL_REVOKE &&
		    ev->received_at == t)
			return 1;
	}
	return 0;
}

/* ---- a purchase's window ---- */

static void
add_span(struct buf *b, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *one;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
		{ 1, "second" } };
	size_t i = 0;
	while (seconds % units[i].seconds != 0)
		i++;
	int64_t n = seconds / units[i].seconds;
	buf_addf(b, "%lld %s%s", (long long)n, units[i].one, n == 1 ? "" : "s");
}

static size_t
place(const struct explain_subject *u, const struct store_purchase *p)
{
	return (size_t)(p - u->rows.v);
}

static int
is_taken_over(const struct explain_subject *u, const struct store_purchase *p)
{
	for (size_t i = place(u, p) + 1; i < u->rows.n; i++)
		if (u->rows.v[i].since == p->until)
			return 1;
	return 0;
}

/* Why a window closes where it does; NULL: by itself. */
static const char *
closed_by(const struct explain_subject *u, const struct store_purchase *p)
{
	const struct store_subscription *sub = u->subscription;
	if (p->until == p->refunded_at)
		return "when it was refunded in full";
	if (p->until == say_suspended(u))
		return "when a dispute suspended it";
	if (say_is_revoked_at(u, p->until))
		return "when it was revoked by hand";
	if (is_taken_over(u, p))
		return "when the next payment took over";
	if (sub != NULL && p->until == sub->ended_at)
		return "when the subscription ended";
	if (sub != NULL && p->until == sub->cancelled_at)
		return "the end of the paid period, as the subscription was "
		       "cancelled";
	return NULL;
}

static int
is_trial(const struct explain_subject *u, int64_t t)
{
	for (size_t i = 0; i < u->n_events; i++)
		if (u->events[i].fact != NULL && u->events[i].counts &&
		    u->events[i].fact->trial_ends_at == t)
			return 1;
	return 0;
}

static void
add_end(const struct say *s, const struct store_purchase *p)
{
	const char *by = closed_by(s->subject, p);
	int grace = p->paid_until != STORE_NULL && p->paid_until < p->until;
	buf_addz(s->b, "until ");
	say_time(s->b, p->until);
	if (grace || is_trial(s->subject, p->paid_until)) {
		buf_addf(s->b, " (%s until ",
		    is_trial(s->subject, p->paid_until) ? "a free trial"
							: "paid");
		say_time(s->b, p->paid_until);
		if (grace && by == NULL) {
			buf_addz(s->b, ", then ");
			add_span(s->b, p->until - p->paid_until);
			buf_addz(s->b, " of grace");
		}
		buf_addc(s->b, ')');
	}
	if (by != NULL)
		buf_addf(s->b, ", %s", by);
}

void
say_gives(const struct say *s, const struct store_purchase *p)
{
	int over = p->until != STORE_NULL && p->until <= s->now;
	buf_addz(s->b,
	    p->since > s->now ? " will give "
		: over	      ? " gave "
			      : " gives ");
}

static void
add_window(const struct say *s, const struct store_purchase *p)
{
	say_gives(s, p);
	buf_adds(s->b, p->tier);
	buf_addz(s->b, " from ");
	say_time(s->b, p->since);
	buf_addc(s->b, ' ');
	if (p->until == STORE_NULL)
		buf_addz(s->b, "for ever");
	else
		add_end(s, p);
}

/* Has a delivery of that sale come: of any kind up to last, in the order of
 * sale, refund, dispute? */
static int
is_told(const struct say *s, struct str sale, enum fact_kind last)
{
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *ev = &s->subject->events[i];
		if (ev->counts && ev->fact != NULL &&
		    (ev->fact->kind <= last ||
			ev->fact->kind == FACT_PAYMENT) &&
		    str_eq(project_column(s->arena, ev->fact->sale), sale))
			return 1;
	}
	return 0;
}

static void
add_nothing(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	int64_t suspended = say_suspended(s->subject);
	const struct platform *platform = platform_find(s->subject->platform);
	buf_addz(s->b, " gives nothing");
	if (p->test && !s->rules->accept_test[platform_index(platform)])
		buf_addz(s->b, " while accept_test is off");
	else if (f->preorder)
		buf_addz(s->b,
		    " until the release is charged, as a sale of its own");
	else if (!is_told(s, p->sale, FACT_REFUND))
		buf_addz(s->b, ", as only a dispute tells of this sale");
	else if (p->refunded_at != STORE_NULL)
		buf_addz(s->b, ", as it was refunded in full before it began");
	else if (p->sold_at == STORE_NULL)
		buf_addz(s->b, ", as no delivery tells when it was sold");
	else if (suspended != STORE_NULL)
		buf_addz(s->b, ", as a dispute suspended it before it began");
	else
		buf_addz(s->b, ", as its time was over before it began");
}

static void
add_effect(const struct say *s, const struct store_purchase *p)
{
	if (p->since != STORE_NULL)
		add_window(s, p);
	else
		add_nothing(s, p);
}

/* ---- sales ---- */

static const struct store_purchase *
row_of(const struct say *s)
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
	size_t at = place(s->subject, p);
	const char *name = "A sale";
	if (f->kind == FACT_PAYMENT)
		name = f->months > 0 ? "A payment for" : "A purchase";
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
	if (is_again(s))
		buf_addz(s->b, ", told of before and counted once,");
	add_effect(s, p);
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
	if (is_told(s, p->sale, FACT_SALE))
		return;
	buf_addz(
	    s->b, "; the sale itself never came, so this stands for it, and");
	add_effect(s, p);
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

static void
say_dispute(const struct say *s, const struct store_purchase *p)
{
	int64_t suspended = say_suspended(s->subject);
	int won = p->dispute_won_at != STORE_NULL;
	add_dispute_times(s, p);
	if (suspended != STORE_NULL) {
		buf_addf(s->b, ": %s%s suspended from ",
		    won ? "another dispute is open, and " : "",
		    p->subscription.p != NULL ? "the whole subscription is"
					      : "access by it is");
		say_time(s->b, suspended);
		buf_addz(s->b, " on");
	} else if (won) {
		buf_addz(s->b,
		    s->event->fact->kind == FACT_DISPUTE
			? ": no effect now"
			: ": what was suspended is restored");
	}
	if (!is_told(s, p->sale, FACT_REFUND))
		buf_addz(s->b,
		    "; only disputes tell of this sale, so that it gives "
		    "nothing itself");
}

static void
say_purchase(const struct say *s)
{
	const struct store_purchase *p = row_of(s);
	if (p == NULL) {
		buf_addz(s->b,
		    "This sale is counted with another subject, which told "
		    "of it first: no effect here");
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
	    ev->fact->status != FACT_APPLIED)
		say_kept(s);
	else if (!ev->counts)
		buf_addz(s->b, "Voided by hand: does not count");
	else
		say_applied(s);
	if (ev->seen > 1)
		buf_addf(s->b, " (seen %lld times, counted once)",
		    (long long)ev->seen);
	buf_addc(s->b, '.');
}

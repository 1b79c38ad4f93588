#include "explain/say.h"

/* What the four subscription pings did. */

static const struct fact *
counted(const struct explain_subject *u, size_t i)
{
	return u->events[i].counts ? u->events[i].fact : NULL;
}

/* The latest time of all pings of a kind. */
static int64_t
latest(const struct explain_subject *u, enum fact_kind kind)
{
	int64_t at = STORE_NULL;
	for (size_t i = 0; i < u->n_events; i++) {
		const struct fact *f = counted(u, i);
		if (f == NULL || f->kind != kind)
			continue;
		int64_t t = kind == FACT_ENDED ? f->ended_at : f->cancelled_at;
		if (t != FACT_NO_TIME && t > at)
			at = t;
	}
	return at;
}

static void
add_with_time(struct buf *b, const char *text, int64_t t)
{
	buf_addz(b, text);
	say_time(b, t);
}

/* How access stands once a cancellation or an end at t holds. 1: it is said;
 * 0: access ends at t. */
int
say_other_end(const struct say *s, int64_t t)
{
	const struct store_purchase *p = say_newest(s->subject);
	if (p == NULL) {
		buf_addz(s->b, ": there is no access that it could end");
	} else if (p->until == STORE_NULL) {
		buf_addz(s->b,
		    ": what was bought is paid up, so access lasts for ever");
	} else if (p->until < t) {
		add_with_time(s->b, ": access had ended before, on ", p->until);
	} else {
		return 0;
	}
	return 1;
}

/* Why a cancellation or an end does not hold. */
void
say_why_not(const struct say *s, const char *replaced)
{
	const struct fold_delivery *d = s->event->fold;
	switch (d->verdict) {
	case FOLD_REPLACED:
		add_with_time(s->b, replaced, d->by_at);
		return;
	case FOLD_READ_LATER:
		add_with_time(s->b,
		    ", but what was read at the platform later counts, on ",
		    d->by_at);
		return;
	case FOLD_PAID:
		add_with_time(s->b, ", but the payment of ", d->by_at);
		buf_addz(s->b, " took it back");
		break;
	default:
		add_with_time(
		    s->b, ", but a restart took it back, on ", d->by_at);
	}
	buf_addz(s->b, ": no effect now");
}

static void
say_cancellation(const struct say *s)
{
	const struct store_subscription *sub = s->subject->subscription;
	int64_t t = s->event->fact->cancelled_at;
	if (t == FACT_NO_TIME) {
		buf_addz(s->b, "Cancelled without a date: changes nothing");
		return;
	}
	add_with_time(s->b, "Cancelled for ", t);
	if (s->event->fold->verdict != FOLD_COUNTS) {
		say_why_not(s,
		    ": no effect, as of several cancellations the one sent "
		    "last counts, the one for ");
	} else if (!say_other_end(s, t)) {
		if (sub != NULL && sub->ended_at == t)
			buf_addz(s->b, ": the subscription ended then");
		else
			buf_addz(s->b,
			    ": access ends then with the paid period, no "
			    "grace");
	}
}

void
say_what_ended(const struct say *s, int64_t t, const char *by)
{
	if (s->event->fold == s->subject->fold.paid_up_by)
		buf_addz(s->b,
		    ": what was bought before is paid up, so access lasts for "
		    "ever");
	else if (s->event->fold->verdict != FOLD_COUNTS)
		say_why_not(s,
		    ": no effect, as of several ends the latest counts, the "
		    "one on ");
	else if (!say_other_end(s, t))
		buf_addf(s->b, ": all access by %s ended then", by);
}

const char *
say_ended_words(struct str reason)
{
	static const char *const words[][2] = {
		{ "cancelled", "it was cancelled" },
		{ "failed_payment", "payments failed" },
		{ "fixed_subscription_period_ended",
		    "its fixed number of payments is over" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_z(reason, words[i][0]))
			return words[i][1];
	return NULL;
}

static void
say_ended(const struct say *s)
{
	const struct fact *f = s->event->fact;
	const char *reason = say_ended_words(f->ended_reason);
	if (f->ended_at == FACT_NO_TIME) {
		buf_addz(s->b, "Ended without a date: changes nothing");
		return;
	}
	add_with_time(s->b, "Ended on ", f->ended_at);
	if (reason != NULL)
		buf_addf(s->b, " (%s)", reason);
	say_what_ended(s, f->ended_at, "this subscription");
}

static void
say_restarted(const struct say *s)
{
	const struct store_subscription *sub = s->subject->subscription;
	int64_t t = s->event->fact->restarted_at;
	int64_t ended = latest(s->subject, FACT_ENDED);
	int64_t cancelled = latest(s->subject, FACT_CANCELLATION);
	if (t == FACT_NO_TIME) {
		buf_addz(s->b, "Restarted without a date: changes nothing");
		return;
	}
	add_with_time(s->b, "Restarted on ", t);
	if (sub != NULL && sub->ended_at != STORE_NULL)
		add_with_time(s->b, ", but ended on ", sub->ended_at);
	else if (sub != NULL && sub->cancelled_at != STORE_NULL)
		add_with_time(s->b, ", but cancelled for ", sub->cancelled_at);
	else if (ended != STORE_NULL || cancelled != STORE_NULL)
		buf_addz(s->b,
		    ": the end or cancellation that came no longer holds");
	else
		buf_addz(s->b,
		    ": no effect, as nothing came that it would take back");
}

static int64_t
change_time(const struct explain_event *ev)
{
	return ev->fact->effective_at != FACT_NO_TIME ? ev->fact->effective_at
						      : ev->sent_at;
}

static void
add_plan_now(const struct say *s, const struct store_purchase *p)
{
	add_with_time(s->b, "the payment of ", p->sold_at);
	say_gives(s, p);
	buf_adds(s->b, p->tier);
}

static void
say_updated(const struct say *s)
{
	const struct store_subscription *sub = s->subject->subscription;
	const struct store_purchase *p = say_newest(s->subject);
	int down = s->event->fact->downgrade;
	int64_t t = change_time(s->event);
	buf_addz(s->b, down ? "A downgrade to " : "An upgrade to ");
	buf_adds(s->b,
	    s->event->fact->new_tier.p != NULL ? s->event->fact->new_tier
					       : STR("a plan without a name"));
	add_with_time(s->b, " from ", t);
	buf_addz(s->b, " on");
	if (p == NULL) {
		buf_addz(s->b, ": gives no access, as no payment does");
		return;
	}
	switch (s->event->fold->verdict) {
	case FOLD_COUNTS:
		buf_addz(s->b, down ? ", pending: " : ": ");
		add_plan_now(s, p);
		if (!down || sub == NULL || sub->next_tier.p == NULL)
			return;
		buf_addz(s->b, ", the next one ");
		buf_adds(s->b, sub->next_tier);
		return;
	case FOLD_CHARGED:
		add_with_time(s->b, ": the payment that charged it, of ",
		    s->event->fold->by_at);
		buf_addz(s->b, ", speaks for itself, and ");
		break;
	case FOLD_PAID:
		buf_addz(s->b, ": a later payment speaks for itself, ");
		break;
	case FOLD_REPLACED:
		buf_addz(s->b, ", replaced by a later change: ");
		break;
	default:
		buf_addz(s->b, ": changes nothing, ");
	}
	add_plan_now(s, p);
}

void
say_subscription(const struct say *s)
{
	switch (s->event->fact->kind) {
	case FACT_CANCELLATION:
		say_cancellation(s);
		break;
	case FACT_ENDED:
		say_ended(s);
		break;
	case FACT_RESTARTED:
		say_restarted(s);
		break;
	default:
		say_updated(s);
	}
}

#include "explain/say.h"

/* What was read at the platform. */

/* Was the same asked again, with another answer? */
static int
is_read_later(const struct say *s)
{
	const struct explain_event *ev = s->event;
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *o = &s->subject->events[i];
		if (o != ev && o->counts && o->fact != NULL &&
		    o->fact->kind == ev->fact->kind &&
		    str_eq(o->fact->sale, ev->fact->sale) &&
		    (o->sent_at > ev->sent_at ||
			(o->sent_at == ev->sent_at && o > ev)))
			return 1;
	}
	return 0;
}

static void
say_readback(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	const struct {
		int is;
		const char *words;
	} flags[] = { { f->gift_sender, ", which the gifter paid" },
		{ f->refunded, ", refunded in full" },
		{ f->partly_refunded, ", refunded in part" },
		{ f->revoked, ", access revoked" },
		{ f->disputed && !f->dispute_won, ", disputed" },
		{ f->disputed && f->dispute_won, ", a dispute won" },
		{ !f->listed, ", which the list of sales does not show" } };
	buf_addz(s->b, "Read at the platform: sale ");
	buf_adds(s->b, f->sale);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].is)
			buf_addz(s->b, flags[i].words);
	if (is_read_later(s)) {
		buf_addz(s->b, "; another answer came later");
		return;
	}
	buf_addz(s->b, "; it");
	say_effect(s, p);
}

static void
say_absent(const struct say *s, const struct store_purchase *p)
{
	buf_addz(s->b, "The platform knows no sale ");
	buf_adds(s->b, s->event->fact->sale);
	buf_addz(s->b,
	    say_why(s->subject, p)->known == FOLD_UNKNOWN
		? ": what tells of it gives nothing"
		: ", but has shown it later: no effect now");
}

static void
say_over(const struct say *s)
{
	int64_t t = fold_ended_at(s->event->fold);
	const char *why = say_ended_words(fold_ended_reason(s->event->fold));
	buf_addz(s->b, "the subscription ended on ");
	say_time(s->b, t);
	if (why != NULL)
		buf_addf(s->b, " (%s)", why);
	if (s->event->fold == s->subject->fold.paid_up_by)
		buf_addz(s->b,
		    ": what was bought before is paid up, so access lasts for "
		    "ever");
	else if (s->event->fold->verdict != FOLD_COUNTS)
		say_why_not(s,
		    ": no effect, as of several ends the latest counts, the "
		    "one on ");
	else if (!say_other_end(s, t))
		buf_addz(s->b, ": all access by it ended then");
}

static void
say_subscriber(const struct say *s)
{
	int64_t cancelled = s->event->fact->cancelled_at;
	buf_addz(s->b, "Read at the platform: ");
	if (is_read_later(s) && s->event->fold != s->subject->fold.paid_up_by) {
		buf_addz(s->b,
		    "how the subscription stood; another answer came later");
	} else if (fold_ended_at(s->event->fold) != FACT_NO_TIME) {
		say_over(s);
	} else if (cancelled == FACT_NO_TIME) {
		buf_addz(s->b,
		    "the subscription runs: what was sent before of its "
		    "cancellation or end no longer holds");
	} else {
		buf_addz(s->b, "the subscription is cancelled for ");
		say_time(s->b, cancelled);
		if (s->event->fold->verdict != FOLD_COUNTS)
			say_why_not(s,
			    ": no effect, as of several cancellations the one "
			    "sent last counts, the one for ");
		else if (!say_other_end(s, cancelled))
			buf_addz(s->b, ": access ends then, no grace");
	}
}

void
say_reading(const struct say *s)
{
	if (s->event->fact->kind == FACT_SUBSCRIBER) {
		say_subscriber(s);
		return;
	}
	const struct store_purchase *p = say_row(s);
	if (p == NULL)
		buf_addz(s->b,
		    "This sale belongs to another subscription by now: no "
		    "effect here");
	else if (s->event->fact->kind == FACT_ABSENT)
		say_absent(s, p);
	else
		say_readback(s, p);
}

#include "explain/say.h"
#include "fold/column.h"

/* What a platform said when it was asked. */

static const char *
title(const struct say *s)
{
	const struct platform *p = platform_find(s->subject->platform);
	return p == NULL ? "The platform" : p->words.title;
}

/* "Gumroad was asked on …, and last on …" */
static void
add_asked(const struct say *s)
{
	const struct explain_event *ev = s->event;
	buf_addf(s->b, "%s was asked on ", title(s));
	say_time(s->b, ev->sent_at);
	if (ev->last_seen_at > ev->sent_at) {
		buf_addz(s->b, ", and said the same up to ");
		say_time(s->b, ev->last_seen_at);
	}
}

/* Has any delivery told of the sale, and not only readings? */
static int
is_pinged(const struct say *s, struct str sale)
{
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *ev = &s->subject->events[i];
		if (ev->fact != NULL && !platform_is_reading(ev->kind) &&
		    str_eq(ev->fact->sale, sale))
			return 1;
	}
	return 0;
}

/* Is it the first reading of the sale here? */
static int
is_first(const struct say *s)
{
	const struct explain_event *ev = s->subject->events;
	for (; ev < s->event; ev++)
		if (ev->fact != NULL && ev->fact->kind == FACT_READBACK &&
		    str_eq(ev->fact->sale, s->event->fact->sale))
			return 0;
	return 1;
}

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
add_state(const struct say *s, const struct fact *f)
{
	const struct {
		int is;
		const char *word;
	} words[] = {
		{ f->refunded, "refunded" },
		{ f->partly_refunded, "refunded in part" },
		{ f->disputed && !f->dispute_won, "disputed" },
		{ f->dispute_won, "the dispute is won" },
		{ f->revoked, "access was revoked there" },
		{ f->preorder, "a pre-order, authorised only" },
	};
	const char *between = ": ";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!words[i].is)
			continue;
		buf_addf(s->b, "%s%s", between, words[i].word);
		between = ", ";
	}
	if (*between == ':')
		buf_addz(s->b, f->listed ? ": paid" : ": it is there");
	if (!f->listed)
		buf_addz(s->b, ", but not in the list of sales");
}

static void
say_readback(const struct say *s)
{
	const struct fact *f = s->event->fact;
	const struct store_purchase *p = say_row(s);
	if (!is_pinged(s, f->sale) && is_first(s)) {
		buf_addz(s->b, "No ping of sale ");
		buf_adds(s->b, f->sale);
		buf_addz(s->b, " ever came; found on ");
		say_time(s->b, s->event->received_at);
		buf_addz(s->b, ", as ");
	}
	add_asked(s);
	buf_addz(s->b, " about sale ");
	buf_adds(s->b, f->sale);
	add_state(s, f);
	if (is_read_later(s)) {
		buf_addz(s->b, "; another answer came later");
	} else if (f->gift_sender) {
		buf_addz(s->b,
		    "; it is the giver's side of a gift, which gives nothing");
	} else if (p == NULL) {
		buf_addz(s->b,
		    "; the sale belongs to another subscription by now: no "
		    "effect here");
	} else {
		buf_addz(s->b, "; it");
		say_effect(s, p);
	}
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
	add_asked(s);
	buf_addz(s->b, ": ");
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

static void
say_absent(const struct say *s)
{
	const struct store_purchase *p = say_row(s);
	add_asked(s);
	buf_addf(s->b, ": %s knows no such sale (", title(s));
	buf_adds(s->b, s->event->fact->sale);
	buf_addz(s->b,
	    p != NULL && say_why(s->subject, p)->known != FOLD_UNKNOWN
		? "), but has shown it later: no effect now"
		: "), so what names it does not count");
}

void
say_reading(const struct say *s)
{
	switch (s->event->fact->kind) {
	case FACT_READBACK:
		say_readback(s);
		break;
	case FACT_SUBSCRIBER:
		say_subscriber(s);
		break;
	default:
		say_absent(s);
	}
}

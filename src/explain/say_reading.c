#include "explain/say.h"

/* What a platform said when it was asked. */

static const char *
title(const struct say *s)
{
	const struct platform *p = platform_find(s->subject->platform);
	return p == NULL ? "The platform" : p->words.title;
}

/* "Gumroad was asked on …: " */
static void
add_asked(const struct say *s)
{
	const struct explain_event *ev = s->event;
	buf_addf(s->b, "%s was asked on ", title(s));
	say_time(s->b, ev->sent_at);
	if (ev->last_seen_at > ev->sent_at) {
		buf_addz(s->b, ", and last on ");
		say_time(s->b, ev->last_seen_at);
	}
	buf_addz(s->b, ": ");
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

/* Is it the first that was ever heard of the sale? */
static int
is_found(const struct say *s)
{
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *o = &s->subject->events[i];
		if (o->fact != NULL &&
		    str_eq(o->fact->sale, s->event->fact->sale) &&
		    (!platform_is_reading(o->kind) || o < s->event))
			return 0;
	}
	return 1;
}

static void
add_flags(const struct say *s, const struct fact *f)
{
	const struct {
		int is;
		const char *words;
	} flags[] = { { f->gift_sender, "which the gifter paid" },
		{ f->refunded, "refunded" },
		{ f->partly_refunded, "refunded in part" },
		{ f->revoked, "access revoked" },
		{ f->disputed && !f->dispute_won, "disputed" },
		{ f->disputed && f->dispute_won, "a dispute won" },
		{ !f->listed, "not in the list of sales" } };
	const char *between = "";
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!flags[i].is)
			continue;
		buf_addf(s->b, "%s%s", between, flags[i].words);
		between = ", ";
	}
	if (*between == '\0')
		buf_addz(s->b, "all is well");
	buf_addz(s->b, " (sale ");
	buf_adds(s->b, f->sale);
	buf_addc(s->b, ')');
}

static void
say_readback(const struct say *s, const struct store_purchase *p)
{
	add_asked(s);
	add_flags(s, s->event->fact);
	if (is_found(s)) {
		buf_addz(s->b, "; no ping of this sale ever came; found on ");
		say_time(s->b, s->event->received_at);
	}
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
	add_asked(s);
	buf_addf(s->b, "%s knows no such sale (", title(s));
	buf_adds(s->b, s->event->fact->sale);
	buf_addz(s->b,
	    say_why(s->subject, p)->known == FOLD_UNKNOWN
		? "): what tells of it gives nothing"
		: "), but has shown it later: no effect now");
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
	say_what_ended(s, t, "it");
}

static void
say_subscriber(const struct say *s)
{
	int64_t cancelled = s->event->fact->cancelled_at;
	add_asked(s);
	if (is_read_later(s) && s->event->fold != s->subject->fold.paid_up_by) {
		buf_addz(s->b,
		    "how the subscription stood; another answer came later");
	} else if (fold_ended_at(s->event->fold) != FACT_NO_TIME) {
		say_over(s);
	} else if (cancelled == FACT_NO_TIME) {
		buf_addf(s->b,
		    "the subscription runs%s: what was sent before of its "
		    "cancellation or end no longer holds",
		    s->event->fact->life == FACT_FAILING
			? ", though a payment failed, which is tried again"
			: "");
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

/* An entry of a list of members: is it what ends the newest window? */
static void
say_member(const struct say *s)
{
	const struct store_purchase *p = say_newest(s->subject);
	int64_t t = s->event->fact->ends_at;
	add_asked(s);
	if (t == FACT_NO_TIME) {
		buf_addz(s->b, "a member, with no end told: no effect");
		return;
	}
	buf_addz(s->b, "member until ");
	say_time(s->b, t);
	if (p != NULL && p->until == t &&
	    say_why(s->subject, p)->until == FOLD_LISTED)
		buf_addz(s->b,
		    ": access lasts until then, though no payment for it "
		    "came here");
	else if (p != NULL && p->until != STORE_NULL && p->until < t)
		buf_addz(s->b, ", but something else ends access before");
	else
		buf_addz(s->b, ": what was paid here lasts as long");
}

void
say_reading(const struct say *s)
{
	if (s->event->fact->kind == FACT_SUBSCRIBER) {
		say_subscriber(s);
		return;
	}
	if (s->event->fact->kind == FACT_MEMBER) {
		say_member(s);
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

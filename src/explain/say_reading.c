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
	if (f->gift_sender) {
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
add_life(const struct say *s, const struct fact *f)
{
	static const char *const words[] = {
		[FACT_LIFE_UNKNOWN] = "in a state that is not known here",
		[FACT_ALIVE] = "running",
		[FACT_PENDING_CANCELLATION] = "cancelled",
		[FACT_CANCELLED] = "cancelled and over",
		[FACT_FAILED] = "over, as payments failed",
		[FACT_COMPLETED] = "complete, all of its payments were made",
	};
	int64_t at = f->life == FACT_FAILED ? f->failed_at
	    : f->life == FACT_COMPLETED	    ? f->ended_at
					    : f->cancelled_at;
	buf_addf(s->b, ": the subscription is %s", words[f->life]);
	if (at != FACT_NO_TIME && f->life != FACT_ALIVE) {
		buf_addz(s->b,
		    f->life == FACT_PENDING_CANCELLATION ? " for " : " on ");
		say_time(s->b, at);
	}
}

void
say_reading(const struct say *s)
{
	const struct fact *f = s->event->fact;
	switch (f->kind) {
	case FACT_READBACK:
		say_readback(s);
		break;
	case FACT_SUBSCRIBER:
		add_asked(s);
		add_life(s, f);
		break;
	default:
		add_asked(s);
		buf_addf(s->b, ": %s knows no such sale (", title(s));
		buf_adds(s->b, f->sale);
		buf_addz(s->b, "), so what names it does not count");
	}
}

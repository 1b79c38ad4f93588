#ifndef EXPLAIN_SAY_H
#define EXPLAIN_SAY_H

#include "explain/explain.h"
#include "platform/fact.h"

/* The sentences of explain; for it alone. */
struct say {
	struct buf *b;
	const struct tier_rules *rules;
	const struct explain_subject *subject;
	const struct explain_event *event;
	int64_t now;
	struct arena *arena;
};

/* What the event did, and its effect now: one sentence with its full stop. */
void say_event(const struct say *s);

/* The pieces; each appends to s->b. */
void say_time(struct buf *b, int64_t t); /* 2026-02-28 10:00:00 UTC */
/* " gives ", or what it is before and after the window. */
void say_gives(const struct say *s, const struct store_purchase *p);
/* What a purchase gives, from when until when, or why nothing. */
void say_effect(const struct say *s, const struct store_purchase *p);
/* Has a delivery of that sale come: of any kind up to last, in the order of
 * sale, refund, dispute? */
int say_is_told(const struct say *s, struct str sale, enum fact_kind last);
void say_subscription(const struct say *s); /* one of the four pings */
/* Why a cancellation or an end does not hold; how access stands where it does:
 * 1, or 0 where access ends at t. */
void say_why_not(const struct say *s, const char *replaced);
int say_other_end(const struct say *s, int64_t t);
/* What came of an end at t; by: what had given access. */
void say_what_ended(const struct say *s, int64_t t, const char *by);
const char *say_ended_words(struct str reason); /* or NULL */
/* The row of the event's sale, or NULL. */
const struct store_purchase *say_row(const struct say *s);
void say_reading(const struct say *s); /* what was read at the platform */
void say_manual(const struct say *s);
void say_kept(const struct say *s);

/* The rule that made it so. */
enum fold_rule say_rule(const struct say *s);

/* The newest purchase that counts, or NULL. */
const struct store_purchase *say_newest(const struct explain_subject *u);
/* Which rules made a purchase's row. */
const struct fold_why *
say_why(const struct explain_subject *u, const struct store_purchase *p);

#endif

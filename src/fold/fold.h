#ifndef FOLD_FOLD_H
#define FOLD_FOLD_H

/*
 * The room fold: what deliveries mean. In: all deliveries of one subject, with
 * what was done to it by hand, and the rules of the tiers. Out: its rows of
 * purchases and subscriptions, and which rules made them. fold_subject.c is the
 * door; sale_merge.c makes sales of deliveries, notice.c, plan.c and window.c
 * are the steps after it, hand.c and manual.c know what was done by hand,
 * grant.c folds what was given that way, column.h makes texts fit for a column.
 * Keeps the promise that the state follows from what was received, in any order
 * and with any repeats: so it sees no clock, no database and no file.
 */

#include "config/tier.h"
#include "store/row.h"

/*
 * From a subject's deliveries to its rows. A pure function of the set of
 * (delivery, smallest time of sending) and of the tier rules: no clock, no
 * I/O, nothing counted up, so that any order and any number of repeats give
 * the same rows. gatepost-lifecycle(7) has the rules.
 */
struct manual;

/* The rules by the names that gatepost-lifecycle(7) gives them. */
enum fold_rule {
	FOLD_WINDOWS,
	FOLD_NEXT, /* the next payment takes over */
	FOLD_ADD_UP,
	FOLD_TRIAL,
	FOLD_REFUND,
	FOLD_REVOKED, /* at the platform */
	FOLD_DISPUTED,
	FOLD_CANCELLED,
	FOLD_ENDED,
	FOLD_RESTARTED,
	FOLD_PAID_UP,
	FOLD_ALWAYS,
	FOLD_UPDATED,
	FOLD_NAMES,
	FOLD_READ, /* the platform said so when it was asked */
	FOLD_LISTED, /* its list of members tells that end */
	FOLD_CONFIRMED, /* unknown there, or not confirmed yet */
	FOLD_TEST,
	FOLD_CONFLICT,
	FOLD_BY_HAND,
	FOLD_KEPT,
	FOLD_RULE__MAX
};
extern const char *const fold_rule_words[FOLD_RULE__MAX];

/* What became of a notice: a cancellation, an end, a restart or a change. */
enum fold_verdict {
	FOLD_COUNTS, /* it holds, or it is about a sale */
	FOLD_VOIDED, /* by hand: the fold does not see it */
	FOLD_UNDATED, /* it names no time, so that it changes nothing */
	FOLD_PAID, /* void: a later charge took it back */
	FOLD_RESTARTED_LATER, /* void: a later restart took it back */
	FOLD_REPLACED, /* another one of its kind was sent later */
	FOLD_CHARGED, /* an upgrade: the sale that charged it speaks */
	FOLD_NOTHING_TO_CHANGE, /* there is no sale that it is about */
	FOLD_READ_LATER, /* a reading of the membership takes its place */
};

struct fold_delivery {
	const struct fact *fact; /* status FACT_APPLIED; NULL with manual */
	const struct manual *manual; /* an event by hand about the subject */
	int64_t sent_at; /* its time; by hand: when it was received */
	int64_t seen_at; /* of a reading: when the same was last read */
	int64_t event; /* number; events by hand are ordered by it */

	/* filled by the fold, for explain */
	enum fold_verdict verdict;
	int64_t by_at; /* time of the charge, restart or other notice */
	struct str by_sale; /* FOLD_PAID, FOLD_CHARGED: that sale */
};

/* What the platform's answers make of a sale. */
enum fold_known {
	FOLD_KNOWN, /* as far as is known */
	FOLD_UNCONFIRMED, /* it counts once it is confirmed */
	FOLD_UNKNOWN, /* the platform knows no such sale */
};

/* Which rules made a purchase's row, for explain. */
struct fold_why {
	enum fold_known known;
	enum fold_rule until; /* what ends the window */
	int old_name; /* its tier fits by an old name only */
	int upgraded; /* its tier is that of a free upgrade */
	int counted;
};

/* A sale that belongs to another subject than the one folded: it has no row
 * here, and its deliveries have to be filed there. */
struct fold_move {
	struct str sale;
	struct str subject;
};

struct fold_rows {
	struct store_purchase *purchases; /* in order of (sold_at, sale) */
	struct fold_why *whys; /* one for each of them */
	size_t n_purchases;
	struct store_subscription *subscription; /* NULL: none */
	struct fold_move *moves;
	size_t n_moves;
	/* what was paid up by an end of its plan: that delivery */
	const struct fold_delivery *paid_up_by;
	int64_t *conflicts; /* events that differ from the one that counts */
	size_t n_conflicts;
};

/* All of one subject and platform, and the events of kind confirm of the
 * platform; d is sorted in place. Rows live in the arena, their texts there or
 * in the facts. -1 only without memory. */
int fold_subject(const struct platform *p, struct str subject,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct fold_rows *out, struct err *e);

/* When an end that a delivery tells of was, FACT_NO_TIME where it tells none,
 * and why. A reading tells of one in several words. */
int64_t fold_ended_at(const struct fold_delivery *d);
struct str fold_ended_reason(const struct fold_delivery *d);

/* By time of sending, then delivery key: every tie of the rules is broken so.
 * Between events by hand the log's order decides: the last word counts. */
void fold_sort(struct fold_delivery *d, size_t n);

/* A subject of grants by hand: d holds manual events only. Of each tier the
 * latest event speaks. */
int fold_grants(struct str subject, struct fold_delivery *d, size_t n,
    struct arena *a, struct fold_rows *out, struct err *e);

#endif

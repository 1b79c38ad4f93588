#ifndef CORE_FOLD_H
#define CORE_FOLD_H

#include "core/tier.h"
#include "store/store.h"

/*
 * From a subject's deliveries to its rows. A pure function of the set of
 * (delivery, smallest received_at, smallest signed time) and of the tier
 * rules: no clock, no I/O, nothing counted up, so that any order and any
 * number of repeats give the same rows. gatepost(7) has the rules.
 */
struct manual;

struct fold_delivery {
	const struct fact *fact; /* status FACT_APPLIED; NULL with manual */
	const struct manual *manual; /* an event by hand about the subject */
	int64_t received_at;
	int64_t sent_at; /* FACT_NO_TIME: nothing was signed */
	int64_t event; /* with manual: events by hand are ordered by it */
};

struct fold_rows {
	struct store_purchase *purchases;
	size_t n_purchases;
	struct store_subscription *subscription; /* NULL: none */
};

/* All of one subject and platform; d is sorted in place. Rows live in the
 * arena, their texts there or in the facts. -1 only without memory. */
int fold_subject(const struct platform *p, struct str subject,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct fold_rows *out, struct err *e);

/* By received_at, then delivery key: every tie of the rules is broken so.
 * Between events by hand the log's order decides: the last word counts. */
void fold_sort(struct fold_delivery *d, size_t n);

/* A subject of grants by hand: d holds manual events only. Of each tier the
 * latest event speaks. */
int fold_grants(struct str subject, struct fold_delivery *d, size_t n,
    struct arena *a, struct fold_rows *out, struct err *e);

#endif

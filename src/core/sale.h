#ifndef CORE_SALE_H
#define CORE_SALE_H

#include "core/fold.h"

/* One sale as all its deliveries together tell it; for the fold alone. */
struct sale {
	struct fact fact; /* merged: the sale's word first, gaps filled */
	int64_t refunded_at; /* in full; FACT_NO_TIME: not */
	int64_t disputed_at;
	int64_t dispute_won_at;
	int dispute_only; /* nothing but disputes tell of it */
	int counted; /* gives a window that others are cut by */
	struct str tier;
	int64_t since; /* FACT_NO_TIME: gives nothing */
	int64_t paid_until; /* FACT_NO_TIME: for ever */
	int64_t until;
};

/* Groups the deliveries that tell of a sale, in order of (sold_at, sale). */
int sale_collect(const struct platform *p, const struct fold_delivery *d,
    size_t n, const struct tier_rules *rules, struct arena *a,
    struct sale **out, size_t *n_out);

#endif

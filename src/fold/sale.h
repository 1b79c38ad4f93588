#ifndef FOLD_SALE_H
#define FOLD_SALE_H

#include "fold/fold.h"

/* One sale as all its deliveries together tell it; for the fold alone. */
struct sale {
	struct fact fact; /* merged: the word that counts, gaps filled */
	struct str home; /* the subject it belongs to */
	const struct fold_delivery *told; /* its deliveries, that which */
	size_t n_told; /* speaks first in front */
	const struct fold_delivery *reading; /* the newest; NULL: none */
	int64_t first_at; /* the smallest time of them */
	int64_t confirmed_at; /* read back; FACT_NO_TIME: not */
	int64_t refunded_at; /* in full; FACT_NO_TIME: not */
	int64_t revoked_at; /* at the platform */
	int64_t disputed_at;
	int64_t dispute_told_at; /* by a delivery of that kind */
	int64_t dispute_won_at;
	int dispute_only; /* nothing but disputes tell of it */
	/* others may take its user, names and charge, and notices are about
	 * it; a test, or what is not known there, lends nothing */
	int lends;
	int counted; /* gives a window that others are cut by */
	struct str user; /* its own, or its neighbour's */
	struct str tier;
	const struct tier *configured; /* the section of that tier, or NULL */
	int lasts; /* paid up or for always: nothing later cuts it */
	int64_t since; /* FACT_NO_TIME: gives nothing */
	int64_t paid_until; /* FACT_NO_TIME: for ever */
	int64_t until;
	struct fold_why why;
};

/* Everything known of one subject while it is folded. */
struct subject {
	const struct platform *platform;
	struct str id;
	const struct tier_rules *rules;
	struct arena *arena;
	struct fold_delivery *d; /* of the platform, in order of sending */
	size_t n;
	struct fold_delivery *hand; /* events by hand */
	size_t n_hand;
	struct sale *sales; /* in order of (sold_at, sale) */
	size_t n_sales;
	struct sale *newest; /* counted; NULL: none */
	const struct fold_delivery *life; /* its newest reading, or NULL */
	int64_t trial_ends_at; /* of the first sale; FACT_NO_TIME: none */
	const struct fold_delivery *cancelled; /* that holds, or NULL */
	const struct fold_delivery *ended; /* that holds, or NULL */
	const struct fold_delivery *paid_up_by; /* an end, or NULL */
	int paid_up;
	struct str next_tier;
	int64_t next_tier_at;
};

/* Which of the two stands first, as qsort wants it: by bytes; by sending, where
 * of one second readings stand first. */
int sale_compare_id(struct str a, struct str b);
int
sale_compare_sent(const struct fold_delivery *a, const struct fold_delivery *b);
/* Was a delivery sent before that reading was last seen, or read before it? A
 * delivery of the same second was not. r NULL: no. */
int
sale_is_before(const struct fold_delivery *d, const struct fold_delivery *r);

/* Fills the flags of a sale and what the platform's answers make of it: all
 * that follows from told alone. */
void sale_read_flags(struct sale *s);

/* Groups the deliveries that tell of a sale; those of another subject go to
 * out->moves, those that contradict to out->conflicts. -1: no memory. */
int sale_collect(struct subject *u, struct fold_rows *out);

/* Fills the tier of a sale. */
void sale_find_tier(const struct subject *u, struct sale *s);

/* The section of the tier that a sale earns with its variants, or with the one
 * given where its p is not NULL: by the sale's own product names, else by those
 * that other deliveries told. *old_name: it was the latter. NULL: none fits. */
const struct tier *sale_match(const struct subject *u, const struct sale *s,
    struct str variant, int *old_name);

/* Does an open dispute of d close the window of s, and when? FACT_NO_TIME: it
 * does not. */
int64_t sale_disputed(const struct sale *d, const struct sale *s);

/* The subject's first sale is a free trial: it was not charged. */
int sale_is_trial(const struct subject *u, const struct sale *s);

/* The steps of the fold, in this order. Each fills fields of the subject and
 * of its sales. */
void notice_upgrades(struct subject *u);
void plan_read(struct subject *u); /* paid up, and what lasts always */
void notice_read(struct subject *u); /* cancelled, ended, downgrade */
void window_open(struct subject *u);
void window_close(struct subject *u);

#endif

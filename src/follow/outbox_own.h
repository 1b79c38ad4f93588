#ifndef FOLLOW_OUTBOX_OWN_H
#define FOLLOW_OUTBOX_OWN_H

#include "access/rows.h"
#include "follow/outbox.h"

/*
 * What the files of the outbox share, and nobody else. outbox_queue.c takes one
 * effect through the rules, outbox_delivery.c finds the effects of a delivery
 * and outbox_reading.c those of a reading, outbox_await.c knows which wait for
 * one, outbox_put.c is the door.
 */

/* What is told of each action that would run. */
struct outbox_sink {
	struct store *s;
	const struct config *c;
	struct arena *a;
	outbox_plan_fn *plan; /* NULL: into the table */
	void *arg;
	int64_t due; /* when it goes out, see follow/rate.h; 0: at once */
};

/* What the rules are asked about that effect. tier: STR_NONE: none. */
struct rule_case outbox_case(const struct effect *f, struct str tier);

/* Queues, or tells of, each action of the rules that fit; of that rule alone
 * where only is not NULL. f->once with p NULL is ERR_MEMORY. */
int outbox_happen(struct outbox_sink *k, const struct effect *f,
    const struct rule_case *rc, const struct rule *only, struct err *e);

/* All that a new delivery means. */
int outbox_deliver(
    struct outbox_sink *k, const struct outbox_delivery *d, struct err *e);

/* The same for a reading. */
int outbox_deliver_reading(
    struct outbox_sink *k, const struct outbox_reading *d, struct err *e);

/* ---- what both are made of ---- */

/* Something about a purchase. */
int outbox_about(struct outbox_sink *k, struct effect *f, enum rule_event what,
    const struct store_purchase *row, struct str once, struct err *e);
/* The same about a sale that happens to it once: "refunded gumroad/S1". */
int outbox_about_once(struct outbox_sink *k, struct effect *f,
    enum rule_event what, const struct store_purchase *row, struct err *e);
/* A sale that gives access now. */
int outbox_sold(struct outbox_sink *k, struct effect *f,
    const struct rows *rows, const struct store_purchase *row,
    const struct fact *fact, struct err *e);
/* One that is known: tells the owner where it has its tier by an old name. */
int outbox_renamed(struct outbox_sink *k, const struct effect *f,
    const struct rows *rows, const struct store_purchase *row,
    const struct fact *fact, struct err *e);
/* A membership, of which row is the newest sale: cancelled or ended. */
int outbox_membership(struct outbox_sink *k, struct effect *f,
    enum rule_event what, int64_t at, const struct store_purchase *row,
    struct err *e);
int outbox_expires_soon(struct outbox_sink *k, const struct effect *f,
    const struct rows *rows, struct err *e);
/* A part of a sale was refunded, so much in all. */
struct str outbox_partial(struct arena *a, const struct store_purchase *row);
const struct store_purchase *
outbox_sale(const struct rows *rows, struct str sale);
const struct store_purchase *outbox_newest(const struct rows *rows);

/* Has that action to wait until the effect's sale is confirmed? */
int outbox_must_wait(const struct config *c, const struct effect *f,
    const struct action *action);
enum {
	OUTBOX_WAITS = 86400, /* seconds; then it goes out all the same */
	OUTBOX_WAITS_ALONE = 2 * 86400, /* where nobody looks meanwhile */
};

#endif

#ifndef FOLLOW_OUTBOX_OWN_H
#define FOLLOW_OUTBOX_OWN_H

#include "follow/outbox.h"

/*
 * What the files of the outbox share, and nobody else. outbox_queue.c takes one
 * effect through the rules, outbox_delivery.c finds the effects of a delivery,
 * outbox_put.c is the door.
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

#endif

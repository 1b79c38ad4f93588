#ifndef FOLD_MEMBER_H
#define FOLD_MEMBER_H

#include "fold/fold.h"

/*
 * Which of a buyer's memberships an entry of the list of members is about: the
 * list names the buyer, and none of them. It is the only one; of several the
 * one whose newest payment lies nearest the begin that the entry tells. Where
 * that is not clear, none is. Pure, as all of the fold.
 */
struct member {
	struct str subject;
	int64_t newest; /* its last payment that counts; FACT_NO_TIME: none */
};

/* Fills m->newest from all of m->subject; d is sorted in place. */
int member_newest(const struct platform *p, struct member *m,
    struct fold_delivery *d, size_t n, const struct tier_rules *rules,
    struct arena *a, struct err *e);

/* d: all of the subject of a buyer's entries. Leaves those that are about the
 * subject, in front: of each entry what was read last. *n of them. */
int member_pick(struct fold_delivery *d, size_t *n, const struct member *m,
    size_t n_members, struct str subject, struct arena *a, struct err *e);

#endif

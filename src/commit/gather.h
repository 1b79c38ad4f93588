#ifndef COMMIT_GATHER_H
#define COMMIT_GATHER_H

#include "commit/project.h"
#include "fold/fold.h"

/* What a subject is folded from. */

/* Its deliveries and what was done to it by hand. */
struct gather {
	const struct config *config;
	const struct platform *platform;
	const struct project_known *known; /* may be NULL */
	struct arena *arena;
	struct fold_delivery *d;
	size_t n, size;
	int64_t *conflicts; /* events noted as contradicting another one */
	size_t n_conflicts;
	/* where the list of members told of the buyer: fact.entries */
	struct str entries;
	struct err *err;
	int failed;
};

#define GATHER_CONFLICT "conflict" /* events.reason */

/* Adds all that is applied of the subject: its deliveries, and what was done by
 * hand. 0 or -1 with *g->err. */
int gather_subject(struct gather *g, struct store *s, struct str subject);
int gather_deliveries(struct gather *g, struct store *s, struct str subject);
/* about: the subject of events of platform "manual". */
int gather_by_hand(struct gather *g, struct store *s, struct str about);
/* Adds what stands for the whole platform. */
int gather_marks(struct gather *g, struct store *s);
/* Room for one more; NULL: no memory. */
struct fold_delivery *gather_room(struct gather *g);

/*
 * Adds those entries of the list of members that belong to the subject, whose
 * own deliveries g has: by the payments of all the buyer's memberships. Sets
 * g->entries where there are any entries of that buyer.
 */
int gather_entries(struct gather *g, struct store *s, struct str subject);

/* The subjects of the buyer's memberships, in order; those beyond the room are
 * left out. *n of them in the arena. */
enum { GATHER_MEMBERSHIPS = 64 };
int gather_memberships(struct store *s, const struct platform *p,
    struct str entries, struct arena *a, struct str out[GATHER_MEMBERSHIPS + 1],
    size_t *n, struct err *e);

#endif

#ifndef FOLLOW_CLAIM_H
#define FOLLOW_CLAIM_H

#include "action/action.h"
#include "store/store.h"

/* Rows of the outbox taken in hand for a time; for the courier alone. */
enum { CLAIM_MAX = 32 }; /* rows at once: fewer transactions */

/* A row, its texts in the claim's arena. attempts counts the one to come. */
struct claim_job {
	struct store_outbox row;
	struct str content_type, body; /* of its delivery; forward */
	struct str platform;
};

struct claim {
	const struct action *action;
	struct arena *arena;
	struct claim_job jobs[CLAIM_MAX];
	size_t n, max;
	int64_t now, until; /* until when the rows are this one's */
	/* what this process has in hand: not taken, even if a clock that was
	 * set makes its claim run out */
	const int64_t *flying;
	size_t n_flying;
};

/* Has the target a row that may be taken? */
int claim_is_due(struct store *s, const struct action *a, int64_t now, int *due,
    struct err *e);

/* Inside a transaction: takes up to max rows of the action's target. */
int claim_take(struct store *s, struct claim *b, struct err *e);

/* courier_chore_fn; arg is a struct claim. Gives those from max on back
 * untried. */
int claim_give_back(struct store *s, void *arg, struct err *e);

#endif

#ifndef TRUTH_KEEP_H
#define TRUTH_KEEP_H

#include "base/round.h"
#include "truth/turn.h"

/* Is there any platform that can be asked? */
int keep_wanted(const struct config *c);

/* A round (base/round.h) that does what is due at the platforms; arg is: */
struct keeper {
	const struct config *config;
	turn_warn_fn *warn;
	struct turn turn; /* its own */
	int is_open;
};
int keep_round(void *keeper, const volatile int *stop);
void keep_end(struct keeper *k); /* when no thread uses it any more */

/* The same for cron: what is due, for at most so many seconds. */
enum { KEEP_SLICE_S = 20 };
int keep_once(const struct config *c, turn_warn_fn *warn, struct err *e);

#endif

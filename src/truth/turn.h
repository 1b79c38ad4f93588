#ifndef TRUTH_TURN_H
#define TRUTH_TURN_H

#include "truth/registration.h"
#include "truth/walk.h"

/*
 * What is due at a platform, one thing after the other: sales that were pinged
 * are read back at once; the last days again and again, what lies further back
 * less often; members, and the URLs. For the worker, and for cron in slices.
 */
struct turn {
	const struct config *config;
	struct store *store;
	struct commit *commit;
	json_t *later[PLATFORM__MAX]; /* confirm.h */
	int64_t wait[PLATFORM__MAX]; /* time_ticks(): not before */
	const volatile int *stop;
};

/* Does what is due, until the deadline (time_ticks(); 0: none). *did: some of
 * it. An error is told by warn, once in the mouth of the same words. */
typedef void turn_warn_fn(const struct platform *p, const char *text);
void turn_run(struct turn *t, int64_t deadline, turn_warn_fn *warn, int *did);
void turn_end(struct turn *t);

/* Reads the sales of the days from `from` on; the members; now. */
int turn_reconcile(struct pass *p, int64_t from, struct err *e);
int turn_members(struct pass *p, struct err *e);
/* All sales, or those of the days, and the members; goes on where it was broken
 * off. */
int turn_import(struct pass *p, int64_t from, int64_t to, walk_window_fn *fn,
    void *arg, struct err *e);

#endif

#ifndef TRUTH_TURN_H
#define TRUTH_TURN_H

#include "truth/confirm.h"
#include "truth/registration.h"
#include "truth/turn_pass.h"

/*
 * What is due at a platform, one thing after the other: sales that were pinged
 * are read back at once; the last days again and again, what lies further back
 * less often; members, and the URLs; and what was wished for (wish.h). For the worker, and for cron in slices.
 */
enum { TURN_SPANS = 7 };

/* Of one platform. */
struct turn_platform {
	struct confirming confirming;
	json_t *account, *products; /* to confirm with, as they were … */
	int64_t known; /* … at time_ticks() */
	int64_t wait; /* time_ticks(): nothing before that, */
	int64_t rest[1 + TURN_SPANS]; /* nor this: confirming, the spans */
	int failed[1 + TURN_SPANS]; /* in a row */
	int busy; /* how often in a row it was to be tried later */
	int taken; /* somebody else had the lease */
	int64_t slice; /* of a long walk, milliseconds */
	char told[ERR_TEXT_MAX]; /* the last error */
};

struct turn {
	const struct config *config;
	struct store *store;
	struct commit *commit;
	struct turn_platform of[PLATFORM__MAX];
	const volatile int *stop;
};

/* Does what is due, until the deadline (time_ticks(); 0: none). *did: some of
 * it. An error is told by warn, and noted in readings, once while its words are
 * the same. What failed rests for a minute, then for two, up to an hour; what is
 * busy for two seconds, then for four, up to a minute. */
typedef void turn_warn_fn(const struct platform *p, const char *text);
void turn_run(struct turn *t, int64_t deadline, turn_warn_fn *warn, int *did);
void turn_end(struct turn *t);

#endif

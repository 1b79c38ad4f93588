#ifndef TRUTH_BRAKE_H
#define TRUTH_BRAKE_H

#include "truth/pass.h"

/*
 * A flood of sales that are none: somebody posts what he likes. Once more of
 * them are found in an hour than BRAKE_LEAST, and than ten times as many as the
 * shop sells in one (but BRAKE_MOST are too many for any), sales that came
 * since the flood began count only once they are confirmed, for a day.
 */
enum {
	BRAKE_LEAST = 50,
	BRAKE_MOST = 1000, /* each costs two requests */
	BRAKE_TIMES = 10,
	BRAKE_USUAL_DAYS = 28, /* what a shop usually sells is measured by */
	BRAKE_S = 86400,
};

/* One more was found to be none, that came then. */
int brake_count(struct pass *p, int64_t came_at, struct err *e);
/* What came since then, and what comes, is to wait, unless it does already. */
int brake_hold(struct pass *p, int64_t came_at, struct err *e);

#endif

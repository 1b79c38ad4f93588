#ifndef TRUTH_CONFIRM_H
#define TRUTH_CONFIRM_H

#include "truth/walk.h"

/*
 * Reading back what was pinged: the list of sales shows ordinary ones; what it
 * does not show is asked for by its id. Where the platform knows no such sale,
 * twice and an hour apart, and at the same time one that was confirmed before,
 * there is none.
 */
enum {
	CONFIRM_DAYS = 2, /* how old a sale is asked for by itself */
	CONFIRM_MAX = 200, /* at a time */
	CONFIRM_AGAIN_S = 3600, /* before one is asked for once more */
	/* Sales that are none, in an hour: somebody posts what he likes. From
	 * then on, for a day, sales count once they are confirmed. */
	CONFIRM_FLOOD = 50,
	CONFIRM_FLOOD_S = 86400,
};

/* later: ids that were asked for, and when they may be again. */
int confirm_run(struct pass *p, json_t *later, struct err *e);

/* Is there any that could be asked for now? */
int confirm_due(struct store *s, const struct platform *platform,
    const json_t *later, int *due, struct err *e);

#endif

#ifndef TRUTH_CONFIRM_H
#define TRUTH_CONFIRM_H

#include "truth/walk.h"

/*
 * Reading back what was pinged: the list of sales shows ordinary ones, newest
 * first, many at a time; what it does not show is asked for by its id. Where
 * the platform knows no such sale, twice and an hour apart, and at the same
 * time one that was confirmed before, there is none. Whoever knows the ping
 * URL says what is pinged: so looking through the list goes before asking for
 * ids, ends soon where it finds nothing, and a day has a limit of ids.
 */
enum {
	CONFIRM_AGAIN_S = 3600, /* before one is asked for once more */
	CONFIRM_SINGLES = 8000, /* that are asked for by id in a day */
};

/* Of one reader; all 0 at first. */
struct confirming {
	int64_t next; /* time_ticks(): the list is not looked through before */
	int idle; /* how often in a row that found nothing */
	int sound; /* this time one was found that was confirmed before */
	struct err odd; /* an answer for one sale that was none */
};

int confirm_run(struct pass *p, struct confirming *how, struct err *e);
/* The same for a while, in the middle of another pass: a pass_between_fn. */
int confirm_between(void *how, struct pass *p, struct err *e);

/* Is there any that could be asked for now? */
int confirm_due(struct store *s, const struct config *c,
    const struct platform *platform, const struct confirming *how, int *due,
    struct err *e);

#endif

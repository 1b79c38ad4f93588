#ifndef TRUTH_KEEP_H
#define TRUTH_KEEP_H

#include "truth/turn.h"

/* A thread that does what is due at the platforms, as long as it runs. */
struct keeper;

/* Is there any platform that can be asked? */
int keep_wanted(const struct config *c);

/* Block signals first: the thread inherits that. 0 or -1. */
int keep_start(const struct config *c, turn_warn_fn *warn, struct keeper **out,
    struct err *e);
/* It shall end: what else is to be stopped can be meanwhile. NULL is allowed. */
void keep_tell(struct keeper *k);
/* 0: it has ended, and all is freed. -1: it waits for an answer still, and uses
 * all of it: end the process. NULL is allowed. */
int keep_stop(struct keeper *k, int ms);

/* The same for cron: what is due, for at most so many seconds. */
enum { KEEP_SLICE_S = 20 };
int keep_once(const struct config *c, turn_warn_fn *warn, struct err *e);

#endif

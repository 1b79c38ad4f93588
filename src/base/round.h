#ifndef BASE_ROUND_H
#define BASE_ROUND_H

#include "base/err.h"

/* A thread that does the same again and again, with a pause between. */
struct round;

/* Does it once; returns for how many ms to pause. Ends early where *stop. */
typedef int round_fn(void *arg, const volatile int *stop);

/* Block signals first: the thread inherits that. 0 or -1. */
int round_start(round_fn *fn, void *arg, struct round **out, struct err *e);
/* It shall end: what else is to be stopped can be meanwhile. NULL is allowed. */
void round_tell(struct round *r);
/* 0: it has ended, and r is freed. -1: it waits for an answer still, and uses
 * arg: end the process. NULL is allowed. */
int round_stop(struct round *r, int ms);

/* For who waits within it. */
void round_pause(const volatile int *stop, int ms);

#endif

#ifndef SETUP_PROVE_H
#define SETUP_PROVE_H

#include "setup/setup_own.h"

/* Is the way open: from the public address, or without one from this machine,
 * into the database? 0: s->proof says what was proved. -1: the first thing that
 * is wrong, and what to do. */
int prove_way(struct setup *s, struct err *e);

/* Has a person make each platform send a test of its own, and waits up to two
 * minutes for one. One that came is in s->proof. */
int prove_own_tests(struct setup *s, struct err *e);

#endif

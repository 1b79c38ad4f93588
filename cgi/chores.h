#ifndef CGI_CHORES_H
#define CGI_CHORES_H

#include "core/commit.h"

/*
 * What is due by time while the web program runs, in a thread of its own:
 * access that ends is noted in `changes` within a second or two, and state
 * tables filled under other rules or decoders are rebuilt, a short
 * transaction at a time, between the deliveries; what the outbox holds is carried
 * out. Under plain CGI nothing of
 * this runs: that is `gatepost work --once`.
 */
struct chores;

int chores_start(struct commit *commit, const struct config *config,
    struct chores **out, struct err *e);
/* Waits for the transaction at hand, and three seconds for what is on its way
 * to a target. -1: that takes longer, and c is still in use: end the process,
 * it will be done again. */
int chores_stop(struct chores *c);

#endif

#ifndef CGI_SERVER_CHORES_H
#define CGI_SERVER_CHORES_H

#include "commit/commit.h"

/*
 * What is due by time while the web program runs, in a thread of its own:
 * access that ends is noted in `changes` within a second or two, and state
 * tables filled under other rules or decoders are rebuilt, a short
 * transaction at a time, between the deliveries. Under plain CGI nothing of
 * this runs: that is `gatepost work --once`.
 */
struct chores;

int chores_start(struct commit *commit, const struct config *config,
    struct chores **out, struct err *e);
void chores_stop(struct chores *c); /* waits for the transaction at hand */

#endif

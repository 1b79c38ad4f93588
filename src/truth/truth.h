#ifndef TRUTH_TRUTH_H
#define TRUTH_TRUTH_H

/*
 * The room truth: what a platform knows, read from its API. In: a token, and
 * what the database holds. Out: readings, which commit stores as deliveries;
 * this room writes no state of its own. ask.h asks one question, with manners;
 * pass.h is one pass over the API, with what it has to know first; walk.h walks
 * the lists, list.h one that is taken whole or not at all, confirm.h reads back
 * what was pinged (pinged.h), brake.h sees a flood of forged sales, products.h
 * keeps what things are called, registration.h looks after the URLs, turn.h
 * says what is due and turn_pass.h does it, wish.h notes what was asked for by
 * a page.
 * Keeps the promise that what the platform knows, Gatepost knows.
 */

#include "commit/commit.h"
#include "config/config.h"

#endif

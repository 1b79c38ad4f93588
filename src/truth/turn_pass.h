#ifndef TRUTH_TURN_PASS_H
#define TRUTH_TURN_PASS_H

#include "truth/walk.h"

/* The passes of turn.h and of the command line, each a row of readings. */

/* Reads the sales of the days from `from` on; the members; now. */
int turn_reconcile(struct pass *p, int64_t from, struct err *e);
int turn_members(struct pass *p, struct err *e);
/* The sales back to `from`: a long walk, which goes on where it was broken off. */
int turn_far_sales(struct pass *p, int64_t from, struct err *e);
/* All sales, or those of the days, and the members. resume: goes on where one
 * was broken off. */
int turn_import(struct pass *p, int64_t from, int64_t to, int resume,
    walk_window_fn *fn, void *arg, struct err *e);
/* All of it, as wished for: wish.h. */
int turn_wished_import(struct pass *p, struct err *e);
/* The URLs: those that were made here, or all where that is wished for. */
int turn_registration(struct pass *p, struct err *e);

#endif

#ifndef TRUTH_WALK_H
#define TRUTH_WALK_H

#include "truth/pass.h"

/* The lists of a platform, page by page. */

enum { WALK_DAY = 86400 };

/*
 * The sales of the days from `from` to `to`, both included, newest first. Where
 * the platform says that these are too many days it asks for half of them.
 * Ends early where pass.wanted says so.
 */
int walk_sales(struct pass *p, int64_t from, int64_t to, struct err *e);

/* The day of the newest sale up to `to`; FACT_NO_TIME: there is none. */
int walk_newest(struct pass *p, int64_t to, int64_t *day, struct err *e);

/* The members of all products, then one by one those whom this database has as
 * members and no list showed. */
int walk_members(struct pass *p, struct err *e);

/* From `to` back to `from`, or, where that is FACT_NO_TIME, to the first sale,
 * in windows of a month; with a deadline of a day first, then of two, and so
 * on. The row says how far it came. fn after each window. */
typedef void walk_window_fn(void *arg, const struct pass *p, int64_t from);
int walk_back(struct pass *p, int64_t from, int64_t to, walk_window_fn *fn,
    void *arg, struct err *e);

#endif

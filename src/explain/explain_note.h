#ifndef EXPLAIN_EXPLAIN_NOTE_H
#define EXPLAIN_EXPLAIN_NOTE_H

#include "explain/explain.h"

/* Adds to x->notes what no single delivery says: why there is no tier, and
 * what to doubt. cut: a maximum was reached while reading. */
int explain_notes(struct store *s, const struct config *c,
    const struct explain_ask *ask, int cut, struct arena *a, struct explain *x,
    struct err *e);

#endif

#ifndef CTL_TESTS_OF_H
#define CTL_TESTS_OF_H

#include "ctl/ctl.h"

/* Calls fn with each applied delivery about a test purchase: all of a subject
 * that has no other purchase, else those that name the test sale. */
int tests_of(struct ctl *ctl, struct store *s, store_event_fn *fn, void *arg,
    struct err *e);

#endif

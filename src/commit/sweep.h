#ifndef COMMIT_SWEEP_H
#define COMMIT_SWEEP_H

#include "config/config.h"
#include "store/store.h"

/* Notes in `changes` whose access began or ended by time alone since the last
 * call. *noted counts them. May be called from several processes. */
int sweep_once(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *noted, struct err *e);

#endif

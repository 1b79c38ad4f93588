#ifndef HEALTH_STATUS_H
#define HEALTH_STATUS_H

#include "config/config.h"
#include "store/store.h"

/*
 * One object for monitoring: GET /v1/status. What the last look found
 * (watch.h), and what can be asked at once; it looks at nothing itself, so that
 * it may be asked every few seconds.
 */
int status_write(struct buf *b, struct store *s, const struct config *c,
    int64_t now, struct arena *a, struct err *e);

#endif

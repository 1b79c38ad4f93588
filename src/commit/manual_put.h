#ifndef COMMIT_MANUAL_PUT_H
#define COMMIT_MANUAL_PUT_H

#include "config/config.h"
#include "fold/manual.h"

/* Appends the event and brings the state up to date, in a transaction of its
 * own. platform and subject are what it is about; a grant's platform is
 * "manual". *event is its number. */
int manual_put(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct manual *m, int64_t now, struct arena *a,
    int64_t *event, struct err *e);

#endif

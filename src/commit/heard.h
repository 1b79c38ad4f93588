#ifndef COMMIT_HEARD_H
#define COMMIT_HEARD_H

#include "config/config.h"
#include "store/store.h"

/*
 * When each platform was last heard of, seconds; 0: never. Test pings, test
 * purchases and what `gatepost trigger` made do not count. Looks at the newest
 * STORE_WATCH_MAX events, of that platform and of that kind; p NULL: of all,
 * which is bounded whatever the size of the table. kind may be STR_NONE.
 */
int heard_last(struct store *s, const struct config *c,
    const struct platform *p, struct str kind, int64_t last[PLATFORM__MAX],
    struct err *e);

#endif

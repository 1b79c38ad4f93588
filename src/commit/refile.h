#ifndef COMMIT_REFILE_H
#define COMMIT_REFILE_H

#include "config/config.h"
#include "store/store.h"

/* Files all deliveries of a sale that stand under the subject `from`, and the
 * events by hand about that sale alone, under the subject `to`. Inside the
 * caller's transaction; the caller folds both subjects afterwards. */
int refile_sale(struct store *s, const struct config *c,
    const struct platform *p, struct str sale, struct str from, struct str to,
    struct arena *a, struct err *e);

#endif

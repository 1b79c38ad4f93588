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

/* Those that were kept, though a reading of the sale makes them count: applied,
 * and filed under `to`. owner: whose sale the reading says it is. */
int refile_kept(struct store *s, const struct config *c,
    const struct platform *p, struct str sale, struct str owner, struct str to,
    struct arena *a, struct err *e);

#endif

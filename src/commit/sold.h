#ifndef COMMIT_SOLD_H
#define COMMIT_SOLD_H

#include "config/config.h"
#include "store/store.h"

/* The newest applied delivery that tells of a row's sale, decoded: what the
 * columns do not hold, such as the product's id. 0, and out->kind is
 * FACT_UNKNOWN where there is none; texts live in the arena. */
int sold_find(struct store *s, const struct config *c,
    const struct store_purchase *row, struct arena *a, struct fact *out,
    struct err *e);

#endif

#ifndef COMMIT_DRIFT_H
#define COMMIT_DRIFT_H

#include "access/rows.h"
#include "commit/reading.h"

/* What a reading changed in the rows; for reading_put.c alone. */
struct drift_rows {
	const struct store_purchase *sale; /* the reading's; NULL: none */
	const struct store_subscription *membership; /* NULL: none */
	int64_t until; /* of the subject; STORE_NULL: gives nothing */
	const struct rows *all; /* of an entry: the buyer's; else unused */
};

/* Fills out->drift; texts live in the arena. f: the reading. */
void drift_find(struct reading_result *out, const struct fact *f,
    const struct drift_rows *was, const struct drift_rows *is, int64_t at,
    struct arena *a);

#endif

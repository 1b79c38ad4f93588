#ifndef CORE_ROWS_H
#define CORE_ROWS_H

#include "store/store.h"

/* Purchase rows collected from a statement: texts copied into the arena. */
struct rows {
	struct arena *arena;
	struct store_purchase *v;
	size_t n, size;
	int failed; /* out of memory: rows are missing */
};

/* A store_purchase_fn; arg is a struct rows. */
int rows_take(void *arg, const struct store_purchase *row);

#endif

#ifndef ACCESS_ROWS_H
#define ACCESS_ROWS_H

#include "base/jsonw.h"
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

/* The same; arg is an int, which is set: there is one. */
int rows_any(void *arg, const struct store_purchase *row);

/* The rows that give or gave access to whom carries that identifier, by since,
 * platform and sale. platform: for STORE_BY_BUYER. */
int rows_by(struct store *s, enum store_by by, struct str platform,
    struct str id, struct rows *rows, struct err *e);

/* By the bytes of the sale, for qsort and bsearch. */
int rows_by_sale(const void *a, const void *b);

/* The rows of a sale, on whatever platform it was. None is no error. */
int rows_of_sale(
    struct store *s, struct str sale, struct rows *rows, struct err *e);

/* Is rows->v[i] the first of its subject? */
int rows_is_first(const struct rows *rows, size_t i);

/* Members of a JSON object, named as the columns: what was bought, and on what
 * terms. Whose it is, the caller writes. */
void rows_write_product(struct buf *b, const struct store_purchase *p);
void rows_write_terms(struct buf *b, const struct store_purchase *p);

#endif

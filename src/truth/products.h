#ifndef TRUTH_PRODUCTS_H
#define TRUTH_PRODUCTS_H

#include "platform/platform.h"
#include "store/store.h"

/* What the account sells, as it is called now. products: the
 * objects of the API by their ids. Each pass notes it in the
 * database, so that `check` can say which grant names what is not there. */
int products_note(struct store *s, const struct platform *p, json_t *products,
    struct arena *a, struct err *e);

/* How many sales the platform counts; FACT_NO_NUMBER: it does not say. */
int64_t products_sales(const struct platform *p, json_t *products);

/* Each of those noted: its names, variants and product_id. 0 or -1; nothing
 * where no pass was made. Texts live in the arena. */
typedef void products_fn(void *arg, const struct fact *product);
int products_each(struct store *s, const struct platform *p, struct arena *a,
    products_fn *fn, void *arg, struct err *e);

#endif

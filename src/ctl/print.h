#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include "access/access.h"
#include "ctl/ctl.h"

/* What more than one command prints. */

/* An answer as text, as `access` does. */
void print_access(
    struct ctl *ctl, const struct access *x, const struct access_key *key);

/* A store_purchase_fn: the row as an element of a JSON list; arg is the
 * struct buf. */
int print_purchase_json(void *arg, const struct store_purchase *p);

#endif

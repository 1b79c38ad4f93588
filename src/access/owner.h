#ifndef ACCESS_OWNER_H
#define ACCESS_OWNER_H

#include "access/access.h"
#include "config/config.h"

/* Whose a purchase is, and what that person holds. */

/* The buyer with the platform in front, as an access_key has it; of what was
 * given by hand as it is. */
struct str owner_buyer(const struct store_purchase *row, struct arena *a);

/* The identifier a row's owner is looked up by: the first there is of user,
 * e-mail, buyer and licence. -1: none. */
int owner_key(
    const struct store_purchase *row, struct arena *a, struct access_key *key);

/* The highest tier the row's owner holds at a time; STR_NONE: none. */
int owner_tier(struct store *s, const struct config *c,
    const struct store_purchase *row, int64_t at, struct arena *a,
    struct str *tier, struct err *e);

/* What `changes` last told of the row's owner, and when; *at STORE_NULL:
 * nothing yet. */
int owner_told(struct store *s, const struct store_purchase *row,
    struct arena *a, struct str *tier, int64_t *at, struct err *e);

#endif

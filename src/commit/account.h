#ifndef COMMIT_ACCOUNT_H
#define COMMIT_ACCOUNT_H

#include "platform/platform.h"
#include "store/store.h"

/* Whose the token of a platform is, as deliveries name the account. The first
 * reading notes it in the database; STR_NONE until then. */
int account_read(struct store *s, const struct platform *p, struct arena *a,
    struct str *out, struct err *e);
int account_note(struct store *s, const struct platform *p, struct str account,
    struct arena *a, struct err *e);

/* Is it a sale of another account, or of none? Nothing is while the account is
 * not known. */
int account_is_other(struct str account, const struct fact *f);

#endif

#ifndef CORE_REPLACE_H
#define CORE_REPLACE_H

#include "core/fold.h"
#include "core/project.h"

/* Puts a subject's new rows in the place of its old ones, and notes in
 * `changes` whose access differs. Inside the caller's transaction. */
int replace_rows(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct fold_rows *rows,
    const struct project_when *when, struct arena *a, struct err *e);

/* The same where none of the subject's and of its sale's rows is there, for at
 * most one purchase. */
int replace_nothing(struct store *s, const struct config *c,
    const struct fold_rows *rows, const struct project_when *when,
    struct arena *a, struct err *e);

/* Would replace_rows change a row? *differs counts the rows. For a dry run. */
int replace_differs(struct store *s, struct str platform, struct str subject,
    const struct fold_rows *rows, struct arena *a, size_t *differs,
    struct err *e);

/* Notes one change of the access of whoever the row's identifiers name;
 * before and after are tier names. */
int replace_note(struct store *s, const struct store_purchase *row,
    struct str before, struct str after, const struct project_when *when,
    struct arena *a, struct err *e);

/* The identifier a row's owner is looked up by: the first there is of user,
 * e-mail, buyer and licence. -1: none. */
struct access_key;
int replace_key(
    const struct store_purchase *row, struct arena *a, struct access_key *key);

/* The highest tier the row's owner holds at a time; STR_NONE: none. */
int replace_tier(struct store *s, const struct config *c,
    const struct store_purchase *row, int64_t at, struct arena *a,
    struct str *tier, struct err *e);

/* What `changes` last told of the row's owner, and when; *at STORE_NULL:
 * nothing yet. */
int replace_told(struct store *s, const struct store_purchase *row,
    struct arena *a, struct str *tier, int64_t *at, struct err *e);

#endif

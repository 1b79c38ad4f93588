#ifndef COMMIT_REPLACE_H
#define COMMIT_REPLACE_H

#include "fold/fold.h"
#include "commit/project.h"

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

#endif

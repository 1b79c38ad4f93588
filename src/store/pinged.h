#ifndef STORE_PINGED_H
#define STORE_PINGED_H

#include "store/store.h"

/* The table pinged: sales that deliveries named, which are to be read back. */
struct store_pinged {
	struct str sale;
	int64_t came_at; /* when the delivery did */
	int64_t sold_at; /* as its row says; STORE_NULL: it has none */
	int64_t absent_at; /* when it was not there; STORE_NULL: not asked */
};
typedef int store_pinged_fn(void *arg, const struct store_pinged *row);

/* The newest event that was received before that time; 0: none. */
int store_event_before(struct store *s, int64_t at, int64_t *id, struct err *e);

/* A new one is fresh: it was not looked for in the list. One that is there stays
 * what it is, but came now. Below now stands what came before that second: what
 * came in it may be newer than an answer. */
int store_pinged_put(struct store *s, struct str platform, struct str sale,
    int64_t came_at, struct err *e);
int store_pinged_fresh(struct store *s, struct str platform, int64_t now,
    store_pinged_fn *fn, void *arg, struct err *e);
/* All fresh ones were looked for: they are due by their ids. */
int store_pinged_looked(
    struct store *s, struct str platform, int64_t now, struct err *e);
/* The one to be asked next by its id: of those that were not asked the one that
 * came last, or of the others the one that is due longest. fn is called once,
 * or not at all. */
int store_pinged_next(struct store *s, struct str platform, int64_t now,
    int asked, store_pinged_fn *fn, void *arg, struct err *e);
/* The smallest due_at up to now, 0 where one is fresh; STORE_NULL: none. */
int store_pinged_due(struct store *s, struct str platform, int64_t now,
    int64_t *at, struct err *e);
int store_pinged_later(struct store *s, struct str platform, struct str sale,
    int64_t due_at, int64_t absent_at, struct err *e);
/* All that are due by their ids: not before that time. */
int store_pinged_put_off(struct store *s, struct str platform, int64_t now,
    int64_t due_at, struct err *e);
int store_pinged_drop(
    struct store *s, struct str platform, struct str sale, struct err *e);

/* Subjects above after, in order, with a sale that came since, counts, and was
 * not confirmed. */
typedef int store_pinged_subject_fn(void *arg, struct str subject);
int store_pinged_subjects(struct store *s, struct str platform, int64_t since,
    struct str after, int64_t limit, store_pinged_subject_fn *fn, void *arg,
    struct err *e);

#endif

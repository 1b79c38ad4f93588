#ifndef COMMIT_REBUILD_H
#define COMMIT_REBUILD_H

#include "config/config.h"
#include "store/store.h"

/*
 * Fills the state tables from the log again, subject by subject, in short
 * transactions, while deliveries come in. Where it stands is kept in the
 * database: an interrupted rebuild goes on. Nothing is mailed; changed access
 * is noted in `changes`.
 */
enum { REBUILD_STEP_MS = 50 };

struct rebuild_result {
	int64_t subjects; /* looked at */
	int64_t changed_subjects;
	int64_t changed_rows;
	int done;
};

/* Were the state tables filled by other decoders or rules than today's, or
 * emptied by a new version? */
int rebuild_needed(
    struct store *s, const struct config *c, int *needed, struct err *e);

/* Forgets where a rebuild stood: the next step begins at the first subject. */
int rebuild_restart(struct store *s, const struct config *c, struct err *e);

/* One transaction's worth; adds to *r and sets done at the end. */
int rebuild_step(struct store *s, const struct config *c, int64_t now,
    struct arena *a, struct rebuild_result *r, struct err *e);

/* What a rebuild would change, without changing it: fn is called with every
 * subject whose rows would differ. */
typedef void rebuild_diff_fn(
    void *arg, struct str platform, struct str subject, size_t rows);
int rebuild_diff(struct store *s, const struct config *c, struct arena *a,
    rebuild_diff_fn *fn, void *arg, struct rebuild_result *r, struct err *e);

#endif

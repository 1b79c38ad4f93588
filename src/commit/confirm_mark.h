#ifndef COMMIT_CONFIRM_MARK_H
#define COMMIT_CONFIRM_MARK_H

#include "config/config.h"
#include "store/store.h"

/* Where the key "confirm" of a platform became 'before': an event by hand that
 * says from when on its sales wait for being read back. In a transaction of its
 * own; nothing where nothing changed. */
int confirm_mark(
    struct store *s, const struct config *c, int64_t now, struct err *e);

/* The same for a time alone: sales of which the first delivery came from begin on
 * and before end count once they are confirmed. */
int confirm_brake(struct store *s, const struct config *c,
    const struct platform *p, int64_t begin, int64_t end, struct arena *a,
    int64_t *event, struct err *e);

/* Folds again what came since and counts though nothing confirmed it: some of
 * it, in a transaction of its own. Call it, with more set first, as long as it
 * is. */
struct confirm_again {
	int64_t since, at;
	int64_t event; /* because of which */
	char after[600]; /* the last subject; "": none yet */
	int more;
};
int confirm_again(struct store *s, const struct config *c,
    const struct platform *p, struct confirm_again *how, struct arena *a,
    struct err *e);

#endif

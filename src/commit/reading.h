#ifndef COMMIT_READING_H
#define COMMIT_READING_H

#include "config/config.h"
#include "store/store.h"

/*
 * A reading: what a platform's API said of one object, a sale or a membership.
 * It becomes an event, as a delivery does, but only where it differs from the
 * newest one of that object; what differs from the rows is told, and noted in
 * the table drift. gatepost-lifecycle(7) has the rules.
 */
struct reading {
	const struct platform *platform;
	struct str kind; /* PLATFORM_READBACK, _SUBSCRIBER or _ABSENT */
	struct str body; /* JSON of what is used of the object, and no more */
	struct str verified_by; /* 12 hex digits, of the token */
	int64_t requested_at; /* seconds: it may be so old */
	int64_t at; /* when the answer was here */
	int import; /* old news: nothing follows, and none of it is drift */
};

enum reading_became {
	READING_STORED,
	READING_SAME, /* the one before was seen again */
	READING_OLD, /* dropped: asked for before that one was last seen */
	READING_ERASED, /* dropped: it would bring back somebody */
};

enum { READING_DRIFT_MAX = 8 };

struct reading_drift {
	const char *what; /* as in the table drift */
	struct str had, has; /* STR_NONE: nothing */
};

struct reading_result {
	enum reading_became became;
	int64_t event; /* of READING_OLD: the one that stays */
	int kept; /* not understood, or another seller's */
	/* in the arena */
	struct str subject;
	/* that it is of, or STR_NONE; an entry of a list of members has the
	 * buyer's id for a subscription */
	struct str sale, subscription;
	int open; /* the difference stays: nothing here could follow it */
	struct reading_drift drift[READING_DRIFT_MAX];
	size_t n_drift;
};

/*
 * Stores n of them in one transaction of its own, and folds their subjects; for
 * a commit_chore. out has room for n. dry_run: tells the same, and leaves all as
 * it was. -1: none of them is stored.
 */
int reading_put(struct store *s, const struct config *c,
    const struct reading *r, size_t n, int dry_run, struct arena *a,
    struct reading_result *out, struct err *e);

#endif

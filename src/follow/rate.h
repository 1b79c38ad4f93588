#ifndef FOLLOW_RATE_H
#define FOLLOW_RATE_H

#include "store/store.h"

/*
 * How many sales a platform sends in an hour, and how many are usual. Whoever
 * knows a hook's token can invent sales, and follow-ups with them: from
 * RATE_LEAST an hour and RATE_TIMES the usual number on, follow-ups go out no
 * faster than that, one after the other.
 *
 * Usual is the average of about the last 30 days. What comes too fast counts
 * for it no more than the limit does, or a flood would make itself usual.
 */
enum {
	RATE_LEAST = 50,
	RATE_TIMES = 10,
	RATE_HOURS = 720, /* the average is about these */
};

struct rate {
	int64_t hour; /* the one counted now: seconds / 3600 */
	int64_t count; /* in it */
	int64_t before; /* in the one before */
	int64_t usual; /* an hour, in thousandths */
	int64_t slot; /* when the follow-ups of the newest sale go out */
};

/* One more sale at that time, seconds. */
void rate_add(struct rate *r, int64_t now);

int64_t rate_limit(const struct rate *r); /* an hour */
int64_t rate_hourly(const struct rate *r, int64_t now); /* in the last hour */

/* When the follow-ups of what comes now go out; 0: at once. */
int64_t rate_due(const struct rate *r, int64_t now);

/* That of a platform, from `meta`; all 0: there is none yet. */
int rate_get(struct store *s, struct str platform, struct arena *a,
    struct rate *out, struct err *e);
int rate_put(
    struct store *s, struct str platform, const struct rate *r, struct err *e);

/* The first: usual is what all events of the last 30 days tell. */
int rate_begin(struct store *s, int64_t now, struct rate *out, struct err *e);

#endif

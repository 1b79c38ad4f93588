#ifndef HEALTH_WATCH_H
#define HEALTH_WATCH_H

#include "base/round.h"
#include "health/health.h"

/*
 * Looks once an hour, whoever asks first: by the web program's worker, or by
 * cron. What is found is kept in the database (meta, "findings"), and the owner
 * gets one mail for all that began or is over since the look before.
 * Once a week it looks at the whole database, too.
 */
enum { WATCH_SECONDS = 3600 };

/* How many deliveries of a platform were refused since the program started,
 * and when the last good one came, seconds; NULL: nobody counts. */
typedef void watch_refused_fn(size_t platform, int64_t *refused, int64_t *last);

struct watch {
	const struct config *config;
	watch_refused_fn *refused;
	void (*warn)(const char *text); /* of a look that failed; may be NULL */
	int64_t before[PLATFORM__MAX]; /* refused, at the last look */
	int64_t seen[PLATFORM__MAX], last[PLATFORM__MAX]; /* and now */
	int64_t looked_at; /* seconds; 0: not yet */
	int rounds; /* of watch_round, over a database that is new */
	const volatile int *stop; /* ends it early */
};

/* A round (base/round.h), arg is the struct watch: watch_turn where it is due. */
int watch_round(void *watch, const volatile int *stop);
/* The same for cron. */
int watch_once(const struct config *c, struct err *e);

/* Looks where an hour has passed; s is open for writing. */
int watch_turn(struct watch *w, struct store *s, int64_t now, struct err *e);

/* What the last look found, as JSON:
 *	{"looked_at":"…","findings":[{"id":…,"since":"…"}]}
 * STR_NONE: none yet. */
int
watch_found(struct store *s, struct arena *a, struct str *out, struct err *e);

#endif

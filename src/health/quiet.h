#ifndef HEALTH_QUIET_H
#define HEALTH_QUIET_H

#include "config/config.h"
#include "store/store.h"

/* Is a platform silent for unusually long? By the key quiet of the settings:
 * 'auto' is twice the longest time of the last 90 days between two deliveries
 * that came for the first time and were no tests, at least a day, and nothing
 * before there were 20 of them. */
enum {
	QUIET_DAYS = 90,
	QUIET_DELIVERIES = 20,
	QUIET_LEAST = 86400, /* seconds */
};

struct quiet {
	int64_t last; /* when it was heard of; 0: never */
	int64_t count; /* deliveries of the last 90 days */
	int64_t gap; /* the longest time between two of them, seconds */
	int64_t limit; /* it may be silent for so long; STORE_NULL: any time */
};

int quiet_of(struct store *s, const struct config *c, const struct platform *p,
    int64_t now, struct quiet *out, struct err *e);

#endif

#ifndef FOLLOW_SHARE_H
#define FOLLOW_SHARE_H

#include <pthread.h>

#include "store/store.h"

/*
 * One store for the courier's threads, which take it in turns: it is opened
 * when the first one needs it, and anew after an error of the database, whose
 * disk may have been full or missing and be back.
 */
enum { SHARE_PATIENCE_MS = 5000 }; /* for the lock of the database */

struct share {
	const char *database;
	enum store_mode mode; /* it is opened in */
	pthread_mutex_t lock;
	struct store *store; /* NULL: not open */
};
#define SHARE(where, how) \
	{ \
		.database = (where), .mode = (how), \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

/* Runs fn with the store, one at a time; what fn returns. */
typedef int share_fn(struct store *s, void *arg, struct err *e);
int share_with(struct share *s, share_fn *fn, void *arg, struct err *e);

/* When no thread uses it any more. */
void share_close(struct share *s);

#endif

#ifndef FOLLOW_SHARE_H
#define FOLLOW_SHARE_H

#include <pthread.h>

#include "follow/courier.h"

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

/* A courier_with_fn; its first argument is a struct share. */
int share_with(void *share, courier_chore_fn *fn, void *arg, struct err *e);

/* When no thread uses it any more. */
void share_close(struct share *s);

#endif

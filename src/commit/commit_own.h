#ifndef COMMIT_COMMIT_OWN_H
#define COMMIT_COMMIT_OWN_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "commit/commit.h"

/* What commit_queue.c, the queue and its transactions, shares with commit_append.c,
 * what becomes of one delivery. */
enum { SUBJECT_MAX = 1024 }; /* bytes, with NUL */

enum waiter_state { QUEUED, TAKEN, DONE };

struct waiter {
	const struct commit_delivery *delivery;
	struct commit_answer answer;
	struct str status, reason; /* that it is stored with */
	int blurred; /* kept, unless its sale was read */
	struct err err;
	int failed;
	_Atomic enum waiter_state state; /* DONE: all of the above stands */
	int posts; /* how often `wake` is or will be posted */
	int64_t deadline; /* ticks */
	int64_t came; /* micros */
	sem_t wake;
	struct waiter *next;
	char subject[SUBJECT_MAX]; /* the one it is stored under */
};

struct commit {
	const struct config *config;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* nobody leads and nobody waits */
	struct waiter *first, *last; /* queued */
	struct waiter *batch; /* taken, being written */
	int leading; /* a caller is writing for all */
	int careful; /* each delivery of the batch on its own savepoint */
	int was_locked; /* the last batch waited for the database in vain */
	commit_watch_fn *watch; /* NULL: nobody */
	void *watch_arg;
	commit_chore_fn *dry; /* NULL: what is written stays */
	void *dry_arg;
	commit_turn_fn *turn; /* NULL: no other process to wait for */
	struct commit_stats stats;
	/* the leader's */
	struct store *store;
	struct arena *arena;
	/* whose the tokens are; empty: not known yet, or no token */
	char account[PLATFORM__MAX][FACT_ID_MAX + 1];
};

/* Looks up those of the accounts that are not known yet. */
int commit_learn(struct commit *c, struct err *e);

/* Before the transaction begins: what its first questions will be. */
void commit_ahead(struct commit *c, const struct waiter *batch);

/* Writes one delivery, with all that follows from it, inside the transaction.
 * -1: the whole transaction has to be given up. */
int commit_append(struct commit *c, struct waiter *w, struct err *e);

#endif

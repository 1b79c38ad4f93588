#ifndef FOLLOW_COURIER_OWN_H
#define FOLLOW_COURIER_OWN_H

#include <pthread.h>

#include "follow/claim.h"
#include "follow/courier.h"

/*
 * What the files of the courier share, and nobody else. courier_job.c does one
 * row, courier_mark.c writes down what became of it, courier_flight.c knows
 * which are in hand, courier_run.c has the threads and the clock, courier_off.c the
 * targets that are gone.
 */

/* One target. Its fields after action are guarded by courier.lock. */
struct lane {
	struct courier *courier;
	const struct action *action;
	int running; /* threads */
	int failures; /* in a row; of the target, not of a row */
	int64_t pause; /* seconds of the last pause; 0: there was none */
	int64_t open_at; /* not before; 0: now */
	int sure; /* it has not failed since its last success */
	int disabled;
};

/* What became of a row: not in the database yet. */
struct mark {
	const struct lane *lane;
	int64_t id;
	int64_t attempts; /* the one it is about */
	int64_t due_at, done_at;
	const char *state;
	/* The target answers again: what had fewer attempts is due. 0: it
	 * answered before. */
	int64_t recovered;
	int gone; /* it wants nothing more, ever */
	char said[ACTION_SAID_MAX];
};

/*
 * Marks are written together, where that costs no more than a moment: a killed
 * program does again what was not marked. So those of mails and programs, and
 * all that is not simply done, are written at once.
 */
enum {
	COURIER_MARKS_MAX = 256,
	COURIER_MARKS = 32, /* then they are written */
	COURIER_MARK_MS = 50, /* or after so long */
	/* rows of all threads, and those with a mark that is not written */
	COURIER_FLYING_MAX =
	    (COURIER_LANES_ALL + RULE_TARGETS_MAX + 2) * CLAIM_MAX +
	    COURIER_MARKS_MAX,
};

struct courier {
	struct courier_opts o;
	struct lane *lanes;
	size_t n;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a thread has ended */
	int running; /* threads in all */
	int stop;
	struct courier_counts counts;
	struct mark marks[COURIER_MARKS_MAX]; /* the oldest first */
	size_t n_marks;
	int64_t marks_at; /* ticks of the oldest */
	int64_t flying[COURIER_FLYING_MAX]; /* ids of rows in hand */
	size_t n_flying;
	struct arena *arena; /* of courier_look */
	int64_t expired_at, tidied_at; /* when it was looked last */
};

/* Carries it out, and judges: the row by its mark, the target by its lane. */
void courier_do(struct lane *lane, const struct claim_job *job,
    struct arena *arena, struct mark *out);

/* Adds one. 0, or -1: there is no room. *now: they should be written. */
int courier_mark_add(struct courier *c, const struct mark *m, int *now);

/* How many there are to be written. */
size_t courier_marks(struct courier *c);

/* Writes the n first, inside a transaction; once that is committed
 * courier_marks_drop forgets them. One at a time: as with.fn does. */
int courier_marks_write(struct store *s, struct courier *c, size_t n,
    struct arena *arena, struct err *e);
void courier_marks_drop(struct courier *c, size_t n);

/* A row is in hand from the commit of its claim until that of its mark, or
 * until it is given back or finds no room for a mark. courier_flight_copy tells
 * claim_take which are. */
void courier_flight_add(struct courier *c, const struct claim *b);
void courier_flight_end(struct courier *c, int64_t id);
int courier_flight_copy(struct courier *c, struct claim *b, struct err *e);

/* Tells the owner of a row that was given up: one mail per target and day. */
struct courier_dead {
	struct str kind, target, last_error;
	int64_t id;
	int gone;
};
int courier_alert(struct store *s, const struct config *config,
    const struct courier_dead *d, int64_t now, struct arena *a, struct err *e);

#endif

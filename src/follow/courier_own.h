#ifndef FOLLOW_COURIER_OWN_H
#define FOLLOW_COURIER_OWN_H

#include <pthread.h>

#include "action/action.h"
#include "follow/courier.h"

/*
 * What the files of the courier share, and nobody else. courier_run.c has the
 * threads and the clock, courier_claim.c takes rows in hand, courier_job.c
 * carries one out, courier_mark.c writes down what became of it, courier_off.c
 * knows the targets that are gone.
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

enum {
	COURIER_CLAIM_MAX = 32, /* rows at once: fewer transactions */
	COURIER_HAND_MAX =
	    COURIER_LANES * (RULE_TARGETS_MAX + 2) * COURIER_CLAIM_MAX,
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
	/* ids of the rows of all threads, from the commit of their claim to that
	 * of their mark. They are not claimed, even if a clock that was set makes
	 * their claim run out. */
	int64_t in_hand[COURIER_HAND_MAX];
	size_t n_in_hand;
	struct arena *arena; /* of courier_look */
	int64_t expired_at, tidied_at; /* when it was looked last */
};

/* A row, its texts in the claim's arena. attempts counts the one to come. */
struct job {
	struct store_outbox row;
	struct str content_type, body; /* of its delivery; forward */
	struct str platform;
};

/* Rows of one target, taken in hand for a time. */
struct claim {
	struct lane *lane;
	struct arena *arena;
	struct job jobs[COURIER_CLAIM_MAX];
	size_t n, max; /* max: 1 where deliveries are forwarded */
	int64_t now, until; /* until when the rows are this one's */
};

/* What became of a row: not in the database yet. */
struct mark {
	int64_t id;
	int64_t attempts; /* the one it is about */
	int64_t due_at, done_at;
	const char *state; /* NULL: given back untried */
	/* The target answers again: what had fewer attempts is due. 0: it
	 * answered before. */
	int64_t recovered;
	int gone; /* it wants nothing more, ever */
	char said[ACTION_SAID_MAX];
};

/* Inside a transaction: takes up to max rows. */
int courier_claim(struct store *s, struct claim *b, struct err *e);

/* They are in hand; it is not any more. */
void courier_hold(struct courier *c, const struct claim *b);
void courier_let_go(struct courier *c, int64_t id);

/* Carries it out, and judges: the row by its mark, the target by its lane. */
void courier_do(struct lane *lane, const struct job *job, struct arena *a,
    struct mark *out);

/* Inside a transaction. */
int courier_mark(struct store *s, const struct lane *lane, const struct mark *m,
    struct arena *a, struct err *e);

/* Tells the owner of a row that was given up: one mail per target and day. */
struct courier_dead {
	struct str kind, target, last_error;
	int64_t id;
	int gone;
};
int courier_alert(struct store *s, const struct config *config,
    const struct courier_dead *d, int64_t now, struct arena *a, struct err *e);

#endif

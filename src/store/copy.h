#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/store.h"

/*
 * Moves all rows from one database to another, of the same kind or not, while
 * programs write to the first. Each pass walks both, table by table in the
 * order of their keys, and makes the second like the first: the first pass
 * carries all over, a later one only what has changed since. A pass that
 * wrote nothing has compared every value of every row. Links to sign in with,
 * which last an hour, stay behind.
 */
enum { COPY_TABLES = 11, COPY_DIGEST = 32 };

struct copy_table {
	const char *name;
	int64_t rows; /* read from the first */
	int64_t written; /* to the second: put in, put right, taken out */
	uint8_t from[COPY_DIGEST], to[COPY_DIGEST]; /* SHA-256 of all rows */
};

struct copy_result {
	struct copy_table tables[COPY_TABLES];
	int64_t written;
};

/* Called now and then with what has been read so far. */
typedef void copy_progress_fn(void *arg, const char *table, int64_t rows);

/* The second must be empty, or have been begun by this before: ERR_INPUT. */
int copy_prepare(struct store *to, struct err *e);

/* One pass. Outside a transaction of the second. */
int copy_pass(struct store *from, struct store *to, copy_progress_fn *fn,
    void *arg, struct copy_result *out, struct err *e);

/* After a pass that wrote nothing: the second is whole, and gives numbers that
 * follow the first's. close: a later copy_prepare refuses it. */
int copy_finish(struct store *from, struct store *to, int close, struct err *e);

/* Inside a transaction of the first: to its end, all of it stays as it is. */
int copy_hold(struct store *from, struct err *e);

/* Inside a transaction of the first: from its commit on, no program, running
 * or not, adds to its log: it answers 503. copy_prepare undoes it. */
int copy_close(struct store *from, struct err *e);

#endif

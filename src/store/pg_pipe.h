#ifndef STORE_PG_PIPE_H
#define STORE_PG_PIPE_H

#include <libpq-fe.h>

#include "store/db.h"

/*
 * Statements on their way to a PostgreSQL server, and what comes back. A way
 * there and back is dear: what needs no answer goes out with the next statement
 * that does, and what will be asked soon goes with it
 * (https://www.postgresql.org/docs/15/libpq-pipeline-mode.html).
 */
enum { PG_AHEAD_MAX = 160, PG_AHEAD_ARGS = 4, PG_AHEAD_BYTES = 512 };

/* A statement without effect, asked before its answer is needed. */
struct pg_ahead {
	enum { AHEAD_FREE, AHEAD_WISHED, AHEAD_SENT, AHEAD_THERE } state;
	enum query q;
	size_t n;
	struct db_value args[PG_AHEAD_ARGS];
	char bytes[PG_AHEAD_BYTES]; /* of args */
	PGresult *res; /* once it is there */
};

enum { PG_FLIGHT_MAX = 512, PG_DEFERRED_MAX = 128 };

/* What is on its way, in order. */
struct pg_sent {
	enum { SENT_PREPARE, SENT_DEFERRED, SENT_ASKED, SENT_AHEAD } kind;
	enum query q; /* SENT_PREPARE */
	size_t ahead; /* SENT_AHEAD: which */
};

struct pg_pipe {
	PGconn *conn; /* NULL: over, as the server did not answer in time */
	int limit; /* ms, for an answer; 0: as long as it takes */
	int careful; /* each result is waited for */
	/* The session is ours, with no pooler between that would lend it to
	 * others: statements are prepared once. */
	int is_own;
	unsigned char prepared[QUERY__MAX]; /* 1: on its way, 2: there */
	int64_t planned_at; /* ticks */
	struct pg_sent sent[PG_FLIGHT_MAX];
	size_t n_sent;
	size_t n_deferred; /* of those */
	struct pg_ahead *ahead; /* PG_AHEAD_MAX, or NULL */
};

void pg_pipe_free(struct pg_pipe *p); /* what is in it */

/* Several statements in one text, without arguments; and the last's result. */
int pg_pipe_text(struct pg_pipe *p, const char *sql, const char *what,
    PGresult **out, struct err *e);
int pg_pipe_script(
    struct pg_pipe *p, const char *sql, const char *what, struct err *e);

/* The named statement, with its result. ERR_BUSY also where the transaction has
 * to be tried again from its beginning. */
int pg_pipe_ask(struct pg_pipe *p, enum query q, const struct db_value *args,
    size_t n, PGresult **out, struct err *e);

/* The named statement, some time before the next that is asked. Inside a
 * transaction, which fails if it does. */
int pg_pipe_defer(struct pg_pipe *p, enum query q, const struct db_value *args,
    size_t n, struct err *e);

/* Texts without arguments, up to a NULL, that begin a transaction. */
int pg_pipe_begin(struct pg_pipe *p, const char *const *sql, struct err *e);

int pg_pipe_in_transaction(const struct pg_pipe *p);

/* The named SELECT is about to be asked: its answer may come with that of the
 * statement before, or of the transaction's beginning. Only where that keeps
 * other writers out. */
void pg_pipe_wish(
    struct pg_pipe *p, enum query q, const struct db_value *args, size_t n);

/* Whatever was asked ahead is to be asked anew. */
void pg_pipe_forget(struct pg_pipe *p);

/* Before what has to be done even if something deferred has failed. */
void pg_pipe_drain(struct pg_pipe *p);

/* err.h's words for what the server, or the way there, says. */
int pg_pipe_fail(
    PGconn *conn, const PGresult *res, const char *what, struct err *e);

#endif

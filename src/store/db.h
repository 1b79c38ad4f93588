#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "store/query.h"
#include "store/store.h"

/*
 * The cut between the store and a database: open, close, run a script, run a
 * named statement, and how long to wait for a lock. A connection belongs to
 * one thread at a time.
 *
 * Errors: ERR_BUSY (somebody else holds the lock), ERR_CONFLICT (a row breaks
 * a rule of its table; the transaction goes on), ERR_ABSENT (no such
 * database), ERR_DB (anything else: full, read-only, broken, out of memory;
 * the transaction may be gone: roll back). Messages name the statement.
 */
enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t i;
	struct str s; /* in a row: valid during the callback only */
};

enum db_mode {
	DB_READ, /* never writes */
	DB_WRITE, /* must be there */
	DB_STANDBY, /* as DB_READ, from a server that takes no writes, too */
	DB_CREATE, /* made when it is missing */
};

enum { DB_ARGS_MAX = 32 };

/* Called for each row; not 0 ends the statement early, without an error. */
typedef int db_row_fn(void *arg, const struct db_value *row, size_t n);

struct db; /* a connection */

struct db_driver {
	const char *scheme; /* of the URL; "" is a plain path */
	/* ms: to wait for locks, for all it does; SQLite: what is left of them
	 * is the patience from then on. */
	int (*open)(const char *where, enum db_mode mode, int ms,
	    struct db **out, struct err *e);
	void (*close)(struct db *db);
	/* Several statements, from scripts of the sql folder. */
	int (*script)(struct db *db, const char *sql, struct err *e);
	int (*run)(struct db *db, enum query q, const struct db_value *args,
	    size_t n, db_row_fn *fn, void *arg, struct err *e);
	/* Milliseconds to wait for a lock from now on. */
	void (*patience)(struct db *db, int ms);
	/* Is the connection gone, and with it an open transaction? */
	int (*lost)(struct db *db);
	/* NULL, or sets the variables by which the database's own programs
	 * find it: a password on their command line could be seen. */
	int (*environment)(const char *where, struct err *e);
	/* NULL: on this machine; see store_tls */
	enum store_tls (*tls)(const char *where);
	/* NULL, or: be told of changes that others commit; waits at most ms
	 * for the next. */
	int (*listen)(struct db *db, struct err *e);
	int (*heard)(struct db *db, int ms, int *heard, struct err *e);
	/* NULL, or: a SELECT that is about to be run inside a transaction,
	 * or the one begun next, whose answer may come earlier. */
	void (*ahead)(
	    struct db *db, enum query q, const struct db_value *args, size_t n);
	/* The connection is one of many, each of which lasts a moment: what it
	 * would tidy when it ends waits. NULL: nothing to do. */
	void (*brief)(struct db *db);
	/* creates the log tables, then brings them from each version to the
	 * next */
	const char *log_scripts[5];
	const char *moved_script; /* the log takes no more */
	const char *back_script; /* it does again */
	const char *state_script; /* drops and creates the state tables */
	const char *state_step; /* from the version before to that */
	const char *views_script; /* the same with the views */
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_postgresql; /* with libpq only */

#endif

#include "store/db.h"

#include <poll.h>
#include <stdlib.h>

#include <libpq-fe.h>

#include "base/banned.h"
#include "store/pg_dial.h"
#include "store/pg_pipe.h"
#include "store/pg_url.h"

/*
 * Nothing is left behind in a session, so a pooler that lends a connection for
 * one transaction (PgBouncer, https://www.pgbouncer.org/features.html) serves
 * as well as the server: SET LOCAL only, locks that end with their transaction,
 * and statements are prepared only where the session is seen to be our own.
 */
enum {
	PATIENCE_MS = 2500,
	ANSWER_MS = 700, /* beyond the patience for a lock … */
	PATIENT_MS = 10000, /* … but commands wait as long as it takes */
	SQL_MAX = 512,
	COLUMNS_MAX = 32,
};

/* The writers' queue, by pg_advisory_xact_lock: "gatepost" in ASCII. */
#define WRITERS "7449363237674382196"

/* of server/catalog/pg_type_d.h, fixed for ever */
enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_VOID = 2278,
};

struct db {
	struct pg_pipe pipe;
	enum db_mode mode;
	int patience; /* ms, for a lock */
};

static void
postgresql_close(struct db *db)
{
	if (db == NULL)
		return;
	pg_pipe_free(&db->pipe);
	free(db);
}

/* Notices are no errors, and standard error is not the store's. */
static void
say_nothing(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* A pooler gives its clients numbers of its own; where the server's process has
 * the number that we were given, it is ours alone. Plans then serve many
 * statements: left alone the server weighs them against what a plan for one
 * cost while its table was small, and plans anew each time. */
static int
look_who_answers(struct pg_pipe *p, struct err *e)
{
	char sql[SQL_MAX];
	snprintf(sql, sizeof(sql),
	    "SELECT CASE WHEN pg_backend_pid() = %d THEN"
	    " set_config('plan_cache_mode', 'force_generic_plan', false) END",
	    PQbackendPID(p->conn));
	PGresult *res = NULL;
	p->limit = PG_DIAL_MS;
	int rc = pg_pipe_text(p, sql, "PostgreSQL", &res, e);
	p->is_own = rc == 0 && !PQgetisnull(res, 0, 0);
	p->limit = 0;
	PQclear(res);
	return rc;
}

static int
check_encoding(PGconn *conn, struct err *e)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	if (encoding == NULL || strcmp(encoding, "UTF8") == 0)
		return 0;
	return err_set(e, ERR_CONFIG,
	    "the database's encoding is %s: make one with ENCODING 'UTF8'",
	    encoding);
}

static int
postgresql_open(const char *where, enum db_mode mode, int ms, struct db **out,
    struct err *e)
{
	PGconn *conn;
	(void)ms; /* no lock is asked for */
	if (pg_dial(where, mode, &conn, e) != 0)
		return -1;
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL) {
		PQfinish(conn);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	db->mode = mode;
	db->patience = PATIENCE_MS;
	db->pipe.conn = conn;
	PQsetNoticeReceiver(conn, say_nothing, NULL);
	int rc = 0;
	if (PQsetnonblocking(conn, 1) != 0)
		rc = pg_pipe_fail(conn, NULL, "PostgreSQL", e);
	else if (check_encoding(conn, e) != 0 ||
	    look_who_answers(&db->pipe, e) != 0)
		rc = -1;
	if (rc != 0)
		postgresql_close(db);
	else
		*out = db;
	return rc;
}

static int
postgresql_script(struct db *db, const char *sql, struct err *e)
{
	return pg_pipe_script(&db->pipe, sql, "script", e);
}

static void
postgresql_patience(struct db *db, int ms)
{
	db->patience = ms;
	db->pipe.limit = ms >= PATIENT_MS ? 0 : (ms > 0 ? ms : 0) + ANSWER_MS;
}

/* Between two statements nothing comes but the end, or a notice: the server's
 * last words, and then nothing more. */
static int
postgresql_lost(struct db *db)
{
	enum { PIECES = 4 };
	PGconn *conn = db->pipe.conn;
	if (conn == NULL)
		return 1;
	struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
	int is_idle = PQtransactionStatus(conn) == PQTRANS_IDLE;
	for (int i = 0; i < PIECES && is_idle && poll(&p, 1, 0) > 0; i++)
		if (!PQconsumeInput(conn))
			return 1;
	return PQstatus(conn) != CONNECTION_OK;
}

static int
postgresql_listen(struct db *db, struct err *e)
{
	return pg_pipe_script(&db->pipe, "LISTEN gatepost", "listen", e);
}

static int
postgresql_heard(struct db *db, int ms, int *heard, struct err *e)
{
	PGconn *conn = db->pipe.conn;
	struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
	PGnotify *told;
	*heard = 0;
	if (poll(&p, 1, ms) > 0 && !PQconsumeInput(conn))
		return pg_pipe_fail(conn, NULL, "listen", e);
	while ((told = PQnotifies(conn)) != NULL) {
		PQfreemem(told);
		*heard = 1;
	}
	return 0;
}

/* One writer at a time, as in SQLite. The lock is held to the commit, so that
 * ids of `changes` appear in their order, what a fold reads is what it
 * replaces, and no two transactions can wait for each other. The server takes
 * it back from a writer that went with its network: it would hear of that only
 * by a keepalive, after two hours. */
static int
begin(struct db *db, int is_writer, struct err *e)
{
	char settings[SQL_MAX];
	const char *const sql[] = { "BEGIN", settings,
		is_writer ? "SELECT pg_advisory_xact_lock(" WRITERS ")" : NULL,
		NULL };
	snprintf(settings, sizeof(settings),
	    "SELECT set_config('lock_timeout', '%d', true),"
	    "%s CASE WHEN current_setting('synchronous_commit') = 'off'"
	    " THEN set_config('synchronous_commit', 'on', true) END",
	    db->patience > 0 ? db->patience : 1,
	    is_writer ? " set_config('idle_in_transaction_session_timeout',"
			" '10s', true),"
		      : "");
	if (pg_pipe_begin(&db->pipe, sql, e) == 0)
		return 0;
	if (db->pipe.conn != NULL)
		pg_pipe_script(&db->pipe, "ROLLBACK", "rollback", NULL);
	return -1;
}

/* A transaction that has failed is rolled back by COMMIT, without an error. */
static int
commit(struct db *db, struct err *e)
{
	PGresult *res = NULL;
	if (!pg_pipe_in_transaction(&db->pipe))
		return err_set(e, ERR_DB, "commit: there is no transaction");
	pg_pipe_forget(&db->pipe);
	if (pg_pipe_ask(&db->pipe, QUERY_COMMIT, NULL, 0, &res, e) != 0)
		return -1;
	int rc = strcmp(PQcmdStatus(res), "COMMIT") == 0
	    ? 0
	    : err_set(e, ERR_DB, "commit: rolled back");
	PQclear(res);
	if (rc == 0)
		db->pipe.careful = 0;
	return rc;
}

/* Half of a delivery's statements say nothing that decides about the next: they
 * go out together with it, which saves the way there and back. */
static int
may_be_deferred(const struct db *db, enum query q)
{
	switch (q) {
	case QUERY_BEGIN_READ:
		return 1;
	case QUERY_SAVEPOINT:
	case QUERY_RELEASE:
	case QUERY_PURCHASE_DROP:
	case QUERY_PURCHASE_DROP_SALE:
	case QUERY_PURCHASE_PUT:
	case QUERY_SUBSCRIPTION_DROP:
	case QUERY_SUBSCRIPTION_PUT:
	case QUERY_CHANGE_ADD:
	case QUERY_OUTBOX_ADD:
	case QUERY_OUTBOX_CLAIM:
	case QUERY_COPY_EVENT_PUT:
	case QUERY_COPY_CHANGE_PUT:
		return pg_pipe_in_transaction(&db->pipe) && !db->pipe.careful &&
		    db->pipe.n_deferred < PG_DEFERRED_MAX;
	default:
		return 0;
	}
}

static int64_t
number(const char *bytes, int n)
{
	/* of the size it has, the highest bit the sign */
	int64_t v = (signed char)bytes[0];
	for (int i = 1; i < n; i++)
		v = (int64_t)((uint64_t)v << 8 | (unsigned char)bytes[i]);
	return v;
}

static struct db_value
column(const PGresult *res, int row, int i)
{
	struct db_value v = { .type = DB_NULL };
	if (PQgetisnull(res, row, i) || PQftype(res, i) == TYPE_VOID)
		return v;
	v.s.p = PQgetvalue(res, row, i);
	v.s.n = (size_t)PQgetlength(res, row, i);
	switch (PQftype(res, i)) {
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		v.type = DB_INT;
		v.i = number(v.s.p, (int)v.s.n);
		break;
	case TYPE_BYTEA:
		v.type = DB_BLOB;
		break;
	default:
		v.type = DB_TEXT;
	}
	return v;
}

static void
tell_rows(const PGresult *res, db_row_fn *fn, void *arg)
{
	struct db_value row[COLUMNS_MAX];
	int n = PQnfields(res) < COLUMNS_MAX ? PQnfields(res) : COLUMNS_MAX;
	for (int r = 0; r < PQntuples(res); r++) {
		for (int i = 0; i < n; i++)
			row[i] = column(res, r, i);
		if (fn(arg, row, (size_t)n) != 0)
			return;
	}
}

/* A reader must not depend on what its session was told. */
static int
may_run(const struct db *db, enum query q)
{
	return (db->mode != DB_READ && db->mode != DB_STANDBY) ||
	    strncmp(query_postgresql[q], "SELECT", 6) == 0 ||
	    q == QUERY_BEGIN_READ || q == QUERY_ROLLBACK;
}

/* The first questions of a connection come before its owner has said how long he
 * waits. */
static int
ask(struct db *db, enum query q, const struct db_value *args, size_t n,
    PGresult **out, struct err *e)
{
	struct pg_pipe *p = &db->pipe;
	int limit = p->limit;
	if (limit == 0 && (q == QUERY_SCHEMA_PRESENT || q == QUERY_META_GET))
		p->limit = PG_DIAL_MS;
	int rc = pg_pipe_ask(p, q, args, n, out, e);
	p->limit = limit;
	return rc;
}

static int
postgresql_run(struct db *db, enum query q, const struct db_value *args,
    size_t n, db_row_fn *fn, void *arg, struct err *e)
{
	PGresult *res = NULL;
	if (q == QUERY_BEGIN || q == QUERY_BEGIN_CLAIM)
		return begin(db, q == QUERY_BEGIN, e);
	if (q == QUERY_COMMIT)
		return commit(db, e);
	if (!may_run(db, q))
		return err_set(
		    e, ERR_DB, "%s: opened for reading", query_names[q]);
	if (fn == NULL && may_be_deferred(db, q))
		return pg_pipe_defer(&db->pipe, q, args, n, e);
	if (q == QUERY_ROLLBACK || q == QUERY_ROLLBACK_TO) {
		pg_pipe_drain(&db->pipe);
		pg_pipe_forget(&db->pipe);
	}
	if (ask(db, q, args, n, &res, e) != 0)
		return -1;
	if (fn != NULL)
		tell_rows(res, fn, arg);
	PQclear(res);
	return 0;
}

static void
postgresql_ahead(
    struct db *db, enum query q, const struct db_value *args, size_t n)
{
	pg_pipe_wish(&db->pipe, q, args, n);
}

const struct db_driver db_postgresql = {
	.scheme = "postgresql://",
	.open = postgresql_open,
	.close = postgresql_close,
	.script = postgresql_script,
	.run = postgresql_run,
	.patience = postgresql_patience,
	.lost = postgresql_lost,
	.environment = pg_url_environment,
	.tls = pg_url_tls,
	.listen = postgresql_listen,
	.heard = postgresql_heard,
	.ahead = postgresql_ahead,
	.log_scripts = { script_postgresql_001_log,
	    script_postgresql_002_outbox, script_postgresql_003_signin,
	    script_postgresql_004_passes, script_postgresql_005_truth },
	.state_script = script_postgresql_state,
	.state_step = script_postgresql_state_2,
	.views_script = script_postgresql_views,
	.moved_script = script_postgresql_moved,
	.back_script = script_postgresql_back,
};

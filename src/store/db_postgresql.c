#include "store/db.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <libpq-fe.h>

#include "base/banned.h"
#include "base/time.h"

/*
 * Nothing is left behind in a session, so a pooler that lends a connection for
 * one transaction (PgBouncer, https://www.pgbouncer.org/features.html) serves
 * as well as the server: no prepared statements, SET LOCAL only, locks that
 * end with their transaction.
 */
enum {
	PATIENCE_MS = 2500,
	ANSWER_MS = 1000, /* beyond the patience for a lock … */
	PATIENT_MS = 10000, /* … but commands wait as long as it takes */
	SQL_MAX = 512,
	SQLSTATE = 5,
	COLUMNS_MAX = 32,
	DEFERRED_MAX = 64,
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
	PGconn *conn;
	enum db_mode mode;
	int patience; /* ms, for a lock */
	int limit; /* ms, for an answer; 0: as long as it takes */
	int deferred; /* statements sent, whose results are to come */
	int careful; /* each result is waited for */
};

static int
fail(PGconn *conn, const PGresult *res, const char *what, struct err *e)
{
	static const struct {
		const char *state; /* or how it begins */
		enum err_code code;
	} codes[] = { { "55P03", ERR_BUSY }, { "40001", ERR_BUSY },
		{ "40P01", ERR_BUSY }, { "23", ERR_CONFLICT } };
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	/* the detail would quote the row */
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	enum err_code code = ERR_DB;
	for (size_t i = 0; state != NULL && i < 4; i++)
		if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
			code = codes[i].code;
	if (text == NULL)
		text = PQerrorMessage(conn);
	return err_set(
	    e, code, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

/* Nobody knows what becomes of the statement: this connection is over. */
static int
give_up(struct db *db, const char *what, struct err *e)
{
	PQfinish(db->conn);
	db->conn = NULL;
	return err_set(e, ERR_DB, "%s: no answer in time", what);
}

/* Until there is something to read, or room to write. 0: the time is over. */
static int
wait_for(const struct db *db, short events, int64_t end)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = events };
	for (;;) {
		int64_t left = end - time_ticks();
		if (db->limit != 0 && left <= 0)
			return 0;
		int rc = poll(&p, 1, db->limit == 0 ? -1 : (int)left);
		if (rc > 0 || (rc < 0 && errno != EINTR))
			return 1;
	}
}

static int
send_out(struct db *db, int64_t end)
{
	int left;
	while ((left = PQflush(db->conn)) > 0) {
		if (!wait_for(db, POLLIN | POLLOUT, end))
			return 0;
		PQconsumeInput(db->conn);
	}
	return 1;
}

/* 0: the time is over. *next NULL: that was the statement's last. */
static int
take_result(struct db *db, int64_t end, PGresult **next)
{
	while (PQisBusy(db->conn)) {
		if (!wait_for(db, POLLIN, end))
			return 0;
		if (!PQconsumeInput(db->conn))
			break;
	}
	*next = PQgetResult(db->conn);
	return 1;
}

/* The first error is the one that tells. */
static int
keep(PGresult **kept, PGresult *next)
{
	if (PQresultStatus(*kept) == PGRES_FATAL_ERROR && *kept != NULL) {
		PQclear(next);
		return 0;
	}
	PQclear(*kept);
	*kept = next;
	return PQresultStatus(next) == PGRES_FATAL_ERROR;
}

/* The results of n statements. *kept: the last, or the first that failed, which
 * is number *failed. 0: the time is over. */
static int
take_all(struct db *db, int n, PGresult **kept, int *failed)
{
	int64_t end = time_ticks() + db->limit;
	PGresult *next;
	*failed = n;
	if (!send_out(db, end))
		return 0;
	for (int i = 0; i < n; i++) {
		do {
			if (!take_result(db, end, &next))
				return 0;
			if (next != NULL && keep(kept, next))
				*failed = i;
		} while (next != NULL);
	}
	if (PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF)
		return 1;
	if (!take_result(db, end, &next))
		return 0;
	PQclear(next);
	PQexitPipelineMode(db->conn);
	return 1;
}

/* What was sent and deferred, and n statements after it. A row that one of the
 * deferred could not write was not the caller's: all of the transaction is to
 * be tried again, each statement by itself. */
static int
receive(struct db *db, int n, const char *what, PGresult **out, struct err *e)
{
	PGresult *kept = NULL;
	int failed, deferred = db->deferred;
	*out = NULL;
	db->deferred = 0;
	if (deferred > 0)
		PQpipelineSync(db->conn);
	if (!take_all(db, deferred + n, &kept, &failed)) {
		PQclear(kept);
		return give_up(db, what, e);
	}
	ExecStatusType is = PQresultStatus(kept);
	if (kept != NULL && (is == PGRES_COMMAND_OK || is == PGRES_TUPLES_OK)) {
		*out = kept;
		return 0;
	}
	struct err why = { .code = ERR_NONE };
	fail(db->conn, kept, what, &why);
	PQclear(kept);
	if (failed < deferred && why.code == ERR_CONFLICT) {
		db->careful = 1;
		why.code = ERR_BUSY;
	}
	if (e != NULL)
		*e = why;
	return -1;
}

/* Before what has to be done even if something deferred has failed. */
static void
drain(struct db *db)
{
	PGresult *res;
	if (db->conn == NULL || db->deferred == 0)
		return;
	receive(db, 0, "drain", &res, NULL);
	PQclear(res);
}

static int
send_script(struct db *db, const char *sql, const char *what, struct err *e)
{
	PGresult *res = NULL;
	drain(db);
	if (db->conn == NULL || !PQsendQuery(db->conn, sql))
		return err_set(e, ERR_DB, "%s: the connection is gone", what);
	if (receive(db, 1, what, &res, e) != 0)
		return -1;
	PQclear(res);
	return 0;
}

static void
postgresql_close(struct db *db)
{
	if (db == NULL)
		return;
	PQfinish(db->conn);
	free(db);
}

/* Notices are no errors, and standard error is not the store's. */
static void
say_nothing(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* What stands before dbname gives way to what stands in the URL
 * (https://www.postgresql.org/docs/15/libpq-connect.html). */
static PGconn *
dial(const char *where, enum db_mode mode)
{
	static const char *const names[] = { "connect_timeout",
		"target_session_attrs", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"fallback_application_name", "dbname", "client_encoding",
		NULL };
	const char *const values[] = { "2",
		mode == DB_STANDBY ? "any" : "read-write", "5", "2", "2",
		"5000", "gatepost", where, "UTF8", NULL };
	return PQconnectdbParams(names, values, 1);
}

/* Where an @ or a / of the password was not escaped, a part of it has become
 * host, port or name, which messages quote. */
static int
is_torn(const PQconninfoOption *options)
{
	for (; options->keyword != NULL; options++) {
		const char *v = options->val;
		int is_port = strcmp(options->keyword, "port") == 0;
		if (v == NULL)
			continue;
		if ((is_port && v[strspn(v, "0123456789,")] != '\0') ||
		    (strchr(v, '@') != NULL &&
			(strcmp(options->keyword, "host") == 0 ||
			    strcmp(options->keyword, "dbname") == 0)))
			return 1;
	}
	return 0;
}

static PQconninfoOption *
parse(const char *where, struct err *e)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(where, &why);
	/* its words may quote the URL, password and all */
	PQfreemem(why);
	if (options != NULL && !is_torn(options))
		return options;
	PQconninfoFree(options);
	err_set(e, ERR_CONFIG,
	    "the URL of the database is not one: see 34.1.1.2 of PostgreSQL's "
	    "manual; in user and password, write @ as %%40, : as %%3A and / as "
	    "%%2F");
	return NULL;
}

static int
postgresql_environment(const char *where, struct err *e)
{
	PQconninfoOption *options = parse(where, e);
	int rc = options == NULL ? -1 : 0;
	for (PQconninfoOption *o = options; rc == 0 && o->keyword != NULL; o++)
		if (o->val != NULL && o->envvar != NULL &&
		    setenv(o->envvar, o->val, 1) != 0)
			rc = err_set(e, ERR_MEMORY, "out of memory");
	PQconninfoFree(options);
	return rc;
}

static int
postgresql_open(const char *where, enum db_mode mode, int ms, struct db **out,
    struct err *e)
{
	(void)ms; /* no lock is asked for */
	PQconninfoOption *options = parse(where, e);
	if (options == NULL)
		return -1;
	PQconninfoFree(options);
	struct db *db = calloc(1, sizeof(*db));
	if (db != NULL)
		db->conn = dial(where, mode);
	if (db == NULL || db->conn == NULL) {
		free(db);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	PQsetNoticeReceiver(db->conn, say_nothing, NULL);
	db->mode = mode;
	db->patience = PATIENCE_MS;
	const char *encoding = PQparameterStatus(db->conn, "server_encoding");
	int rc = 0;
	if (PQstatus(db->conn) != CONNECTION_OK ||
	    PQsetnonblocking(db->conn, 1) != 0)
		rc = fail(db->conn, NULL, "PostgreSQL", e);
	else if (encoding != NULL && strcmp(encoding, "UTF8") != 0)
		rc = err_set(e, ERR_CONFIG,
		    "the database's encoding is %s: make one with ENCODING "
		    "'UTF8'",
		    encoding);
	if (rc != 0)
		postgresql_close(db);
	else
		*out = db;
	return rc;
}

static int
postgresql_script(struct db *db, const char *sql, struct err *e)
{
	return send_script(db, sql, "script", e);
}

static void
postgresql_patience(struct db *db, int ms)
{
	db->patience = ms;
	db->limit = ms >= PATIENT_MS ? 0 : (ms > 0 ? ms : 0) + ANSWER_MS;
}

/* Between two statements nothing comes but the end, or a notice: the server's
 * last words, and then nothing more. */
static int
postgresql_lost(struct db *db)
{
	enum { PIECES = 4 };
	if (db->conn == NULL)
		return 1;
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };
	int is_idle = PQtransactionStatus(db->conn) == PQTRANS_IDLE;
	for (int i = 0; i < PIECES && is_idle && poll(&p, 1, 0) > 0; i++)
		if (!PQconsumeInput(db->conn))
			return 1;
	return PQstatus(db->conn) != CONNECTION_OK;
}

static int
postgresql_listen(struct db *db, struct err *e)
{
	return send_script(db, "LISTEN gatepost", "listen", e);
}

static int
postgresql_heard(struct db *db, int ms, int *heard, struct err *e)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };
	PGnotify *told;
	*heard = 0;
	if (poll(&p, 1, ms) > 0 && !PQconsumeInput(db->conn))
		return fail(db->conn, NULL, "listen", e);
	while ((told = PQnotifies(db->conn)) != NULL) {
		PQfreemem(told);
		*heard = 1;
	}
	return 0;
}

/* One writer at a time, as in SQLite. The lock is held to the commit, so that
 * ids of `changes` appear in their order, what a fold reads is what it
 * replaces, and no two transactions can wait for each other. */
static int
begin(struct db *db, struct err *e)
{
	char sql[SQL_MAX];
	snprintf(sql, sizeof(sql),
	    "BEGIN; SET LOCAL lock_timeout = %d;"
	    "SELECT set_config('synchronous_commit', 'on', true)"
	    " WHERE current_setting('synchronous_commit') = 'off';"
	    "SELECT pg_advisory_xact_lock(" WRITERS ")",
	    db->patience > 0 ? db->patience : 1);
	if (send_script(db, sql, "begin", e) == 0)
		return 0;
	if (db->conn != NULL)
		send_script(db, "ROLLBACK", "rollback", NULL);
	return -1;
}

static int
in_transaction(const struct db *db)
{
	return db->conn != NULL &&
	    (db->deferred > 0 ||
		PQtransactionStatus(db->conn) == PQTRANS_INTRANS);
}

/* A transaction that has failed is rolled back by COMMIT, without an error. */
static int
commit(struct db *db, struct err *e)
{
	PGresult *res = NULL;
	if (!in_transaction(db))
		return err_set(e, ERR_DB, "commit: there is no transaction");
	if (!PQsendQueryParams(
		db->conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 1))
		return fail(db->conn, NULL, "commit", e);
	if (receive(db, 1, "commit", &res, e) != 0)
		return -1;
	int rc = strcmp(PQcmdStatus(res), "COMMIT") == 0
	    ? 0
	    : err_set(e, ERR_DB, "commit: rolled back");
	PQclear(res);
	if (rc == 0)
		db->careful = 0;
	return rc;
}

/* Half of a delivery's statements say nothing that decides about the next: they
 * go out together with it, which saves the way there and back. */
static int
may_be_deferred(const struct db *db, enum query q)
{
	switch (q) {
	case QUERY_SAVEPOINT:
	case QUERY_RELEASE:
	case QUERY_PURCHASE_DROP:
	case QUERY_PURCHASE_DROP_SALE:
	case QUERY_PURCHASE_PUT:
	case QUERY_SUBSCRIPTION_DROP:
	case QUERY_SUBSCRIPTION_PUT:
	case QUERY_CHANGE_ADD:
	case QUERY_OUTBOX_ADD:
	case QUERY_COPY_EVENT_PUT:
	case QUERY_COPY_CHANGE_PUT:
		return in_transaction(db) && !db->careful &&
		    db->deferred < DEFERRED_MAX;
	default:
		return 0;
	}
}

struct parameters {
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX];
	int formats[DB_ARGS_MAX];
	char numbers[DB_ARGS_MAX][24];
};

/* Bytes go as they are: text would have its backslashes read. */
static void
fill(struct parameters *p, const struct db_value *args, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->values[i] = NULL;
		p->lengths[i] = 0;
		p->formats[i] = 0;
		if (args[i].type == DB_INT) {
			snprintf(p->numbers[i], sizeof(p->numbers[i]), "%lld",
			    (long long)args[i].i);
			p->values[i] = p->numbers[i];
		} else if (args[i].type != DB_NULL) {
			p->values[i] = args[i].s.p == NULL ? "" : args[i].s.p;
			p->lengths[i] = (int)args[i].s.n;
			p->formats[i] = 1;
		}
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

static int
postgresql_run(struct db *db, enum query q, const struct db_value *args,
    size_t n, db_row_fn *fn, void *arg, struct err *e)
{
	const char *sql = query_postgresql[q];
	struct parameters p;
	PGresult *res = NULL;
	if (q == QUERY_BEGIN)
		return begin(db, e);
	if (q == QUERY_COMMIT)
		return commit(db, e);
	/* a reader must not depend on what its session was told */
	if ((db->mode == DB_READ || db->mode == DB_STANDBY) &&
	    strncmp(sql, "SELECT", 6) != 0 && q != QUERY_BEGIN_READ &&
	    q != QUERY_ROLLBACK)
		return err_set(
		    e, ERR_DB, "%s: opened for reading", query_names[q]);
	int deferred = fn == NULL && may_be_deferred(db, q);
	if (q == QUERY_ROLLBACK || q == QUERY_ROLLBACK_TO)
		drain(db);
	if (deferred && db->deferred == 0)
		PQenterPipelineMode(db->conn);
	fill(&p, args, n);
	if (db->conn == NULL ||
	    !PQsendQueryParams(
		db->conn, sql, (int)n, NULL, p.values, p.lengths, p.formats, 1))
		return err_set(
		    e, ERR_DB, "%s: the connection is gone", query_names[q]);
	if (deferred) {
		db->deferred++;
		return 0;
	}
	if (receive(db, 1, query_names[q], &res, e) != 0)
		return -1;
	if (fn != NULL)
		tell_rows(res, fn, arg);
	PQclear(res);
	return 0;
}

const struct db_driver db_postgresql = {
	.scheme = "postgresql://",
	.open = postgresql_open,
	.close = postgresql_close,
	.script = postgresql_script,
	.run = postgresql_run,
	.patience = postgresql_patience,
	.lost = postgresql_lost,
	.environment = postgresql_environment,
	.listen = postgresql_listen,
	.heard = postgresql_heard,
	.log_scripts = { script_postgresql_001_log,
	    script_postgresql_002_outbox, script_postgresql_003_signin },
	.state_script = script_postgresql_state,
	.moved_script = script_postgresql_moved,
	.back_script = script_postgresql_back,
};

#include "store/db.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum { PATIENCE_MS = 2500, WAL_PAUSE_MS = 10, COLUMNS_MAX = 32 };

struct db {
	sqlite3 *handle;
	sqlite3_stmt *prepared[QUERY__MAX];
	/* where $k stands: SQLite takes $k for a name and numbers names by
	 * first appearance (https://www.sqlite.org/c3ref/bind_blob.html) */
	unsigned char place[QUERY__MAX][DB_ARGS_MAX];
};

static int
fail(struct db *db, int rc, const char *what, struct err *e)
{
	enum err_code code = ERR_DB;
	switch (rc & 0xFF) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	case SQLITE_CONSTRAINT:
		code = ERR_CONFLICT;
		break;
	}
	return err_set(e, code, "%s: %s", what,
	    db->handle == NULL ? sqlite3_errstr(rc)
			       : sqlite3_errmsg(db->handle));
}

static int
exec(struct db *db, const char *sql, const char *what, struct err *e)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(db, rc, what, e);
}

static void
sqlite_close(struct db *db)
{
	if (db == NULL)
		return;
	for (int q = 0; q < QUERY__MAX; q++)
		sqlite3_finalize(db->prepared[q]);
	sqlite3_close(db->handle);
	free(db);
}

/* The mode that there is now: where WAL cannot be had, the old one may stay
 * without an error (https://www.sqlite.org/pragma.html, journal_mode). */
static int
take_mode(void *is_wal, int n, char **values, char **names)
{
	(void)names;
	*(int *)is_wal = n > 0 && strcmp(values[0], "wal") == 0;
	return 0;
}

/* The change to WAL asks no busy handler where another process makes the same
 * change (https://www.sqlite.org/wal.html, 9): wait here. */
static int
set_wal(struct db *db, int *is_wal)
{
	int rc = SQLITE_BUSY;
	*is_wal = 0;
	for (int ms = 0; rc == SQLITE_BUSY && ms < PATIENCE_MS;
	     ms += WAL_PAUSE_MS) {
		if (ms > 0)
			sqlite3_sleep(WAL_PAUSE_MS);
		rc = sqlite3_exec(db->handle, "PRAGMA journal_mode=WAL",
			 take_mode, is_wal, NULL) &
		    0xFF;
	}
	return rc;
}

/* WAL with a sync at every commit. Where the file system has no shared memory
 * (network file systems), a rollback journal instead, emptied at every commit:
 * that one is deleted would have to be synced as well. */
static int
set_durable(struct db *db, struct err *e)
{
	if (exec(db, "PRAGMA synchronous=FULL", "synchronous", e) != 0)
		return -1;
	int is_wal;
	int rc = set_wal(db, &is_wal);
	if (rc == SQLITE_OK && is_wal)
		return 0;
	if (rc == SQLITE_BUSY || rc == SQLITE_FULL || rc == SQLITE_READONLY)
		return fail(db, rc, "journal_mode", e);
	return exec(db, "PRAGMA journal_mode=TRUNCATE", "journal_mode", e);
}

static int
sqlite_open(
    const char *where, enum db_mode mode, struct db **out, struct err *e)
{
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (mode != DB_CREATE && access(where, F_OK) != 0) {
		free(db);
		return err_set(e, ERR_ABSENT,
		    "%s: no database there; 'gatepost migrate' makes one",
		    where);
	}
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    (mode == DB_READ ? SQLITE_OPEN_READONLY
		    : mode == DB_CREATE
		    ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		    : SQLITE_OPEN_READWRITE);
	/* buyers' data: readable by its owner only. The mask belongs to the
	 * whole process: it is touched only where a file may be made */
	mode_t mask = mode == DB_CREATE ? umask(0077) : 0;
	int rc = sqlite3_open_v2(where, &db->handle, flags, NULL);
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(db->handle, PATIENCE_MS);
	if (rc == SQLITE_OK && mode == DB_CREATE)
		rc = sqlite3_exec(
		    db->handle, "PRAGMA user_version", NULL, NULL, NULL);
	if (mode == DB_CREATE)
		umask(mask);
	if (rc != SQLITE_OK) {
		fail(db, rc, where, e);
		sqlite_close(db);
		return -1;
	}
	if (mode != DB_READ && set_durable(db, e) != 0) {
		err_prefix(e, "%s", where);
		sqlite_close(db);
		return -1;
	}
	*out = db;
	return 0;
}

static int
sqlite_script(struct db *db, const char *sql, struct err *e)
{
	return exec(db, sql, "script", e);
}

static void
sqlite_patience(struct db *db, int ms)
{
	sqlite3_busy_timeout(db->handle, ms);
}

static sqlite3_stmt *
prepare(struct db *db, enum query q, struct err *e)
{
	if (db->prepared[q] != NULL)
		return db->prepared[q];
	int rc = sqlite3_prepare_v3(db->handle, query_sqlite[q], -1,
	    SQLITE_PREPARE_PERSISTENT, &db->prepared[q], NULL);
	if (rc != SQLITE_OK) {
		fail(db, rc, query_names[q], e);
		return NULL;
	}
	int n = sqlite3_bind_parameter_count(db->prepared[q]);
	for (int i = 1; i <= n; i++) {
		const char *name =
		    sqlite3_bind_parameter_name(db->prepared[q], i);
		int64_t k = 0;
		if (name != NULL &&
		    str_int64(str_from(name + 1), 1, DB_ARGS_MAX, &k) == 0)
			db->place[q][k - 1] = (unsigned char)i;
	}
	return db->prepared[q];
}

static int
bind(sqlite3_stmt *stmt, int at, const struct db_value *v)
{
	switch (v->type) {
	case DB_NULL:
		return sqlite3_bind_null(stmt, at);
	case DB_INT:
		return sqlite3_bind_int64(stmt, at, v->i);
	case DB_TEXT:
		return sqlite3_bind_text64(
		    stmt, at, v->s.p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(stmt, at,
		    v->s.p == NULL ? "" : v->s.p, v->s.n, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static struct db_value
column(sqlite3_stmt *stmt, int i)
{
	struct db_value v = { .type = DB_NULL };
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL:
		break;
	case SQLITE_INTEGER:
		v.type = DB_INT;
		v.i = sqlite3_column_int64(stmt, i);
		break;
	default:
		/* text and blobs alike by their bytes: a NUL may stand inside */
		v.type = sqlite3_column_type(stmt, i) == SQLITE_BLOB ? DB_BLOB
								     : DB_TEXT;
		v.s.p = sqlite3_column_blob(stmt, i);
		v.s.n = (size_t)sqlite3_column_bytes(stmt, i);
		if (v.s.p == NULL)
			v.s = STR("");
	}
	return v;
}

static int
step_all(sqlite3_stmt *stmt, db_row_fn *fn, void *arg)
{
	struct db_value row[COLUMNS_MAX];
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int n = sqlite3_column_count(stmt);
		for (int i = 0; i < n && i < COLUMNS_MAX; i++)
			row[i] = column(stmt, i);
		if (fn != NULL && fn(arg, row, (size_t)n) != 0)
			return SQLITE_DONE;
	}
	return rc;
}

static int
sqlite_run(struct db *db, enum query q, const struct db_value *args, size_t n,
    db_row_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = prepare(db, q, e);
	if (stmt == NULL)
		return -1;
	int rc = SQLITE_OK;
	for (size_t k = 0; k < n && rc == SQLITE_OK; k++)
		if (db->place[q][k] != 0)
			rc = bind(stmt, db->place[q][k], &args[k]);
	if (rc == SQLITE_OK)
		rc = step_all(stmt, fn, arg);
	int failed = rc != SQLITE_DONE;
	if (failed)
		fail(db, rc, query_names[q], e);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return failed ? -1 : 0;
}

const struct db_driver db_sqlite = {
	.scheme = "",
	.open = sqlite_open,
	.close = sqlite_close,
	.script = sqlite_script,
	.run = sqlite_run,
	.patience = sqlite_patience,
	.log_script = script_sqlite_001_log,
	.state_script = script_sqlite_state,
};

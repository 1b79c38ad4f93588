#include "store/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/time.h"
#include "store/netfs.h"

enum {
	MODE_PAUSE_MS = 10,
	MODE_MAX = 16,
	COLUMNS_MAX = 32,
	JOURNAL_MEMORY = 1024 * 1024,
	BRIEF_PAGES = 250, /* of the WAL, before it is written back */
};

struct db {
	sqlite3 *handle;
	int wal; /* is the journal one? */
	sqlite3_stmt *prepared[QUERY__MAX];
	/* where $k stands: SQLite takes $k for a name and numbers names by
	 * first appearance (https://www.sqlite.org/c3ref/bind_blob.html) */
	unsigned char place[QUERY__MAX][DB_ARGS_MAX];
	int64_t until; /* time_ticks() when opening it has to be done */
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

/* ---- a connection that lasts a moment ------------------------------------ */

/* How many pages stand in the WAL: mxFrame, in the header of its index
 * (https://www.sqlite.org/walformat.html, 2.1). Needs a connection that has
 * read, and WAL. */
static uint32_t
wal_pages(struct db *db)
{
	enum { INDEX_PIECE = 32 * 1024, MX_FRAME = 16 };
	sqlite3_file *file = NULL;
	void volatile *index = NULL;
	if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER,
		&file) != SQLITE_OK ||
	    file->pMethods == NULL || file->pMethods->iVersion < 2 ||
	    file->pMethods->xShmMap(file, 0, INDEX_PIECE, 0, &index) !=
		SQLITE_OK ||
	    index == NULL)
		return 0;
	return ((uint32_t volatile *)index)[MX_FRAME / sizeof(uint32_t)];
}

/* The WAL stays for the next: to write it back and remove it takes four syncs,
 * at every delivery; to read it in, no more than BRIEF_PAGES. Written back
 * before this process writes, not after: the WAL then begins anew with what it
 * writes, while to the next one all that stands there is still to be done. */
static void
sqlite_brief(struct db *db)
{
	sqlite3_db_config(
	    db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_autocheckpoint(db->handle, 0);
	if (db->wal && wal_pages(db) >= BRIEF_PAGES)
		sqlite3_wal_checkpoint_v2(
		    db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* ---- open, close --------------------------------------------------------- */

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

/* The next lock may be waited for as long as there is time to open. */
static void
be_quick(const struct db *db)
{
	int64_t left = db->until - time_ticks();
	sqlite3_busy_timeout(db->handle, left > 0 ? (int)left : 0);
}

static int
take_mode(void *arg, int n, char **values, char **names)
{
	(void)names;
	snprintf(arg, MODE_MAX, "%s", n > 0 && values[0] ? values[0] : "");
	return 0;
}

/* Sets the mode of the journal, or only asks for it (NULL); *is is the mode in
 * the end. The change to WAL asks no busy handler where another process makes
 * the same change (https://www.sqlite.org/wal.html, 9): wait here. */
static int
journal_mode(struct db *db, const char *mode, char is[MODE_MAX])
{
	char sql[64];
	int rc = SQLITE_BUSY;
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode%s%s",
	    mode == NULL ? "" : "=", mode == NULL ? "" : mode);
	for (int again = 0; rc == SQLITE_BUSY; again = 1) {
		if (again && time_ticks() >= db->until)
			break;
		if (again)
			sqlite3_sleep(MODE_PAUSE_MS);
		is[0] = '\0';
		be_quick(db);
		rc = sqlite3_exec(db->handle, sql, take_mode, is, NULL) & 0xFF;
	}
	/* a mode that cannot be is not refused, only not set */
	return rc == SQLITE_OK && mode != NULL && strcmp(is, mode) != 0
	    ? SQLITE_IOERR
	    : rc;
}

/* Out of WAL without shared memory: alone, it keeps the WAL's index to itself
 * (https://www.sqlite.org/wal.html, 8). Needs a fresh connection. */
static int
leave_wal(const char *where, int64_t until)
{
	struct db db = { .until = until };
	char is[MODE_MAX];
	int rc = sqlite3_open_v2(where, &db.handle,
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db.handle, "PRAGMA locking_mode=EXCLUSIVE",
		    NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = journal_mode(&db, "truncate", is);
	sqlite3_close(db.handle);
	return rc;
}

/* A sync at every commit, by WAL; where the file system has no shared memory,
 * by a rollback journal. *again, and no error: what stands in WAL cannot be
 * read without shared memory; again NULL: WAL is not tried. */
static int
set_durable(struct db *db, const char *where, int *again, struct err *e)
{
	char is[MODE_MAX];
	if (exec(db, "PRAGMA synchronous=FULL", "synchronous", e) != 0)
		return -1;
	int wal = again != NULL && !netfs_has(where);
	int rc = journal_mode(db, NULL, is);
	/* :memory: has no other */
	if (rc == SQLITE_OK && strcmp(is, "memory") == 0)
		return 0;
	db->wal = rc == SQLITE_OK && strcmp(is, "wal") == 0;
	if (rc == SQLITE_OK && !db->wal)
		wal = wal && netfs_shares_memory(where);
	if (rc == SQLITE_OK && !(wal && db->wal)) {
		rc = journal_mode(db, wal ? "wal" : "truncate", is);
		db->wal = wal;
	}
	if (rc == SQLITE_OK)
		return 0;
	if (again == NULL || rc == SQLITE_BUSY || rc == SQLITE_FULL ||
	    rc == SQLITE_READONLY)
		return fail(db, rc, "journal_mode", e);
	*again = 1;
	return -1;
}

/* What a crash left in a rollback journal, no reader can put right: once with
 * the right to write. */
static int
roll_back(struct db *db, const char *where)
{
	static const char look[] = "SELECT count(*) FROM sqlite_schema";
	sqlite3 *writer = NULL;
	if (sqlite3_exec(db->handle, look, NULL, NULL, NULL) !=
	    SQLITE_READONLY_ROLLBACK)
		return 0;
	int rc = sqlite3_open_v2(
	    where, &writer, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(writer, look, NULL, NULL, NULL);
	sqlite3_close(writer);
	return rc;
}

/* The file is made where that is asked for, readable by its owner only: it
 * holds buyers' data. The mask belongs to the whole process: it is touched
 * only where a file may be made. */
static int
open_handle(struct db *db, const char *where, enum db_mode mode)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    (mode == DB_READ ? SQLITE_OPEN_READONLY
		    : mode == DB_CREATE
		    ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		    : SQLITE_OPEN_READWRITE);
	mode_t mask = mode == DB_CREATE ? umask(0077) : 0;
	int rc = sqlite3_open_v2(where, &db->handle, flags, NULL);
	if (rc == SQLITE_OK)
		be_quick(db);
	if (rc == SQLITE_OK && mode == DB_CREATE)
		rc = sqlite3_exec(
		    db->handle, "PRAGMA user_version", NULL, NULL, NULL);
	if (mode == DB_CREATE)
		umask(mask);
	if (rc == SQLITE_OK && mode == DB_READ)
		rc = roll_back(db, where);
	/* less than half of the usual: there is one for each thread, and the system
	 * keeps the file's pages as well */
	if (rc == SQLITE_OK && mode == DB_READ)
		sqlite3_exec(
		    db->handle, "PRAGMA cache_size=-800", NULL, NULL, NULL);
	return rc;
}

/* For the whole process. What a delivery's savepoint needs to be undone is some
 * 30 pages: beyond 64 kB SQLite would write it to a temporary file. Nobody asks
 * how much memory it uses, which it counts under a lock at every piece. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, JOURNAL_MEMORY);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int
sqlite_open(const char *where, enum db_mode mode, int ms, struct db **out,
    struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	db->until = time_ticks() + ms;
	if (mode == DB_STANDBY)
		mode = DB_READ;
	pthread_once(&once, configure);
	if (mode != DB_CREATE && access(where, F_OK) != 0) {
		free(db);
		return errno != ENOENT
		    ? err_set(e, ERR_DB, "%s: %s", where, strerror(errno))
		    : err_set(e, ERR_ABSENT,
			  "%s: no database there; 'gatepost migrate' makes one",
			  where);
	}
	int rc = open_handle(db, where, mode), again = 0, failed = 0;
	if (rc == SQLITE_OK && mode != DB_READ)
		failed = set_durable(db, where, &again, e) != 0;
	else if (mode != DB_READ)
		again = (rc & 0xFF) == SQLITE_IOERR;
	if (again) {
		sqlite3_close(db->handle);
		leave_wal(where, db->until);
		rc = open_handle(db, where, mode);
		if (rc == SQLITE_OK)
			failed = set_durable(db, where, NULL, e) != 0;
	}
	if (rc != SQLITE_OK)
		fail(db, rc, where, e);
	else if (failed)
		err_prefix(e, "%s", where);
	if (rc != SQLITE_OK || failed) {
		sqlite_close(db);
		return -1;
	}
	be_quick(db);
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

static int
sqlite_lost(struct db *db)
{
	(void)db;
	return 0;
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
	.lost = sqlite_lost,
	.brief = sqlite_brief,
	.log_scripts = { script_sqlite_001_log, script_sqlite_002_outbox,
	    script_sqlite_003_signin, script_sqlite_004_passes,
	    script_sqlite_005_truth },
	.state_script = script_sqlite_state,
	.state_step = script_sqlite_state_2,
	.views_script = script_sqlite_views,
	.moved_script = script_sqlite_moved,
	.back_script = script_sqlite_back,
};

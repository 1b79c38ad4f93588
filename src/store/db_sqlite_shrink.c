#include "store/db_sqlite_shrink.h"

#include <stdio.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "store/store.h"

enum {
	PATH_MAX_LEN = 4096,
	REST_PAGES = 250, /* not written back yet: soon done under the lock */
	LOCK_MS = 50,
};

int64_t
db_wal_bytes(const char *where)
{
	char path[PATH_MAX_LEN];
	struct stat st;
	if (store_is_url(where) ||
	    snprintf(path, sizeof(path), "%s-wal", where) >=
		(int)sizeof(path) ||
	    stat(path, &st) != 0)
		return 0;
	return st.st_size;
}

/* The first step keeps nobody waiting, and does the work. */
static int
shrink(sqlite3 *db)
{
	int pages = 0, done = 0;
	/* one that has not read does nothing */
	int rc = sqlite3_exec(
	    db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(
		    db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
	if (rc != SQLITE_OK || pages - done > REST_PAGES)
		return rc;
	sqlite3_busy_timeout(db, LOCK_MS);
	return sqlite3_wal_checkpoint_v2(
	    db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int
db_wal_shrink(const char *where, struct err *e)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(
	    where, &db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = shrink(db);
	sqlite3_close(db);
	return rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED
	    ? 0
	    : err_set(e, ERR_DB, "%s-wal: %s", where, sqlite3_errstr(rc));
}

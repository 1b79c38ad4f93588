#ifndef STORE_DB_SQLITE_SHRINK_H
#define STORE_DB_SQLITE_SHRINK_H

#include <stdint.h>

#include "base/err.h"

/*
 * The size of SQLite's write-ahead log. SQLite writes it back every 1000 pages
 * and begins anew, so it has some megabytes. It grows as long as somebody
 * reads one old state (a backup, a report), and keeps that size afterwards:
 * https://www.sqlite.org/wal.html, 6.
 */
enum { DB_WAL_MAX = 8 * 1024 * 1024 }; /* bytes; more is worth a shrink */

/* Bytes of the log of the database at that path. 0: there is none, as where
 * the database is on a server. */
int64_t db_wal_bytes(const char *where);

/* Writes the log back and empties it. Deliveries do not wait for that, but 50
 * ms in the end at most. 0 too where it has to stay, since somebody reads it
 * or writes on: try again later. -1: the database cannot be opened or written. */
int db_wal_shrink(const char *where, struct err *e);

#endif

#ifndef STORE_DB_SQLITE_WAL_H
#define STORE_DB_SQLITE_WAL_H

/*
 * SQLite's own file access, but for the write-ahead log: SQLite hands over a
 * transaction's pages one by one, each in two writes
 * (https://www.sqlite.org/src/file/src/wal.c, walWriteOneFrame); here they wait
 * in memory and go to the file in one write, before anything else is done with
 * it and at the latest when it is synced. Until then no other connection looks
 * for them: the log's index tells of a transaction after its sync, given
 * synchronous=FULL. What fails is told by the sync, and the commit with it.
 * Where sectors are padded frames follow the sync: there all goes out at once.
 *
 * And a log whose name is known to be on disk is opened so that its folder is
 * not synced once more, which as plain CGI is one sync of two.
 */

/* The name to open databases with; NULL: the usual. From one thread, first. */
const char *wal_vfs(void);

#endif

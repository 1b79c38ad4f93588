#ifndef STORE_NETFS_H
#define STORE_NETFS_H

/* Where SQLite's WAL is no choice: its index is memory that all processes
 * share (https://www.sqlite.org/wal.html, 1). path: the database, which need
 * not be there yet. */

/* Is this a file system that other machines may write as well (NFS, SMB and
 * their like, and FUSE, behind which anything can be)? There the WAL may seem
 * to work, and lose what another machine wrote. */
int netfs_has(const char *path);

/* Has it memory that processes share? Tried out with a file beside the
 * database; 1 also where that cannot be made. */
int netfs_shares_memory(const char *path);

#endif

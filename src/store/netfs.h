#ifndef STORE_NETFS_H
#define STORE_NETFS_H

/* Does this file, or the folder it will be in, lie on a file system that other
 * machines may write as well (NFS, SMB and their like, and FUSE, behind which
 * anything can be)? There SQLite's WAL is no choice, even where it seems to
 * work: its index is shared memory (https://www.sqlite.org/wal.html, 1). */
int netfs_has(const char *path);

#endif

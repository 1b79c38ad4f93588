#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdint.h>

/*
 * SQLite's own file access (the VFS "unix") with two hands in between: one that
 * is asked before each call and can let it fail, one that is told after each
 * call that changed something. It becomes the default VFS of this process.
 * https://www.sqlite.org/vfs.html
 */
enum vfs_op {
	VFS_OPEN,
	VFS_READ,
	VFS_WRITE,
	VFS_TRUNCATE,
	VFS_SYNC,
	VFS_LOCK,
	VFS_SHM, /* mapping and locking of the -shm file */
	VFS_DELETE,
	VFS_SIZE,
	VFS_FOLDER, /* the folder's own entries are synced */
	VFS__MAX
};

struct vfs_call {
	enum vfs_op op;
	const char *name; /* full path, as long as the process lives */
	const void *bytes; /* of a write; valid during the call */
	int64_t n; /* bytes; the size after a truncation */
	int64_t at; /* offset */
};

/* SQLITE_OK: go on; else the call fails with that code. */
typedef int vfs_before_fn(void *arg, const struct vfs_call *call);
typedef void vfs_after_fn(void *arg, const struct vfs_call *call);

struct vfs_hands {
	vfs_before_fn *before; /* NULL: nothing fails */
	vfs_after_fn *after; /* NULL: nobody is told */
	void *arg;
	/* what is written leaves its neighbours in a sector alone, as SQLite
	 * takes for granted on Unix; else it pads the WAL */
	int powersafe;
	int no_shm; /* as on file systems without shared memory: no WAL */
};

extern const char *const vfs_words[VFS__MAX];

/* Once; hands may be changed between two calls of SQLite, by one thread. */
int vfs_register(struct vfs_hands *hands);

#endif

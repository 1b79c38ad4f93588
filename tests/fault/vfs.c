#include "vfs.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { NAMES_MAX = 64 };

const char *const vfs_words[VFS__MAX] = {
	[VFS_OPEN] = "open",
	[VFS_READ] = "read",
	[VFS_WRITE] = "write",
	[VFS_TRUNCATE] = "truncate",
	[VFS_SYNC] = "sync",
	[VFS_LOCK] = "lock",
	[VFS_SHM] = "shared memory",
	[VFS_DELETE] = "delete",
	[VFS_SIZE] = "size",
	[VFS_FOLDER] = "sync of the folder",
};

struct file {
	sqlite3_file base;
	const char *name;
	sqlite3_file *real; /* behind this struct */
};

static struct vfs_hands *hands;
static sqlite3_vfs *unix_vfs;
static int (*real_open_folder)(const char *, int *);
static char *names[NAMES_MAX];

/* Names outlive files: what is told of them is kept. */
static const char *
name_of(const char *path)
{
	if (path == NULL)
		return "";
	for (int i = 0; i < NAMES_MAX; i++) {
		if (names[i] == NULL)
			names[i] = strdup(path);
		if (names[i] != NULL && strcmp(names[i], path) == 0)
			return names[i];
	}
	abort();
}

static int
ask(const struct vfs_call *call)
{
	return hands->before == NULL ? SQLITE_OK
				     : hands->before(hands->arg, call);
}

static int
tell(int rc, const struct vfs_call *call)
{
	if (rc == SQLITE_OK && hands->after != NULL)
		hands->after(hands->arg, call);
	return rc;
}

/* ---- files --------------------------------------------------------------- */

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static struct vfs_call
call_of(sqlite3_file *f, enum vfs_op op)
{
	return (struct vfs_call){ .op = op, .name = ((struct file *)f)->name };
}

/* Asks; where nothing is to fail, does it. */
#define PASS(f, kind, doing) \
	do { \
		struct vfs_call call = call_of(f, kind); \
		int rc = ask(&call); \
		return rc != SQLITE_OK ? rc : (doing); \
	} while (0)

static int
file_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	PASS(f, VFS_READ, real(f)->pMethods->xRead(real(f), p, n, at));
}

static int
file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct vfs_call call = call_of(f, VFS_WRITE);
	call.bytes = p;
	call.n = n;
	call.at = at;
	int rc = ask(&call);
	if (rc == SQLITE_OK)
		rc = real(f)->pMethods->xWrite(real(f), p, n, at);
	return tell(rc, &call);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	struct vfs_call call = call_of(f, VFS_TRUNCATE);
	call.n = n;
	int rc = ask(&call);
	if (rc == SQLITE_OK)
		rc = real(f)->pMethods->xTruncate(real(f), n);
	return tell(rc, &call);
}

static int
file_sync(sqlite3_file *f, int flags)
{
	struct vfs_call call = call_of(f, VFS_SYNC);
	int rc = ask(&call);
	if (rc == SQLITE_OK)
		rc = real(f)->pMethods->xSync(real(f), flags);
	return tell(rc, &call);
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	PASS(f, VFS_SIZE, real(f)->pMethods->xFileSize(real(f), out));
}

static int
file_lock(sqlite3_file *f, int lock)
{
	PASS(f, VFS_LOCK, real(f)->pMethods->xLock(real(f), lock));
}

static int
file_unlock(sqlite3_file *f, int lock)
{
	return real(f)->pMethods->xUnlock(real(f), lock);
}

static int
file_reserved(sqlite3_file *f, int *out)
{
	PASS(f, VFS_LOCK, real(f)->pMethods->xCheckReservedLock(real(f), out));
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
file_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
file_device(sqlite3_file *f)
{
	int is = real(f)->pMethods->xDeviceCharacteristics(real(f));
	return hands->powersafe ? is : is & ~SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	PASS(f, VFS_SHM,
	    real(f)->pMethods->xShmMap(real(f), page, size, extend, out));
}

static int
shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	if ((flags & SQLITE_SHM_UNLOCK) != 0)
		return real(f)->pMethods->xShmLock(real(f), at, n, flags);
	PASS(f, VFS_SHM, real(f)->pMethods->xShmLock(real(f), at, n, flags));
}

static void
shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
shm_unmap(sqlite3_file *f, int delete)
{
	return real(f)->pMethods->xShmUnmap(real(f), delete);
}

#define METHODS(version) \
	{ \
		.iVersion = version, .xClose = file_close, .xRead = file_read, \
		.xWrite = file_write, .xTruncate = file_truncate, \
		.xSync = file_sync, .xFileSize = file_size, \
		.xLock = file_lock, .xUnlock = file_unlock, \
		.xCheckReservedLock = file_reserved, \
		.xFileControl = file_control, .xSectorSize = file_sector, \
		.xDeviceCharacteristics = file_device, .xShmMap = shm_map, \
		.xShmLock = shm_lock, .xShmBarrier = shm_barrier, \
		.xShmUnmap = shm_unmap \
	}

static const sqlite3_io_methods with_shm = METHODS(2);
static const sqlite3_io_methods without_shm = METHODS(1);

/* ---- the file system ----------------------------------------------------- */

static int
vfs_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)f;
	struct vfs_call call = { .op = VFS_OPEN, .name = name_of(path) };
	(void)vfs;
	f->pMethods = NULL;
	file->name = call.name;
	file->real = (sqlite3_file *)(void *)(file + 1);
	int rc = ask(&call);
	if (rc == SQLITE_OK)
		rc = unix_vfs->xOpen(unix_vfs, path, file->real, flags, out);
	if (rc == SQLITE_OK)
		f->pMethods = hands->no_shm ? &without_shm : &with_shm;
	return tell(rc, &call);
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	struct vfs_call call = { .op = VFS_DELETE, .name = name_of(path) };
	(void)vfs;
	int rc = ask(&call);
	if (rc != SQLITE_OK)
		return rc;
	/* the file is gone before its folder is synced */
	rc = unix_vfs->xDelete(unix_vfs, path, 0);
	tell(rc, &call);
	if (rc == SQLITE_OK && sync_folder) {
		call.op = VFS_FOLDER;
		rc = tell(ask(&call), &call);
	}
	return rc;
}

/* SQLite opens the folder of a new journal to sync its entries: unixSync() in
 * os_unix.c. The sync itself is told right after this. */
static int
open_folder(const char *path, int *out)
{
	struct vfs_call call = { .op = VFS_FOLDER, .name = name_of(path) };
	if (ask(&call) != SQLITE_OK)
		return SQLITE_CANTOPEN;
	return tell(real_open_folder(path, out), &call);
}

int
vfs_register(struct vfs_hands *h)
{
	static sqlite3_vfs vfs;
	hands = h;
	unix_vfs = sqlite3_vfs_find("unix");
	if (unix_vfs == NULL)
		return -1;
	vfs = *unix_vfs;
	vfs.pNext = NULL;
	vfs.zName = "faults";
	vfs.szOsFile += (int)sizeof(struct file);
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	sqlite3_syscall_ptr old =
	    unix_vfs->xGetSystemCall(unix_vfs, "openDirectory");
	memcpy(&real_open_folder, &old, sizeof(old));
	memcpy(
	    &old, &(int (*)(const char *, int *)){ open_folder }, sizeof(old));
	unix_vfs->xSetSystemCall(unix_vfs, "openDirectory", old);
	return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? 0 : -1;
}

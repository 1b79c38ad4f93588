#include "store/db_sqlite_wal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum {
	BUFFER_MAX = 512 * 1024, /* most batches of deliveries */
	PIECE_MAX = 64 * 1024, /* os_unix.c writes less than 128 KiB at once */
};

struct wal {
	sqlite3_file base;
	int may_wait;
	char *buffer; /* NULL: not yet, or no memory */
	int n; /* bytes in it */
	sqlite3_int64 at; /* where they belong */
	/* the file itself lies behind, as SQLite places it */
};

enum { BEHIND = (sizeof(struct wal) + 15) / 16 * 16 };

static sqlite3_vfs vfs;
static sqlite3_vfs *usual;

static sqlite3_file *
file_of(struct wal *w)
{
	return (sqlite3_file *)(void *)((char *)w + BEHIND);
}

static struct wal *
wal_of(sqlite3_file *f)
{
	return (struct wal *)(void *)f;
}

/* What could not be written is given up, as the call that needed it there fails
 * and the transaction with it. */
static int
flush(struct wal *w)
{
	sqlite3_file *f = file_of(w);
	int rc = SQLITE_OK;
	for (int done = 0, n; done < w->n && rc == SQLITE_OK; done += n) {
		n = w->n - done < PIECE_MAX ? w->n - done : PIECE_MAX;
		rc = f->pMethods->xWrite(f, w->buffer + done, n, w->at + done);
	}
	w->n = 0;
	return rc;
}

static int
wal_close(sqlite3_file *file)
{
	struct wal *w = wal_of(file);
	sqlite3_file *f = file_of(w);
	int rc = flush(w), closed = f->pMethods->xClose(f);
	free(w->buffer);
	w->buffer = NULL;
	return rc != SQLITE_OK ? rc : closed;
}

static int
wal_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	sqlite3_file *f = file_of(wal_of(file));
	int rc = flush(wal_of(file));
	return rc != SQLITE_OK ? rc : f->pMethods->xRead(f, p, n, at);
}

static int
wal_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct wal *w = wal_of(file);
	sqlite3_file *f = file_of(w);
	if (w->buffer == NULL && w->may_wait)
		w->buffer = malloc(BUFFER_MAX);
	if (w->n > 0 && (at != w->at + w->n || n > BUFFER_MAX - w->n)) {
		int rc = flush(w);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (w->buffer == NULL || n > BUFFER_MAX)
		return f->pMethods->xWrite(f, p, n, at);
	if (w->n == 0)
		w->at = at;
	memcpy(w->buffer + w->n, p, (size_t)n);
	w->n += n;
	return SQLITE_OK;
}

static int
wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *f = file_of(wal_of(file));
	int rc = flush(wal_of(file));
	return rc != SQLITE_OK ? rc : f->pMethods->xTruncate(f, size);
}

static int
wal_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *f = file_of(wal_of(file));
	int rc = flush(wal_of(file));
	return rc != SQLITE_OK ? rc : f->pMethods->xSync(f, flags);
}

static int
wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
	sqlite3_file *f = file_of(wal_of(file));
	int rc = flush(wal_of(file));
	return rc != SQLITE_OK ? rc : f->pMethods->xFileSize(f, size);
}

static int
wal_lock(sqlite3_file *file, int level)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xLock(f, level);
}

static int
wal_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xUnlock(f, level);
}

static int
wal_check_lock(sqlite3_file *file, int *out)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xCheckReservedLock(f, out);
}

static int
wal_control(sqlite3_file *file, int op, void *arg)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xFileControl(f, op, arg);
}

static int
wal_sector(sqlite3_file *file)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xSectorSize(f);
}

static int
wal_device(sqlite3_file *file)
{
	sqlite3_file *f = file_of(wal_of(file));
	return f->pMethods->xDeviceCharacteristics(f);
}

/* Version 1: nobody maps a write-ahead log. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_check_lock,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_device,
};

static uint32_t
big_endian(const unsigned char p[4])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* Has the log begun anew, as its header counts
 * (https://www.sqlite.org/fileformat2.html, 4.1)? */
static int
has_begun_anew(sqlite3_file *f)
{
	enum { MAGIC = 0x377F0682, COUNT_AT = 12 };
	unsigned char head[16];
	return f->pMethods->xRead(f, head, sizeof(head), 0) == SQLITE_OK &&
	    (big_endian(head) & ~1U) == MAGIC &&
	    big_endian(head + COUNT_AT) != 0;
}

/* A file that may have been made is synced with its folder, by each connection
 * (os_unix.c, unixSync). A log that has begun anew was synced by who wrote it
 * back before that, its name too: it is opened as one that is there. */
static int
open_log(const char *name, sqlite3_file *f, int flags, int *out)
{
	if (usual->xOpen(usual, name, f, flags & ~SQLITE_OPEN_CREATE, out) ==
		SQLITE_OK &&
	    has_begun_anew(f))
		return SQLITE_OK;
	if (f->pMethods != NULL)
		f->pMethods->xClose(f);
	return usual->xOpen(usual, name, f, flags, out);
}

static int
open_file(
    sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)v;
	struct wal *w = wal_of(file);
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return usual->xOpen(usual, name, file, flags, out);
	memset(w, 0, sizeof(*w));
	int rc = open_log(name, file_of(w), flags, out);
	/* closed by SQLite if it has methods, whatever became of it */
	if (file_of(w)->pMethods == NULL)
		return rc;
	w->base.pMethods = &methods;
	w->may_wait = rc == SQLITE_OK &&
	    (wal_device(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
	return rc;
}

const char *
wal_vfs(void)
{
	usual = sqlite3_vfs_find(NULL);
	if (usual == NULL)
		return NULL;
	vfs = *usual;
	vfs.pNext = NULL;
	vfs.zName = "gatepost";
	vfs.szOsFile = BEHIND + usual->szOsFile;
	vfs.xOpen = open_file;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}

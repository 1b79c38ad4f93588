#include "store/db_sqlite_swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/turn.h"

enum {
	/* SQLite's locks: whoever has the file open in WAL mode, or reads it,
	 * holds one of these bytes (https://www.sqlite.org/src/file/src/os.h) */
	LOCK_FIRST = 0x40000000,
	LOCK_BYTES = 512,
	TURN_MS = 3000,
	PATH_MAX_LEN = 4096,
};

static const char *const parts[] = { "", "-wal", "-shm", "-journal" };
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* A descriptor that holds all locks of the database; -1: there is none there,
 * or an error, with e set. */
static int
lock_all(const char *where, struct err *e)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_FIRST,
		.l_len = LOCK_BYTES };
	int fd = open(where, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	if (fd < 0 && errno == ENOENT)
		return -1;
	err_set(e, fd < 0 ? ERR_SYSTEM : ERR_BUSY, "%s: %s", where,
	    fd < 0 ? strerror(errno) : "a program has it open");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Renames the database and what belongs to it, the database last. */
static int
move(const char *from, const char *to, struct err *e)
{
	for (int i = PARTS - 1; i >= 0; i--) {
		char a[PATH_MAX_LEN], b[PATH_MAX_LEN];
		snprintf(a, sizeof(a), "%s%s", from, parts[i]);
		snprintf(b, sizeof(b), "%s%s", to, parts[i]);
		if (rename(a, b) != 0 && errno != ENOENT)
			return err_set(e, ERR_SYSTEM,
			    "%s: cannot be renamed: %s", a, strerror(errno));
	}
	return 0;
}

int
db_swap(const char *where, const char *fresh, const char *kept, int *had,
    struct err *e)
{
	struct err lost = { .code = ERR_NONE };
	/* before it opens the database, plain CGI does the same */
	turn_take(where, TURN_MS, NULL);
	int fd = lock_all(where, &lost);
	*had = fd >= 0;
	if (lost.code != ERR_NONE)
		return err_set(e, lost.code, "%s", lost.text);
	int rc = move(where, kept, e);
	if (rc == 0 && rename(fresh, where) != 0)
		rc = err_set(e, ERR_SYSTEM, "%s: cannot be renamed: %s", fresh,
		    strerror(errno));
	if (rc != 0)
		move(kept, where, NULL);
	file_sync_folder(where);
	if (fd >= 0)
		close(fd);
	return rc;
}

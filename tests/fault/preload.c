/*
 * Faults for a whole program, by LD_PRELOAD. A test maps the file that
 * FAULT_CONTROL names and sets its numbers (struct control, fault.py) while
 * the program runs:
 *
 *	- kill it at the n-th call of a kind: before the call, after it, or in
 *	  the middle of a write
 *	- fail the n-th allocation
 *	- refuse all calls of some kinds, with an errno, for as long as it is set
 *	- shift the wall clock
 *
 * The monotonic clock is left alone, as the kernel leaves it alone when
 * somebody sets the time (clock_gettime(2)).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum op {
	OP_ANY,
	OP_SYNC,
	OP_PWRITE,
	OP_WRITE,
	OP_TRUNCATE,
	OP_UNLINK,
	OP_OPEN, /* any file */
	OP_CREATE, /* a file to be written */
};
enum when { BEFORE, AFTER, MIDDLE };

struct control {
	_Atomic int64_t kill_at; /* counts down; 0: never */
	_Atomic int64_t kill_op;
	_Atomic int64_t kill_when;
	_Atomic int64_t memory_at; /* counts down; 0: never */
	_Atomic int64_t wall; /* seconds added */
	_Atomic int64_t calls; /* of kill_op so far */
	_Atomic int64_t allocations;
	_Atomic int64_t refuse; /* kinds, 1 << op each */
	_Atomic int64_t refuse_errno;
};

static struct control *control;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t k, size_t n);
void *__libc_realloc(void *p, size_t n);

__attribute__((constructor)) static void
fault_open(void)
{
	const char *file = getenv("FAULT_CONTROL");
	int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		control = p;
}

static int
is_due(_Atomic int64_t *count)
{
	return atomic_load(count) > 0 && atomic_fetch_sub(count, 1) == 1;
}

static int
is_hit(enum op op)
{
	if (control == NULL)
		return 0;
	int64_t wanted = atomic_load(&control->kill_op);
	if (wanted != OP_ANY && wanted != (int64_t)op)
		return 0;
	atomic_fetch_add(&control->calls, 1);
	return is_due(&control->kill_at);
}

static void
die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* 1: the caller has to die when its call is done. */
static int
strike(enum op op)
{
	if (!is_hit(op))
		return 0;
	if (atomic_load(&control->kill_when) == BEFORE)
		die();
	return 1;
}

static int
is_refused(enum op op)
{
	if (control == NULL || !(atomic_load(&control->refuse) & 1 << op))
		return 0;
	errno = (int)atomic_load(&control->refuse_errno);
	return 1;
}

/* Files without a name are memory (memfd_create(2)), not the disk's. */
static int
is_refused_on(int fd, enum op op)
{
	struct stat st;
	return is_refused(op) && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

int
fsync(int fd)
{
	if (is_refused_on(fd, OP_SYNC))
		return -1;
	int late = strike(OP_SYNC);
	int rc = (int)syscall(SYS_fsync, fd);
	if (late)
		die();
	return rc;
}

int
fdatasync(int fd)
{
	if (is_refused_on(fd, OP_SYNC))
		return -1;
	int late = strike(OP_SYNC);
	int rc = (int)syscall(SYS_fdatasync, fd);
	if (late)
		die();
	return rc;
}

static size_t
part(int late, size_t n)
{
	return late && atomic_load(&control->kill_when) == MIDDLE ? n / 2 : n;
}

static ssize_t
pwrite_or_die(int fd, const void *p, size_t n, off_t at)
{
	if (is_refused_on(fd, OP_PWRITE))
		return -1;
	int late = strike(OP_PWRITE);
	ssize_t rc = syscall(SYS_pwrite64, fd, p, part(late, n), at);
	if (late)
		die();
	return rc;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite_or_die(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite_or_die(fd, p, n, at);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	int late = strike(OP_WRITE);
	ssize_t rc = syscall(SYS_write, fd, p, part(late, n));
	if (late)
		die();
	return rc;
}

static int
truncate_or_die(int fd, off_t size)
{
	if (is_refused_on(fd, OP_TRUNCATE))
		return -1;
	int late = strike(OP_TRUNCATE);
	int rc = (int)syscall(SYS_ftruncate, fd, size);
	if (late)
		die();
	return rc;
}

int
ftruncate(int fd, off_t size)
{
	return truncate_or_die(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return truncate_or_die(fd, size);
}

int
unlink(const char *path)
{
	if (is_refused(OP_UNLINK))
		return -1;
	int late = strike(OP_UNLINK);
	int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (late)
		die();
	return rc;
}

static int
open_or_refuse(const char *path, int flags, mode_t mode)
{
	if (is_refused(OP_OPEN) ||
	    ((flags & O_ACCMODE) != O_RDONLY && is_refused(OP_CREATE)))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static mode_t
mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = mode_of(flags, more);
	va_end(more);
	return open_or_refuse(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = mode_of(flags, more);
	va_end(more);
	return open_or_refuse(path, flags, mode);
}

/* ---- memory -------------------------------------------------------------- */

static int
no_memory(void)
{
	if (control == NULL)
		return 0;
	atomic_fetch_add(&control->allocations, 1);
	if (!is_due(&control->memory_at))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return no_memory() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t k, size_t n)
{
	return no_memory() ? NULL : __libc_calloc(k, n);
}

void *
realloc(void *p, size_t n)
{
	return no_memory() ? NULL : __libc_realloc(p, n);
}

/* ---- the wall clock ------------------------------------------------------ */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	if (rc == 0 && control != NULL &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += (time_t)atomic_load(&control->wall);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

#include "cgi/server/io.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgi/server/frame.h"

enum {
	IO_KEEP = 256 * 1024, /* bytes of the memory file kept when idle */
	IO_HEAD_MAX = 2 * REPLY_HEAD_MAX,
	PAGE = 4096,
	/* of libfcgi for one request, beside the text of the parameters: its
	 * buffers, its table grown for FRAME_PARAMS_COUNT, a block for each */
	IO_LIBRARY = 32 * 1024 + FRAME_PARAMS_COUNT * 40,
};

struct io {
	int fd; /* the memory file; -1: to be made */
	size_t size; /* of it */
	void *volatile reserve; /* only ever there for a moment */
	FCGX_Request q;
	struct buf head;
};

int
io_init(struct err *e)
{
	int rc = FCGX_Init();
	if (rc != 0)
		return err_set(e, ERR_SYSTEM, "libfcgi: FCGX_Init: %d", rc);
	return 0;
}

static int
file_open(struct io *io)
{
	if (io->fd < 0)
		io->fd = memfd_create("request", MFD_CLOEXEC);
	io->size = 0;
	return io->fd < 0 ? -1 : 0;
}

struct io *
io_new(struct err *e)
{
	struct io *io = calloc(1, sizeof(*io));
	if (io == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	io->fd = -1;
	buf_init(&io->head, IO_HEAD_MAX);
	if (file_open(io) != 0) {
		err_set(e, ERR_SYSTEM, "memfd_create: %s", strerror(errno));
		io_free(io);
		return NULL;
	}
	return io;
}

void
io_free(struct io *io)
{
	if (io == NULL)
		return;
	if (io->fd >= 0)
		close(io->fd);
	buf_free(&io->head);
	free(io);
}

/* The file holds exactly these bytes, to be read from its beginning. */
static int
file_fill(struct io *io, struct str s)
{
	if (io->fd < 0 && file_open(io) != 0)
		return -1;
	size_t done = 0;
	while (done < s.n) {
		ssize_t k = pwrite(io->fd, s.p + done, s.n - done, (off_t)done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		done += (size_t)k;
	}
	if (io->size > s.n && ftruncate(io->fd, (off_t)s.n) != 0)
		return -1;
	io->size = s.n;
	return lseek(io->fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

/* Was p cut from what the program has? glibc maps what it cannot cut as pages
 * of its own, all of which count, and unmaps them at once when freed. */
static int
is_kept(void *p, size_t n)
{
#ifdef __GLIBC__
	return malloc_usable_size(p) < n + PAGE / 4;
#else
	return p != NULL && n > 0;
#endif
}

/* Where an allocation of its own fails libfcgi ends the program (fcgiapp.c,
 * Malloc, PutParam). So all it takes for a request is asked for first, in one
 * piece: given back, it stays the thread's and is found there, but where
 * threads that share it are quicker. n: bytes of the parameters' records. */
static int
memory_is_there(struct io *io, size_t n)
{
	size_t size =
	    IO_LIBRARY + (n < FRAME_PARAMS_MAX ? n : FRAME_PARAMS_MAX);
	/* for is_kept: far from whole pages */
	size = size / PAGE * PAGE + PAGE / 2;
	io->reserve = malloc(size);
	if (io->reserve == NULL)
		return 0;
	int is_there = is_kept(io->reserve, size);
	free(io->reserve);
	io->reserve = NULL;
	return is_there;
}

/* All of STDIN, up to n bytes; anything else than n is an error. */
static int
read_body(FCGX_Request *q, struct arena *a, size_t n, struct str *body)
{
	char *p = arena_alloc(a, n + 1);
	if (p == NULL || n > INT_MAX - 1)
		return -1;
	int k = FCGX_GetStr(p, (int)n + 1, q->in);
	if (k < 0 || (size_t)k != n || FCGX_GetError(q->in) != 0)
		return -1;
	*body = (struct str){ p, n };
	return 0;
}

int
io_read(struct io *io, struct str records, size_t body_n, struct arena *a,
    struct request *r)
{
	struct str body = STR("");
	if (file_fill(io, records) != 0 ||
	    !memory_is_there(io, records.n - body_n))
		return -1;
	FCGX_Request *q = &io->q;
	FCGX_InitRequest(q, -1, 0);
	q->ipcFd = io->fd;
	/* or Accept_r begins by closing what it takes for an old connection */
	q->keepConnection = 1;
	if (FCGX_Accept_r(q) != 0) {
		/* it has closed the file and taken it for a connection */
		io->fd = -1;
		return -1;
	}
	if (read_body(q, a, body_n, &body) != 0) {
		io_end(io);
		return -1;
	}
	request_init(r, a, (const char *const *)q->envp, body, 0);
	return 0;
}

int
io_write(struct io *io, int fd, const struct request *r, const struct reply *p)
{
	FCGX_Request *q = &io->q;
	buf_reset(&io->head);
	if (reply_head(p, &io->head) != 0)
		return -1;
	q->ipcFd = fd;
	FCGX_PutStr(io->head.p, (int)io->head.n, q->out);
	if (!r->is_head && p->body.n > 0)
		FCGX_PutStr(p->body.p, (int)p->body.n, q->out);
	/* closing a stream that failed would try, and wait, once more */
	if (FCGX_GetError(q->out) != 0)
		return -1;
	/* not FCGX_Finish_r: on an error that one closes the connection, and
	 * waits up to two seconds for the peer to do so first */
	FCGX_FClose(q->err);
	FCGX_FClose(q->out);
	return FCGX_GetError(q->out) == 0 ? 0 : -1;
}

void
io_end(struct io *io)
{
	FCGX_Free(&io->q, 0);
	io->q.ipcFd = -1;
	if (io->size > IO_KEEP && ftruncate(io->fd, 0) == 0)
		io->size = 0;
}

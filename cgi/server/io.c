#include "cgi/server/io.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

enum {
	IO_KEEP = 256 * 1024, /* bytes of the memory file kept when idle */
	IO_HEAD_MAX = 2 * REPLY_HEAD_MAX,
};

struct io {
	int fd; /* the memory file; -1: to be made */
	size_t size; /* of it */
	FCGX_Request q;
	struct buf head;
};

/* libfcgi ends the program where it finds no memory (fcgiapp.c, Malloc), and
 * then assert(3) has none to say so. */
static void
say_abort(int number)
{
	static const char text[] =
	    "gatepost.fcgi: error: aborted: no memory left?\n";
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		signal(number, SIG_DFL);
}

int
io_init(struct err *e)
{
	signal(SIGABRT, say_abort);
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
	struct io *io = memory_new(sizeof(*io));
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
	if (file_fill(io, records) != 0)
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

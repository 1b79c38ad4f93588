#include "cgi/server/plain.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "cgi/server/send.h"

enum {
	ANSWER_MAX = REPLY_BODY_MAX + 2 * REPLY_HEAD_MAX,
	READ_SIZE = 16 * 1024,
};

/* How many bytes to read: CONTENT_LENGTH where there is a good one, since some
 * servers leave the descriptor open behind it. Without one a body can still
 * come (chunked), but then only with a method that has a body. */
static size_t
bytes_wanted(const struct request *r, size_t max)
{
	int64_t length;
	struct str text = request_param(r, "CONTENT_LENGTH");
	if (str_int64(text, 0, INT64_MAX, &length) == 0)
		return (uint64_t)length > max ? max : (size_t)length;
	if (request_param(r, "HTTP_TRANSFER_ENCODING").n > 0)
		return max;
	return str_eq_z(r->method, "GET") || r->is_head ? 0 : max;
}

/* 1: there is something to read or the end; 0: the time is over. */
static int
wait_readable(int fd, int64_t until)
{
	for (;;) {
		int64_t left = until - time_ticks();
		if (left <= 0)
			return 0;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return 0;
	}
}

/* Reads up to want bytes. -1: it broke off before the end. */
static int
read_body(int fd, size_t want, int64_t until, struct buf *body)
{
	while (body->n < want) {
		size_t n = want - body->n;
		if (n > READ_SIZE)
			n = READ_SIZE;
		char *p = wait_readable(fd, until) ? buf_room(body, n) : NULL;
		if (p == NULL)
			return -1;
		ssize_t k = read(fd, p, n);
		body->n -= n - (k > 0 ? (size_t)k : 0);
		if (k == 0)
			return 0;
		if (k < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
	}
	return 0;
}

/* Of a body that is too large: a server can lose the answer of a program that
 * ends with bytes unread. */
static void
drop_body(int fd, size_t n, int64_t until)
{
	char dropped[READ_SIZE];
	while (n > 0 && wait_readable(fd, until)) {
		ssize_t k =
		    read(fd, dropped, n < READ_SIZE ? n : (size_t)READ_SIZE);
		if (k > 0)
			n -= (size_t)k;
		else if (k == 0 || (errno != EINTR && errno != EAGAIN))
			return;
	}
}

static int
write_all(int fd, struct str s, struct err *e)
{
	return file_write(fd, s) == 0
	    ? 0
	    : err_set(e, ERR_SYSTEM, "answer: %s", strerror(errno));
}

static int
write_file(int fd, struct download *d, struct err *e)
{
	char *scratch = memory_new(DOWNLOAD_READ);
	int rc = download_write(d, fd, scratch);
	free(scratch);
	return rc == 0 ? 0
		       : err_set(e, ERR_SYSTEM, "a file was not sent whole");
}

static int
answer(int fd, const struct request *r, const struct reply *p, struct err *e)
{
	struct buf out;
	buf_init(&out, ANSWER_MAX);
	int rc = reply_head(p, &out);
	if (!r->is_head)
		buf_adds(&out, buf_str(&p->body));
	if (rc != 0 || !buf_ok(&out))
		rc = err_set(e, ERR_MEMORY, "the answer is too long");
	else
		rc = write_all(fd, buf_str(&out), e);
	buf_free(&out);
	if (rc == 0 && p->download != NULL)
		rc = write_file(fd, p->download, e);
	send_drop(p->download);
	return rc;
}

int
plain_serve(const struct plain_opts *o, struct err *e)
{
	struct arena *a = arena_new(REQUEST_ARENA_MAX);
	int64_t until =
	    time_ticks() + (o->read_ms > 0 ? o->read_ms : PLAIN_READ_MS);
	struct request r;
	struct reply p;
	struct buf body;
	/* one byte more shows that there is more */
	buf_init(&body, o->body_max + 1);
	reply_init(&p);
	reply_reset(&p, a);
	request_init(&r, a, o->params, STR(""), 0);
	size_t want = bytes_wanted(&r, o->body_max + 1);
	int cut = read_body(o->in, want, until, &body) != 0;
	int too_large = body.n > o->body_max;
	if (too_large)
		drop_body(o->in,
		    bytes_wanted(&r, body.n + PLAIN_DROP_MAX) - body.n, until);
	arena_reset(a);
	request_init(
	    &r, a, o->params, too_large ? STR("") : buf_str(&body), cut);
	r.body_too_large = too_large;
	o->handle(o->ctx, &r, &p);
	int rc = answer(o->out, &r, &p, e);
	if (o->mails != NULL && p.mails)
		*o->mails = 1;
	reply_free(&p);
	buf_free(&body);
	arena_free(a);
	return rc;
}

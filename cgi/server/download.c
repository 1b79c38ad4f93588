#include "cgi/server/download.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgi/server/frame.h"

enum {
	OUT_MAX = 2 * REPLY_HEAD_MAX,
	READS_MAX = 4, /* at a time: others are served as well */
};

struct download *
download_new(int fd, int64_t first, int64_t n)
{
	struct download *d = calloc(1, sizeof(*d));
	if (d == NULL) {
		close(fd);
		return NULL;
	}
	d->fd = fd;
	d->at = first;
	d->left = n;
	buf_init(&d->head, REPLY_HEAD_MAX);
	buf_init(&d->out, OUT_MAX);
	return d;
}

void
download_free(struct download *d)
{
	if (d == NULL)
		return;
	close(d->fd);
	buf_free(&d->head);
	buf_free(&d->out);
	free(d);
}

/* Up to DOWNLOAD_READ bytes. -1: there are none where some should be. */
static ssize_t
fill(const struct download *d, char *scratch, int64_t most)
{
	size_t n = most < DOWNLOAD_READ ? (size_t)most : DOWNLOAD_READ;
	ssize_t k;
	do
		k = pread(d->fd, scratch, n, d->at);
	while (k < 0 && errno == EINTR);
	return k > 0 ? k : -1;
}

/* Bytes taken, 0 when there is no room, -1. */
static ssize_t
push(int to, const char *p, size_t n, int more)
{
	for (;;) {
		ssize_t k = send(to, p, n, MSG_DONTWAIT | MSG_NOSIGNAL | more);
		if (k >= 0)
			return k;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

void
download_begin(struct download *d, uint16_t id, struct str head)
{
	frame_stdout(&d->out, id, head);
}

/* What comes next when all of out is sent: a record, or the end. */
static void
go_on(struct download *d, uint16_t id)
{
	buf_reset(&d->out);
	d->written = 0;
	if (d->left == 0) {
		frame_finish(&d->out, id);
		d->ending = 1;
		return;
	}
	d->record =
	    d->left < FRAME_CONTENT_MAX ? (size_t)d->left : FRAME_CONTENT_MAX;
	frame_stdout_header(&d->out, id, d->record);
}

static ssize_t
push_out(struct download *d, int to)
{
	ssize_t k = push(to, d->out.p + d->written, d->out.n - d->written,
	    d->record > 0 ? MSG_MORE : 0);
	if (k > 0)
		d->written += (size_t)k;
	return k;
}

/* What the connection does not take is read again, from the page cache. */
static ssize_t
push_file(struct download *d, int to, char *scratch)
{
	ssize_t have = fill(d, scratch, (int64_t)d->record);
	ssize_t k = have < 0 ? -1 : push(to, scratch, (size_t)have, 0);
	if (k > 0) {
		d->at += k;
		d->left -= k;
		d->record -= (size_t)k;
	}
	return k;
}

int
download_step(struct download *d, int to, uint16_t id, char *scratch)
{
	for (int reads = 0; buf_ok(&d->out);) {
		ssize_t k;
		if (d->written < d->out.n) {
			k = push_out(d, to);
		} else if (d->record > 0) {
			if (reads++ == READS_MAX)
				return 0;
			k = push_file(d, to, scratch);
		} else if (d->ending) {
			return 1;
		} else {
			go_on(d, id);
			continue;
		}
		if (k <= 0)
			return (int)k;
	}
	return -1;
}

int
download_write(struct download *d, int to, char *scratch)
{
	while (d->left > 0) {
		ssize_t have = fill(d, scratch, d->left), done = 0;
		if (have < 0)
			return -1;
		while (done < have) {
			ssize_t k =
			    write(to, scratch + done, (size_t)(have - done));
			if (k < 0 && errno != EINTR)
				return -1;
			done += k > 0 ? k : 0;
		}
		d->at += have;
		d->left -= have;
	}
	return 0;
}

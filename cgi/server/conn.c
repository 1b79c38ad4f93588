#include "cgi/server/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/time.h"

static int
conn_append(struct conn_shared *s, struct conn *c, const void *p, size_t n)
{
	size_t before = c->in.size;
	buf_add(&c->in, p, n);
	size_t grown = c->in.size - before;
	if (atomic_fetch_add(&s->buffered, grown) + grown > LOOP_BUFFER_MAX) {
		log_line(LOG_ERROR, "closed a connection: too many bytes wait");
		return -1;
	}
	return buf_ok(&c->in) ? 0 : -1;
}

/* Appends to what is kept of the unfinished request: of one that is too large,
 * no more than its head. */
static int
conn_keep(struct conn_shared *s, struct conn *c, const void *p, size_t n)
{
	size_t head = c->frame.head;
	if (c->frame.too_large && c->in.n >= head) {
		c->in.n = head;
		return 0;
	}
	if (c->frame.too_large && n > head - c->in.n)
		n = head - c->in.n;
	return conn_append(s, c, p, n);
}

static void
conn_forget(struct conn_shared *s, struct conn *c)
{
	atomic_fetch_sub(&s->buffered, c->in.size);
	buf_free(&c->in);
	frame_init(&c->frame, s->o.body_max);
	atomic_store(&c->deadline, 0);
}

/* 0, or -1 when the answer did not get through. A reply that waits for
 * something is not written: it is w->parked or w->download, or the request is
 * w->later. */
static int
serve(struct worker *w, struct conn *c, struct str records)
{
	struct conn_shared *s = w->shared;
	struct request r;
	size_t body = c->frame.too_large ? 0 : c->frame.body;
	if (io_read(w->io, records, body, w->arena, &r) != 0) {
		log_line(LOG_ERROR, "a request could not be read: no memory?");
		arena_reset(w->arena);
		return -1;
	}
	r.body_too_large = c->frame.too_large;
	r.is_authorizer = c->frame.authorizer;
	r.worker = w->index;
	r.came = c->came;
	r.behind = w->behind;
	reply_reset(&w->reply, w->arena);
	s->o.handle(s->o.ctx, &r, &w->reply);
	int rc = 0;
	w->parked = w->reply.stream;
	w->download = w->reply.download;
	w->later = w->reply.later;
	w->wrote |= r.wrote;
	if (w->parked == NULL && w->download == NULL && !w->later) {
		atomic_store(&c->deadline, time_ticks() + s->o.send_ms);
		rc = io_write(w->io, c->fd, &r, &w->reply);
		atomic_store(&c->deadline, 0);
	}
	io_end(w->io);
	reply_reset(&w->reply, NULL);
	arena_reset(w->arena);
	return rc;
}

/* The request of these records. 0: the connection is kept; -1: it is not;
 * CONN_PARKED, CONN_LATER. */
static int
conn_answer(struct worker *w, struct conn *c, struct str records)
{
	struct frame *f = &c->frame;
	int is_odd = f->too_large || f->authorizer;
	w->parked = NULL;
	w->download = NULL;
	w->later = 0;
	int rc = serve(w, c, records);
	if (w->later)
		return CONN_LATER;
	int keep = rc == 0 && f->keep_conn && !is_odd &&
	    !atomic_load(&w->shared->stopping);
	c->id = f->id;
	c->keep = keep;
	conn_forget(w->shared, c);
	if (w->parked != NULL || w->download != NULL)
		return CONN_PARKED;
	return keep ? 0 : -1;
}

/* The request that ends with these n bytes; as conn_answer. */
static int
conn_serve(struct worker *w, struct conn *c, const char *p, size_t n)
{
	struct str records = { p, n };
	struct frame *f = &c->frame;
	int missing_end = f->too_large || f->authorizer;
	atomic_store(&c->deadline, 0);
	c->came = time_micros();
	if (c->in.n > 0 || missing_end) {
		if (conn_keep(w->shared, c, p, n) != 0)
			return -1;
		if (missing_end) {
			uint8_t end[FRAME_HEADER];
			frame_end_record(f, end);
			if (conn_append(w->shared, c, end, sizeof(end)) != 0)
				return -1;
		}
		records = buf_str(&c->in);
	}
	/* it would only be decoded to be told so */
	int must_wait = w->behind && w->shared->o.may_write != NULL &&
	    w->shared->o.may_write(records);
	int rc = must_wait ? CONN_LATER : conn_answer(w, c, records);
	if (rc != CONN_LATER)
		return rc;
	if (c->in.n == 0 && conn_append(w->shared, c, p, n) != 0)
		return -1;
	c->whole = c->in.n;
	return CONN_LATER;
}

/* Bytes that arrived. As conn_read. */
static int
conn_feed(struct worker *w, struct conn *c, const char *p, size_t n)
{
	while (n > 0) {
		size_t used;
		int rc;
		switch (frame_feed(&c->frame, p, n, &used)) {
		case FRAME_WHOLE:
			rc = conn_serve(w, c, p, used);
			/* who sends on before the answer gets no second one */
			if (rc == CONN_PARKED && used < n)
				c->keep = 0;
			if (rc == CONN_LATER &&
			    conn_append(w->shared, c, p + used, n - used) != 0)
				return -1;
			if (rc != 0)
				return rc;
			break;
		case FRAME_MORE:
			if (atomic_load(&c->deadline) == 0)
				atomic_store(&c->deadline,
				    time_ticks() + w->shared->o.request_ms);
			return conn_keep(w->shared, c, p, used);
		case FRAME_WRONG:
			log_line(LOG_WARNING, "closed a connection: %s",
			    c->frame.why);
			return -1;
		case FRAME_ABORTED:
			return -1;
		}
		p += used;
		n -= used;
	}
	return 0;
}

int
conn_read(struct worker *w, struct conn *c)
{
	for (;;) {
		ssize_t n = recv(c->fd, w->scratch, CONN_READ, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0)
			return -1;
		int rc = conn_feed(w, c, w->scratch, (size_t)n);
		if (rc != 0)
			return rc;
		/* most likely all there is; if not, epoll tells */
		if (n < CONN_READ)
			return 0;
	}
}

static void
in_init(struct conn_shared *s, struct conn *c)
{
	/* head, body and its records' headers and padding, the read that
	 * shows that it is too much, the end */
	buf_init(&c->in,
	    FRAME_HEAD_MAX + 2 * s->o.body_max + FRAME_PARAMS_MAX + CONN_READ +
		FRAME_HEADER);
}

int
conn_again(struct worker *w, struct conn *c)
{
	struct buf held = c->in;
	struct str rest = { held.p + c->whole, held.n - c->whole };
	in_init(w->shared, c);
	int rc = conn_answer(w, c, (struct str){ held.p, c->whole });
	if (rc == CONN_LATER) {
		c->in = held;
		return rc;
	}
	if (rc == CONN_PARKED && rest.n > 0)
		c->keep = 0;
	if (rc == 0)
		rc = conn_feed(w, c, rest.p, rest.n);
	atomic_fetch_sub(&w->shared->buffered, held.size);
	buf_free(&held);
	return rc;
}

void
conn_init(struct conn_shared *s, struct conn *c, int fd)
{
	c->fd = fd;
	pthread_mutex_init(&c->turn, NULL);
	frame_init(&c->frame, s->o.body_max);
	in_init(s, c);
}

void
conn_free(struct conn_shared *s, struct conn *c)
{
	atomic_fetch_sub(&s->buffered, c->in.size);
	buf_free(&c->in);
	pthread_mutex_destroy(&c->turn);
	free(c);
}

#include "cgi/server/send.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "cgi/server/conn.h"

enum {
	EVENTS = 64, /* taken from the epoll at a time */
	TICK_MS = 1000,
	STOP_STEP_MS = 10,
};

struct send {
	struct send_opts o;
	int epoll;
	int wake; /* eventfd */
	int started;
	pthread_t thread;
	char *scratch; /* the thread's */

	pthread_mutex_t lock;
	struct download *all; /* reserved and parked */
	int n;
	struct download *incoming; /* parked, not yet seen; by live_next */
	int stopping;
	int ended; /* the thread takes no more */

	/* the thread's */
	struct download *live;
	int64_t stop_at;
};

/* ---- the thread ---------------------------------------------------------- */

static void
forget(struct download *d)
{
	struct send *s = d->send;
	if (s != NULL) {
		pthread_mutex_lock(&s->lock);
		if (d->prev != NULL)
			d->prev->next = d->next;
		else
			s->all = d->next;
		if (d->next != NULL)
			d->next->prev = d->prev;
		s->n--;
		pthread_mutex_unlock(&s->lock);
	}
	download_free(d);
}

static void
finish(struct send *s, struct download *d, int keep)
{
	struct conn *c = d->conn;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	if (d->live_prev != NULL)
		d->live_prev->live_next = d->live_next;
	else
		s->live = d->live_next;
	if (d->live_next != NULL)
		d->live_next->live_prev = d->live_prev;
	forget(d);
	loop_unpark(c, keep);
}

static void
step(struct send *s, struct download *d, int64_t ticks)
{
	int64_t left = d->left;
	int rc = download_step(d, d->conn->fd, d->conn->id, s->scratch);
	if (d->left != left)
		d->moved_at = ticks;
	if (rc != 0)
		finish(s, d, rc > 0 && d->conn->keep);
}

static void
admit(struct send *s, struct download *d, int64_t ticks)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
		.data.ptr = d };
	d->live_prev = NULL;
	d->live_next = s->live;
	if (s->live != NULL)
		s->live->live_prev = d;
	s->live = d;
	d->moved_at = ticks;
	download_begin(d, d->conn->id, buf_str(&d->head));
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, d->conn->fd, &ev) != 0)
		finish(s, d, 0);
}

/* Takes over what was parked meanwhile. 1: it is time to end. */
static int
take_incoming(struct send *s, int64_t ticks)
{
	pthread_mutex_lock(&s->lock);
	struct download *d = s->incoming, *next;
	s->incoming = NULL;
	if (s->stopping && s->stop_at == 0)
		s->stop_at = ticks + SEND_STOP_MS;
	int late = s->stop_at != 0 && ticks >= s->stop_at;
	s->ended =
	    late || (s->stopping && d == NULL && s->live == NULL && s->n == 0);
	int ended = s->ended;
	pthread_mutex_unlock(&s->lock);
	for (; d != NULL; d = next) {
		next = d->live_next;
		admit(s, d, ticks);
	}
	while (late && s->live != NULL)
		finish(s, s->live, 0);
	return ended;
}

static void
tick(struct send *s, int64_t ticks)
{
	struct download *next;
	for (struct download *d = s->live; d != NULL; d = next) {
		next = d->live_next;
		if (ticks - d->moved_at >= s->o.stall_ms)
			finish(s, d, 0);
	}
}

static void
take_event(struct send *s, const struct epoll_event *ev, int64_t ticks)
{
	uint64_t count;
	if (ev->data.ptr == &s->wake) {
		/* fails when another event has emptied it */
		if (read(s->wake, &count, sizeof(count)) < 0)
			return;
	} else if ((ev->events & ~(uint32_t)EPOLLOUT) != 0) {
		/* gone; or it sends something, which nobody may do who waits
		 * for an answer but to abort the request */
		finish(s, ev->data.ptr, 0);
	} else {
		step(s, ev->data.ptr, ticks);
	}
}

static void *
sender_main(void *arg)
{
	struct send *s = arg;
	struct epoll_event ev[EVENTS];
	int64_t tick_at = 0;
	for (;;) {
		int ms = s->stop_at != 0 ? STOP_STEP_MS
		    : s->live != NULL	 ? TICK_MS
					 : -1;
		int n = epoll_wait(s->epoll, ev, EVENTS, ms);
		int64_t ticks = time_ticks();
		for (int i = 0; i < n; i++)
			take_event(s, &ev[i], ticks);
		if (take_incoming(s, ticks))
			return NULL;
		if (ticks >= tick_at) {
			tick(s, ticks);
			tick_at = ticks + TICK_MS;
		}
	}
}

/* ---- from outside -------------------------------------------------------- */

static void
wake(struct send *s)
{
	const uint64_t one = 1;
	/* fails when it is full: then the thread is awake */
	if (write(s->wake, &one, sizeof(one)) < 0)
		return;
}

static int
of_person(const struct send *s, const struct download *like)
{
	int n = 0;
	for (const struct download *d = s->all; d != NULL; d = d->next)
		n += crypto_equal(d->who, like->who, sizeof(d->who));
	return n;
}

/* NULL where there is room, else why not. */
static const char *
reserve(struct send *s, struct download *d)
{
	const char *why = NULL;
	pthread_mutex_lock(&s->lock);
	if (s->stopping)
		why = "the program is being restarted";
	else if (s->n >= s->o.most)
		why = "as many files are being sent as there may be";
	else if (of_person(s, d) >= s->o.per_person)
		why = "too many files at the same time";
	if (why == NULL) {
		d->send = s;
		d->next = s->all;
		if (d->next != NULL)
			d->next->prev = d;
		s->all = d;
		s->n++;
	}
	pthread_mutex_unlock(&s->lock);
	return why;
}

void
send_open(struct send *s, const struct send_part *part, struct reply *p)
{
	struct download *d = download_new(part->fd, part->first, part->n);
	if (d == NULL || crypto_sha256(part->who, d->who) != 0 ||
	    reply_head(p, &d->head) != 0) {
		download_free(d);
		p->failed = 1;
		return;
	}
	const char *why = s == NULL ? NULL : reserve(s, d);
	if (why == NULL) {
		p->download = d;
		return;
	}
	download_free(d);
	reply_reset(p, p->arena);
	reply_header(p, "Retry-After", STR("30"));
	reply_error(p, 503, "downloads", why);
}

void
send_drop(struct download *d)
{
	if (d != NULL)
		forget(d);
}

void
send_park(struct download *d, struct conn *c)
{
	struct send *s = d->send;
	d->conn = c;
	pthread_mutex_lock(&s->lock);
	int ended = s->ended;
	if (!ended) {
		d->live_next = s->incoming;
		s->incoming = d;
	}
	pthread_mutex_unlock(&s->lock);
	if (!ended) {
		wake(s);
		return;
	}
	forget(d);
	loop_unpark(c, 0);
}

int
send_count(struct send *s)
{
	pthread_mutex_lock(&s->lock);
	int n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static int
open_all(struct send *s, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &s->wake };
	s->scratch = memory_new(DOWNLOAD_READ);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll < 0 || s->wake < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &ev) != 0)
		return err_set(e, ERR_SYSTEM, "epoll: %s", strerror(errno));
	int rc = pthread_create(&s->thread, NULL, sender_main, s);
	if (rc != 0)
		return err_set(
		    e, ERR_SYSTEM, "no thread for files: %s", strerror(rc));
	s->started = 1;
	return 0;
}

int
send_start(const struct send_opts *o, struct send **out, struct err *e)
{
	struct send *s = memory_new(sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->o.most = loop_default(o->most, SEND_MAX);
	s->o.per_person = loop_default(o->per_person, SEND_PER_PERSON);
	s->o.stall_ms = loop_default(o->stall_ms, SEND_STALL_MS);
	s->epoll = s->wake = -1;
	if (open_all(s, e) != 0) {
		send_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
send_end(struct send *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = 1;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void
send_stop(struct send *s)
{
	if (!s->started)
		return;
	send_end(s);
	pthread_join(s->thread, NULL);
	s->started = 0;
}

void
send_free(struct send *s)
{
	if (s == NULL)
		return;
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->wake >= 0)
		close(s->wake);
	free(s->scratch);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

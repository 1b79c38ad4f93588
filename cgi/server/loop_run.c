#include "cgi/server/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "cgi/server/conn.h"

enum {
	ACCEPT_BATCH = 16, /* before looking after connections again */
	LOG_EVERY_MS = 10000,
	STOP_STEP_MS = 20,
	SOCKETS_MAX = 2, /* to accept from */
};

struct loop {
	struct conn_shared shared;
	int epoll;
	int wake; /* eventfd: readable once the threads shall end */
	int listen_fds[SOCKETS_MAX];
	int n_listen;
	struct worker *workers;
	int started;
	_Atomic int quit;
	_Atomic int accepting; /* threads that may be about to accept */

	pthread_mutex_t lock;
	struct conn *conns;
	int n_conns;
	struct conn *later_first, *later_last; /* in the order they came */
	/* changed under lock */
	_Atomic int later; /* connections in the line */
	_Atomic uint64_t ended; /* requests that wrote */
	int listening; /* the sockets are in the epoll */
	int64_t resume_at;
	int64_t logged_at;
	int64_t stop_at; /* since when */
};

/* ---- connections --------------------------------------------------------- */

/* Sockets are closed here alone, after they have left the list: the sweeper
 * never touches a number that may already mean another file. */
static void
conn_close(struct loop *l, struct conn *c)
{
	pthread_mutex_lock(&l->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		l->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	l->n_conns--;
	pthread_mutex_unlock(&l->lock);
	close(c->fd);
	conn_free(&l->shared, c);
}

static int
conn_arm(struct loop *l, struct conn *c, int op)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
		.data.ptr = c };
	/* another thread may have it before epoll_ctl returns: it waits there */
	pthread_mutex_lock(&c->turn);
	atomic_store(&c->idle_since, c->frame.taken == 0 ? time_ticks() : 0);
	int rc = epoll_ctl(l->epoll, op, c->fd, &ev);
	pthread_mutex_unlock(&c->turn);
	return rc;
}

/* Puts the connection into the line, at its head where it has been in it. 0:
 * it must be served now, for one that wrote has ended since it was tried, and
 * perhaps there is no other that would look into the line. */
static int
later_add(struct worker *w, struct conn *c, int at_head)
{
	struct loop *l = w->loop;
	pthread_mutex_lock(&l->lock);
	uint64_t ended = atomic_load(&l->ended);
	int is_in = ended == w->ended;
	w->ended = ended;
	if (is_in && (at_head || l->later_first == NULL)) {
		c->later_next = l->later_first;
		l->later_first = c;
		if (c->later_next == NULL)
			l->later_last = c;
	} else if (is_in) {
		c->later_next = NULL;
		l->later_last->later_next = c;
		l->later_last = c;
	}
	atomic_fetch_add(&l->later, is_in);
	pthread_mutex_unlock(&l->lock);
	return is_in;
}

/* One that wrote has ended: whose turn it is now. */
static struct conn *
later_take(struct worker *w)
{
	struct loop *l = w->loop;
	pthread_mutex_lock(&l->lock);
	w->ended = atomic_fetch_add(&l->ended, 1) + 1;
	struct conn *c = l->later_first;
	if (c != NULL) {
		l->later_first = c->later_next;
		atomic_fetch_sub(&l->later, 1);
	}
	pthread_mutex_unlock(&l->lock);
	return c;
}

/* What conn_read said comes true. 1: the connection is in the line. */
static int
settle(struct worker *w, struct conn *c, int rc, int was_in_line)
{
	while (rc == CONN_LATER) {
		if (later_add(w, c, was_in_line))
			return 1;
		w->behind = 0;
		rc = conn_again(w, c);
	}
	if (rc == CONN_PARKED && w->download != NULL)
		w->shared->o.send(w->download, c);
	else if (rc == CONN_PARKED)
		w->shared->o.park(w->parked, c);
	else if (rc != 0 || conn_arm(w->loop, c, EPOLL_CTL_MOD) != 0)
		conn_close(w->loop, c);
	return 0;
}

/* The event has come: the connection is this thread's. */
static void
conn_ready(struct worker *w, struct conn *c)
{
	pthread_mutex_lock(&c->turn);
	atomic_store(&c->idle_since, 0);
	pthread_mutex_unlock(&c->turn);
	w->wrote = 0;
	w->ended = atomic_load(&w->loop->ended);
	w->behind = atomic_load(&w->loop->later) > 0;
	settle(w, c, conn_read(w, c), 0);
	if (!w->wrote)
		return;
	w->behind = 0;
	while ((c = later_take(w)) != NULL)
		if (settle(w, c, conn_again(w, c), 1))
			return;
}

void
loop_unpark(struct conn *c, int keep)
{
	struct loop *l = c->loop;
	if (!keep || atomic_load(&l->shared.stopping) ||
	    conn_arm(l, c, EPOLL_CTL_MOD) != 0)
		conn_close(l, c);
}

static void
conn_open(struct loop *l, int fd)
{
	const int on = 1;
	struct timeval send = { .tv_sec = l->shared.o.send_ms / 1000,
		.tv_usec = l->shared.o.send_ms % 1000 * 1000 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send));
	/* fails on a unix socket, which needs none */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct conn *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	conn_init(&l->shared, c, fd);
	c->loop = l;
	pthread_mutex_lock(&l->lock);
	c->next = l->conns;
	if (c->next != NULL)
		c->next->prev = c;
	l->conns = c;
	l->n_conns++;
	pthread_mutex_unlock(&l->lock);
	if (conn_arm(l, c, EPOLL_CTL_ADD) != 0)
		conn_close(l, c);
}

/* ---- accepting ----------------------------------------------------------- */

static void
listen_remove(struct loop *l)
{
	for (int i = 0; i < l->n_listen; i++)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listen_fds[i], NULL);
}

/* All or none. */
static int
listen_add(struct loop *l)
{
	for (int i = 0; i < l->n_listen; i++) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE,
			.data.ptr = &l->listen_fds[i] };
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->listen_fds[i], &ev) ==
		    0)
			continue;
		listen_remove(l);
		return -1;
	}
	return 0;
}

static int
is_listener(const struct loop *l, const void *p)
{
	for (int i = 0; i < l->n_listen; i++)
		if (p == &l->listen_fds[i])
			return 1;
	return 0;
}

/* why: an errno for the log, 0: the bound on connections is reached. */
static void
listen_pause(struct loop *l, int why)
{
	int64_t now = time_ticks();
	pthread_mutex_lock(&l->lock);
	if (l->listening)
		listen_remove(l);
	l->listening = 0;
	l->resume_at = now + l->shared.o.pause_ms;
	int say = l->logged_at == 0 || now - l->logged_at > LOG_EVERY_MS;
	if (say)
		l->logged_at = now;
	pthread_mutex_unlock(&l->lock);
	if (say && why != 0)
		log_line(LOG_ERROR, "accept: %s; pausing", strerror(why));
	else if (say)
		log_line(LOG_WARNING, "%d connections are open; pausing",
		    l->shared.o.conns_max);
}

/* 0: nothing more to accept now. */
static int
accept_one(struct loop *l, int listen_fd)
{
	if (loop_count(l) >= l->shared.o.conns_max) {
		listen_pause(l, 0);
		return 0;
	}
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		conn_open(l, fd);
		return 1;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	/* a connection that failed before it was accepted; accept(2) */
	if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO ||
	    errno == EPERM || errno == ENETDOWN)
		return 1;
	listen_pause(l, errno);
	return 0;
}

static void
accept_some(struct loop *l, int listen_fd)
{
	atomic_fetch_add(&l->accepting, 1);
	for (int i = 0; i < ACCEPT_BATCH && !atomic_load(&l->shared.stopping);
	     i++)
		if (!accept_one(l, listen_fd))
			break;
	atomic_fetch_sub(&l->accepting, 1);
}

/* ---- threads ------------------------------------------------------------- */

static void
worker_run(struct worker *w)
{
	struct loop *l = w->loop;
	while (!atomic_load(&l->quit)) {
		/* one at a time: what waits behind it is another thread's */
		struct epoll_event ev;
		int n = epoll_wait(l->epoll, &ev, 1, -1);
		if (n <= 0 || ev.data.ptr == &l->wake)
			continue;
		if (!is_listener(l, ev.data.ptr)) {
			conn_ready(w, ev.data.ptr);
			continue;
		}
		const int *listen_fd = ev.data.ptr;
		accept_some(l, *listen_fd);
	}
}

static void *
worker_main(void *arg)
{
	worker_run(arg);
	return NULL;
}

static int
worker_start(struct loop *l, int index, struct err *e)
{
	struct worker *w = &l->workers[index];
	w->loop = l;
	w->shared = &l->shared;
	w->index = index;
	reply_init(&w->reply);
	w->io = io_new(e);
	if (w->io == NULL)
		return -1;
	w->arena = arena_new(REQUEST_ARENA_MAX);
	w->scratch = memory_new(CONN_READ);
	int rc = pthread_create(&w->thread, NULL, worker_main, w);
	if (rc != 0)
		return err_set(
		    e, ERR_SYSTEM, "start of a thread: %s", strerror(rc));
	l->started++;
	return 0;
}

static void
loop_free(struct loop *l)
{
	for (int i = 0; l->workers != NULL && i < l->shared.o.threads; i++) {
		struct worker *w = &l->workers[i];
		io_free(w->io);
		arena_free(w->arena);
		reply_free(&w->reply);
		free(w->scratch);
	}
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->workers);
	free(l);
}

/* Ends the threads that have nothing to do any more. */
static void
join(struct loop *l)
{
	const uint64_t one = 1;
	atomic_store(&l->quit, 1);
	if (write(l->wake, &one, sizeof(one)) < 0)
		log_line(LOG_ERROR, "wake: %s", strerror(errno));
	for (int i = 0; i < l->started; i++)
		pthread_join(l->workers[i].thread, NULL);
}

/* ---- from outside -------------------------------------------------------- */

static void
set_opts(struct loop *l, const struct loop_opts *o)
{
	l->shared.o = *o;
	l->shared.o.request_ms = loop_default(o->request_ms, LOOP_REQUEST_MS);
	l->shared.o.send_ms = loop_default(o->send_ms, LOOP_SEND_MS);
	l->shared.o.pause_ms = loop_default(o->pause_ms, LOOP_PAUSE_MS);
	l->shared.o.idle_ms = loop_default(o->idle_ms, LOOP_IDLE_MS);
	l->shared.o.stop_idle_ms =
	    loop_default(o->stop_idle_ms, LOOP_STOP_IDLE_MS);
	l->shared.o.stop_ms = loop_default(o->stop_ms, LOOP_STOP_MS);
	l->shared.o.conns_max = loop_default(o->conns_max, LOOP_CONNS_MAX);
	if (l->shared.o.threads < 1)
		l->shared.o.threads = 1;
	if (l->shared.o.threads > LOOP_THREADS_MAX)
		l->shared.o.threads = LOOP_THREADS_MAX;
}

static int
loop_open(struct loop *l, struct err *e)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &l->wake };
	if (l->epoll < 0 || l->wake < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) != 0 ||
	    listen_add(l) != 0)
		return err_set(e, ERR_SYSTEM, "epoll: %s", strerror(errno));
	l->listening = 1;
	l->workers =
	    memory_new((size_t)l->shared.o.threads * sizeof(*l->workers));
	for (int i = 0; i < l->shared.o.threads; i++)
		if (worker_start(l, i, e) != 0)
			return -1;
	return 0;
}

int
loop_start(const struct loop_opts *opts, int listen_fd, struct loop **out,
    struct err *e)
{
	struct loop *l = memory_new(sizeof(*l));
	pthread_mutex_init(&l->lock, NULL);
	l->epoll = l->wake = -1;
	l->listen_fds[l->n_listen++] = listen_fd;
	if (opts->listen_too > 0)
		l->listen_fds[l->n_listen++] = opts->listen_too;
	set_opts(l, opts);
	if (loop_open(l, e) != 0) {
		/* those already started may have accepted: let them finish */
		if (l->started > 0 && loop_stop(l) != 0)
			return -1;
		if (l->started == 0)
			loop_free(l);
		return -1;
	}
	*out = l;
	return 0;
}

int
loop_count(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	int n = l->n_conns;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* An idle connection is closed for reading only: what the peer has already
 * sent is still read and answered, and what it sends later fails on its side,
 * where it can be sent again. */
static void
sweep_conns(struct loop *l, int64_t now, int64_t idle_before, int cut_all)
{
	for (struct conn *c = l->conns; c != NULL; c = c->next) {
		int64_t deadline = atomic_load(&c->deadline);
		int64_t idle = atomic_load(&c->idle_since);
		if (cut_all || (deadline != 0 && deadline <= now))
			shutdown(c->fd, SHUT_RDWR);
		else if (idle != 0 && idle <= idle_before)
			shutdown(c->fd, SHUT_RD);
	}
}

void
loop_sweep(struct loop *l)
{
	int64_t now = time_ticks();
	pthread_mutex_lock(&l->lock);
	int full = l->n_conns >= l->shared.o.conns_max;
	sweep_conns(l, now, full ? now - l->shared.o.idle_ms : -1, 0);
	if (!l->listening && now >= l->resume_at && !full && listen_add(l) == 0)
		l->listening = 1;
	pthread_mutex_unlock(&l->lock);
}

static void
stop_listening(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	if (l->listening)
		listen_remove(l);
	l->listening = 0;
	pthread_mutex_unlock(&l->lock);
	for (int k = 0; l->shared.o.drain && k < l->n_listen; k++)
		for (int i = 0; i < l->shared.o.conns_max &&
		     accept_one(l, l->listen_fds[k]);
		     i++)
			;
}

/* Until done() or that time. */
static int
wait_for(struct loop *l, int64_t until, int (*done)(struct loop *))
{
	const struct timespec step = { 0, STOP_STEP_MS * 1000000L };
	int64_t begun = time_ticks();
	while (!done(l)) {
		int64_t now = time_ticks();
		if (now >= until)
			return 0;
		int64_t quiet = now - l->shared.o.stop_idle_ms;
		pthread_mutex_lock(&l->lock);
		sweep_conns(l, now, quiet >= begun ? quiet : -1, 0);
		pthread_mutex_unlock(&l->lock);
		nanosleep(&step, NULL);
	}
	return 1;
}

static int
no_conns(struct loop *l)
{
	/* in this order: a thread that accepts counts until it is in the list */
	return atomic_load(&l->accepting) == 0 && loop_count(l) == 0;
}

int
loop_stop(struct loop *l)
{
	int64_t now = time_ticks();
	atomic_store(&l->shared.stopping, 1);
	stop_listening(l);
	if (!wait_for(l, now + l->shared.o.stop_ms, no_conns)) {
		pthread_mutex_lock(&l->lock);
		sweep_conns(l, now, 0, 1);
		pthread_mutex_unlock(&l->lock);
		if (!wait_for(l, now + l->shared.o.stop_ms + LOOP_STOP_LAST_MS,
			no_conns)) {
			log_line(LOG_ERROR,
			    "stopping: a request does not end; leaving it");
			return -1;
		}
	}
	join(l);
	loop_free(l);
	return 0;
}

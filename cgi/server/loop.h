#ifndef CGI_SERVER_LOOP_H
#define CGI_SERVER_LOOP_H

/*
 * The room server: sockets, connections and threads. In: bytes of a web server
 * (FastCGI), or of standard input (plain CGI). Out: a whole request to a
 * handler, and its answer back. listen.h has the sockets, loop.h the threads,
 * conn.h and frame.h read, io.h is libfcgi; plain.h and tail.h are plain
 * CGI; reader.h and writer.h are places at the database, send.h and
 * download.h large answers; chores.h is what the program does by itself,
 * worker.h the process for follow-ups, confine.h gives up rights.
 * Keeps the promise that one slow or broken peer holds up nobody else.
 */

#include <stddef.h>

#include "base/err.h"
#include "cgi/web/request.h"

/*
 * FastCGI connections and the threads that serve them. One epoll, all threads
 * wait on it; a connection belongs to one thread from its event until it is
 * handed back, and costs no thread while it is idle or slow. Threads read what
 * has arrived without blocking, check it (frame.h), and serve a request when
 * the whole of it is there.
 */
enum {
	LOOP_SWEEP_MS = 250, /* how often loop_sweep is to be called */
	LOOP_REQUEST_MS = 10000, /* from a request's first byte to its last */
	LOOP_SEND_MS = 5000, /* for all of an answer */
	LOOP_PAUSE_MS = 100, /* after accept ran out of something */
	LOOP_IDLE_MS = 10000, /* kept while there is no room for new ones */
	LOOP_STOP_IDLE_MS = 300, /* kept connections, once stopping */
	LOOP_STOP_MS = 4000, /* stopping: then all connections are cut */
	LOOP_STOP_LAST_MS = 500, /* then threads are given up */
	LOOP_CONNS_MAX = 4096,
	LOOP_THREADS_MAX = 1024,
	LOOP_BUFFER_MAX = 256 * 1024 * 1024, /* bytes of unfinished requests */
};

struct conn;

struct loop_opts {
	/* 1 to LOOP_THREADS_MAX. A reply.later puts a request off until
	 * another that says request.wrote has ended: there must be one. */
	int threads;
	size_t body_max; /* bytes */
	int drain; /* stopping: serve what waits to be accepted: nobody else
		      will, the socket is our own */
	/* called by any of the threads, r->worker tells which */
	void (*handle)(const void *ctx, struct request *r, struct reply *p);
	const void *ctx;
	int listen_too; /* a second listening socket, like the first; 0: none */
	/* Takes over the connection of a request that was answered by
	 * reply.stream; the request is gone by then. May be NULL where no
	 * handler does that. */
	void (*park)(struct stream *s, struct conn *c);
	/* A guess from a request's records: will its handler say later while
	 * others wait? Spares decoding it twice. NULL: no guess. */
	int (*may_write)(struct str records);
	/* The same for reply.download. */
	void (*send)(struct download *d, struct conn *c);
	/* milliseconds and counts; 0: the constant above */
	int request_ms;
	int send_ms;
	int pause_ms;
	int idle_ms;
	int stop_idle_ms;
	int stop_ms;
	int conns_max;
};

/* What an option means: given, or the constant where it is 0. */
static inline int
loop_default(int given, int standard)
{
	return given > 0 ? given : standard;
}

struct loop;

/* Starts the threads on a non-blocking listening socket, which stays the
 * caller's and must stay open until loop_stop. Signals must be blocked
 * already: threads inherit that. io_init has been called. */
int loop_start(const struct loop_opts *opts, int listen_fd, struct loop **out,
    struct err *e);

/* Gives a parked connection back, from any thread: to wait for the next
 * request, or (keep 0) to be closed. It still counts while it is parked. */
void loop_unpark(struct conn *c, int keep);

/* Cuts what is too slow and accepts again after a pause. From one thread,
 * about every LOOP_SWEEP_MS. */
void loop_sweep(struct loop *l);

/*
 * Accepts no more, finishes and answers what is in flight, closes the rest,
 * ends the threads and frees the loop. After stop_ms connections are cut. 0;
 * -1 when a handler still did not return: the loop is not freed and the
 * process should _exit.
 */
int loop_stop(struct loop *l);

/* For tests: connections open now. */
int loop_count(struct loop *l);

#endif

#ifndef CGI_SERVER_CONN_H
#define CGI_SERVER_CONN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "cgi/server/frame.h"
#include "cgi/server/io.h"
#include "cgi/server/loop.h"

/* One connection: reads without blocking and serves what is whole. Part of the
 * loop, which decides whose turn it is. */
enum { CONN_READ = 64 * 1024 }; /* bytes read at a time */
enum { CONN_PARKED = 1, CONN_LATER };

/* What all connections and threads of a loop share. */
struct conn_shared {
	struct loop_opts o;
	_Atomic int stopping; /* connections end with their answer */
	_Atomic size_t buffered; /* bytes of all conn.in */
};

/* What a thread serves with. */
struct worker {
	struct conn_shared *shared;
	struct loop *loop;
	int index;
	pthread_t thread;
	struct io *io;
	struct arena *arena;
	struct reply reply;
	char *scratch; /* CONN_READ */
	struct stream *parked; /* what the connection is parked for, */
	struct download *download; /* or this */
	int later; /* the request is to be served later */
	int wrote; /* one has had a writer's place; the loop takes it back */
	int behind; /* connections wait to be served later */
	uint64_t ended; /* of the loop's, when the request was begun */
};

struct conn {
	int fd;
	struct loop *loop;
	struct frame frame;
	pthread_mutex_t turn; /* handed from thread to thread */
	struct buf in; /* a request's beginning; none while idle */
	/* read by the sweeper; milliseconds of time_ticks, 0: not so */
	_Atomic int64_t deadline; /* cut then */
	_Atomic int64_t idle_since;
	/* while it is to be served later: in holds `whole` bytes of request,
	 * and what came after them */
	size_t whole;
	struct conn *later_next;
	int64_t came; /* micros, when the request was whole */
	/* while it is parked */
	uint16_t id; /* of the request */
	int keep; /* the peer wants to go on with it afterwards */
	struct conn *prev; /* the loop's list */
	struct conn *next;
};

/* c is zeroed memory of malloc. */
void conn_init(struct conn_shared *s, struct conn *c, int fd);
void conn_free(struct conn_shared *s, struct conn *c); /* not the socket */

/* Reads what is there and answers the requests that are whole. 0: wait for
 * more; -1: the connection is to be closed; CONN_PARKED: it is to be handed
 * on with w->parked or w->download; CONN_LATER: conn_again is to be called. */
int conn_read(struct worker *w, struct conn *c);

/* Serves the request that was put off, and what came after it. As conn_read. */
int conn_again(struct worker *w, struct conn *c);

#endif

#ifndef CGI_SERVER_WRITER_H
#define CGI_SERVER_WRITER_H

#include <stdatomic.h>

#include "cgi/web/request.h"
#include "commit/commit.h"

/*
 * Places for requests that write. A thread that waits for the database's one
 * writer, or for somebody else's lock on it, can do nothing else; so only so
 * many may wait, there are WRITER_RESERVE threads more than that, and lookups
 * and the gate always find one. Who finds no place is served later.
 *
 * The places are half as many again as the configuration's threads: those that
 * wait work on nothing, and more of them make larger transactions. With 32
 * connections that makes up for what the line costs.
 */
enum { WRITER_RESERVE = 2 }; /* threads */

/* How many places, and how many threads with the reserve. */
int writer_places(int threads);
int writer_threads(int threads);

struct writers {
	int places;
	_Atomic int taken;
};

/* 1: the request has a place until writer_leave, which the router calls; 0:
 * *p says later, return. w NULL: there is always a place. */
int writer_enter(struct writers *w, struct request *r, struct reply *p);
void writer_leave(struct writers *w, const struct request *r);

/* commit_chore for a request, which tries again while another process writes,
 * for COMMIT_WAIT_MS; deliveries have their turn between two tries. */
int
writer_chore(struct commit *c, commit_chore_fn *fn, void *arg, struct err *e);

#endif

#ifndef CGI_ASK_PUBLISH_H
#define CGI_ASK_PUBLISH_H

#include "cgi/server/reader.h"
#include "cgi/web/request.h"
#include "cgi/ask/stream.h"

/*
 * Requests that wait, and hold no thread while they do: /live, and /v1/changes
 * with a wait. A handler answers with a stream; the connection then belongs to
 * one thread, the publisher, which writes to all of them without blocking: on
 * a change of access, and a comment every PUBLISH_HEARTBEAT_MS, which finds
 * out who has left. Changes of this process wake it at once, for those of
 * others it looks every PUBLISH_POLL_MS, or in a database on a server every
 * PUBLISH_LOOK_MS, while anything waits.
 */
enum {
	PUBLISH_PER_PASS = 8, /* streams */
	PUBLISH_CHANGES = 256, /* that wait for changes, beside the streams */
	/* Streams without a tier, for which anybody gets a pass from /buy: half
	 * of the configuration's, and of a network a twentieth, 16 at least. A
	 * network of IPv6 of 56 bits may have twice that, of 48 four times. */
	PUBLISH_OPEN_PART = 2,
	PUBLISH_NETWORK_PART = 20,
	PUBLISH_NETWORK_LEAST = 16,
	PUBLISH_HEARTBEAT_MS = 15000,
	PUBLISH_FULL_MS = 10000, /* a peer that takes nothing for so long */
	PUBLISH_POLL_MS = 250,
	PUBLISH_LOOK_MS = 500,
	PUBLISH_STOP_MS = 500, /* to take the last bytes */
};

struct publish;

struct publish_opts {
	const struct config *config;
	struct readers *readers;
	int reader; /* the one of readers that is the publisher's */
	/* milliseconds; 0: the constant above */
	int heartbeat_ms;
	int full_ms;
	int poll_ms;
};

int publish_start(
    const struct publish_opts *o, struct publish **out, struct err *e);

/*
 * Makes *p wait: with what it holds so far as the beginning (STREAM_LIVE), or
 * to be answered anew (STREAM_CHANGES). Where it finds no place, of those there
 * are in all, for the pass, without a tier, or of the network, it becomes a
 * 503. Once stopping, *p stays what it is, an
 * answer that ends. o's texts are copied.
 */
void
publish_open(struct publish *pub, const struct stream_opts *o, struct reply *p);

/* A stream that comes to nothing before it is parked; NULL is allowed. */
void publish_drop(struct stream *s);

/* For loop_opts.park. */
void publish_park(struct stream *s, struct conn *c);

/* There may be something new. Any thread, does not block. */
void publish_wake(struct publish *pub);
/* Something was committed: a commit_watch_fn, arg is a struct publish *. */
void publish_committed(void *arg, const struct commit_mark *mark);

/* Answers and ends all that waits, and the thread. Nothing waits any more
 * afterwards, but requests may still come in until publish_free. */
void publish_stop(struct publish *pub);
void publish_free(struct publish *pub); /* stopped; NULL is allowed */

int publish_count(struct publish *pub); /* of both kinds, now */
void publish_counts(struct publish *pub, int n[STREAM_KIND__MAX]);

/*
 * How long it took until what a commit of this process changed was written to
 * a stream: the socket took all of it, whether the reader has or not. Where
 * several commits came together the time runs from the first of them; what
 * another process committed is not known and not in here. Microseconds.
 */
struct publish_stats {
	struct histogram committed; /* since the commit */
	struct histogram came; /* since its first delivery was here */
};
struct publish_stats *publish_stats(struct publish *pub);

#endif

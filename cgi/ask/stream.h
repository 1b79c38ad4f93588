#ifndef CGI_ASK_STREAM_H
#define CGI_ASK_STREAM_H

#include "base/crypto.h"
#include "base/network.h"
#include "cgi/ask/live_events.h"
#include "cgi/server/loop.h"
#include "commit/commit.h"
#include "config/config.h"
#include "access/pass.h"

/* One request that waits, and what is still to be written to its connection.
 * Part of the publisher; handlers fill in stream_opts. */
enum stream_kind {
	STREAM_LIVE, /* events of one person, until the pass ends */
	STREAM_CHANGES, /* one answer, on the next change or after wait_ms */
	STREAM_KIND__MAX
};

struct stream_opts {
	enum stream_kind kind;
	int64_t sent; /* number of the newest change told of */
	int64_t wait_ms; /* STREAM_CHANGES */
	/* STREAM_LIVE */
	int64_t now; /* seconds, when the pass was looked at */
	int64_t ends; /* seconds */
	const struct pass *passes; /* 1 to LIVE_KEYS_MAX */
	size_t n;
	struct str token; /* of the best: so many streams a pass may have */
	struct str peer; /* IP address of the browser */
	int has_tier;
	int confirming; /* as it was told */
};

enum { STREAM_OUT_MAX = 2 * REPLY_BODY_MAX }; /* bytes not yet written */

/* What may be new without a change. */
enum {
	STREAM_PASSES = 1, /* a pass may have been taken back */
	STREAM_SALES = 2, /* a sale may wait to be confirmed, or no more */
};

/* One of the persons a stream is for. */
struct stream_key {
	struct stream *stream;
	struct access_key key; /* its texts belong to the stream */
	struct str match; /* the person, as `changes` names them */
	int64_t made; /* the pass; one taken back from then on is over */
	int over;
	struct stream_key *bucket_next; /* the publisher's */
};

struct stream {
	struct publish *publish;
	enum stream_kind kind;
	struct stream_key keys[LIVE_KEYS_MAX];
	size_t n_keys;
	uint8_t pass[CRYPTO_SHA256];
	struct network network; /* it came from */
	int has_tier; /* when it came */
	int64_t ends; /* seconds */
	int64_t until; /* ticks */
	int64_t sent;
	int due; /* there may be something new */
	int check; /* STREAM_PASSES, STREAM_SALES */
	int confirming; /* as it was told last */
	struct commit_mark news; /* of it; committed 0: not known */
	int ending; /* its last bytes are in out */

	struct buf first; /* CGI head and what the handler wrote */
	struct buf out; /* records */
	size_t written; /* bytes of out */
	int64_t spoke_at; /* ticks, of the last write */
	int64_t
	    full_at; /* ticks, since when the socket is full; 0: it is not */
	int polls_out; /* the epoll tells when there is room */
	struct conn *conn;

	/* the publisher's lists: all of them under its lock, and those that
	 * are parked */
	struct stream *prev, *next;
	struct stream *live_prev, *live_next;
};

struct stream *stream_new(const struct stream_opts *o); /* NULL: no memory */
void stream_free(struct stream *s);

void stream_say(struct stream *s, struct str bytes);
void stream_end(struct stream *s); /* the request ends with what is in out */

/* Appends what is new to it: events, or the answer and the end. store: with a
 * snapshot; NULL answers a STREAM_CHANGES with no change. */
int stream_tell(struct stream *s, struct store *store,
    const struct config *config, struct arena *a, struct err *e);

/* Writes what the socket takes. 0, stream_is_empty() tells whether that was
 * all; -1: the connection or the memory failed. */
int stream_flush(struct stream *s, int64_t ticks);
int stream_is_empty(const struct stream *s);

#endif

#ifndef CGI_ASK_LIVE_EVENTS_H
#define CGI_ASK_LIVE_EVENTS_H

#include "access/access.h"
#include "config/config.h"

/*
 * Events for browsers (HTML, 9.2 Server-sent events): "access" with the access
 * object as data and the number of a change as id.
 */
enum {
	LIVE_KEYS_MAX = 4,
	LIVE_REPLAY_MAX = 64, /* changes told one by one to who was away */
	LIVE_REPLAY_BYTES = 256 * 1024, /* over this only the newest */
	LIVE_RETRY_MS = 2000, /* a browser comes back after this long … */
	LIVE_RETRY_CGI_MS = 5000, /* … where it can only ask again and again */
};

/* By one or several passes of one browser: told is of the one that has the
 * highest tier, as the gate tries each. */
struct live_ask {
	const struct access_key *const *keys;
	size_t n; /* 1 to LIVE_KEYS_MAX */
	int64_t after; /* tell of their changes above this one */
	int always; /* with none of them: the present state all the same */
	/* with none of them: the present state where it differs from this */
	int sales;
	int confirming;
	int64_t now;
};

struct live_told {
	int64_t sent; /* the newest change; ask.after where there was none */
	int confirming; /* what was told, ask.confirming where nothing was */
	int has_tier; /* where it was looked up, by ask.keys[best] */
	size_t best;
};

/* What the best of the keys opens; its change is the newest of all, and it is
 * confirming where a sale of any of them is. *key is one of ask's. */
int live_access(struct store *s, const struct config *config,
    const struct live_ask *ask, struct arena *a, struct access *out,
    const struct access_key **key, struct err *e);

/* Appends an event per change, each with what is true now. The caller holds a snapshot
 * (store_begin_read): state and number must fit each other, or a change that
 * comes between is never told. */
int live_events(struct store *s, const struct config *config,
    const struct live_ask *ask, struct arena *a, struct buf *b,
    struct live_told *told, struct err *e);

#endif

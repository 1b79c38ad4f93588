#ifndef CGI_ASK_PUBLISHER_H
#define CGI_ASK_PUBLISHER_H

#include <pthread.h>
#include <stdatomic.h>

#include "cgi/ask/publish.h"

/* The publisher's thread, and what it shares with publish_open.c. */
enum { PUBLISHER_BUCKETS = 4096 }; /* power of two */

struct publish {
	struct publish_opts o;
	int epoll;
	int wake; /* eventfd */
	int started;
	pthread_t thread;
	_Atomic int waiting; /* is anything open? */
	struct publish_stats stats;
	/* of the first commit not yet looked at; 0: none */
	atomic_int_least64_t came, committed;

	pthread_mutex_t lock;
	struct stream *all; /* reserved and parked */
	int n;
	int n_kind[STREAM_KIND__MAX];
	struct stream *incoming; /* parked, not yet seen; by live_next */
	int stopping;
	int ended; /* the thread takes no more */

	/* the thread's */
	struct stream *live;
	struct stream_key *buckets[PUBLISHER_BUCKETS];
	struct arena *arena;
	int64_t seen; /* the newest change matched; -1: not yet known */
	int64_t seen_pass; /* the same, of passes that were taken back */
	int64_t
	    seen_event; /* and of events, where sales wait for the platform */
	struct commit_mark mark; /* of what is being told */
	int look; /* there may be changes, or a stream may be due */
	int64_t tick_at;
	int64_t look_at; /* whether or not anything was told */
	int64_t stop_at;
	int64_t logged_at;
};

void *publisher_main(void *pub);

/* Gives a stream's place back and frees it; it is in no list of the thread. */
void publisher_forget(struct stream *s);

#endif

#ifndef CGI_SERVER_SEND_H
#define CGI_SERVER_SEND_H

#include "cgi/server/download.h"

/*
 * Files to people who take their time: downloads hold no worker. A handler
 * answers with one, the connection then belongs to one thread, the sender,
 * which writes to all of them without blocking. It reads from the disk itself:
 * a slow disk makes all downloads wait, and nothing else.
 */
enum {
	SEND_MAX = 512, /* downloads at a time */
	SEND_PER_PERSON = 16, /* of these */
	SEND_STALL_MS = 300000, /* a peer that takes nothing for so long */
	SEND_STOP_MS = 300, /* to take the last bytes */
};

struct send;

struct send_opts {
	/* 0: the constants above */
	int most;
	int per_person;
	int stall_ms;
};

int send_start(const struct send_opts *o, struct send **out, struct err *e);

/* Makes *p, whose head is complete, the answer with n bytes of fd from first;
 * takes fd over in every case. who tells people apart. Where there is no place
 * *p becomes a 503. */
struct send_part {
	int fd;
	int64_t first;
	int64_t n;
	struct str who;
};
void send_open(struct send *s, const struct send_part *part, struct reply *p);

/* One that comes to nothing before it is parked, or that plain CGI has
 * written; NULL is allowed. */
void send_drop(struct download *d);

/* For loop_opts.send. */
void send_park(struct download *d, struct conn *c);

/* Ends what is not sent within SEND_STOP_MS: a client goes on from there by a
 * range. The first asks for it, the second waits; nothing is sent any more
 * afterwards, but requests may still come in until send_free. */
void send_end(struct send *s);
void send_stop(struct send *s);
void send_free(struct send *s); /* stopped; NULL is allowed */

int send_count(struct send *s); /* downloads now, for tests */

#endif

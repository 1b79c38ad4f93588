#ifndef ACCESS_SIGNIN_H
#define ACCESS_SIGNIN_H

#include "access/link.h"

/*
 * Sign-in links by mail. Somebody asks for one with an address; whether that
 * address bought anything is looked up later, by another thread or process, so
 * that neither the answer nor its time tells. What is asked is noted in the
 * table signins, which holds an hour and is what the limits count. Questions
 * for addresses that bought nothing count for the networks they come from
 * alone: nobody shuts the door for others with them.
 */
enum {
	SIGNIN_WINDOW = 3600, /* seconds that the limits are for */
	SIGNIN_PER_PERSON = 3, /* mails to an address */
	SIGNIN_PER_48 = 500, /* questions from a network of IPv6 … */
	SIGNIN_PER_56 = 100,
	SIGNIN_PER_PEER = 20, /* … of 64 bits, or from an address of IPv4 */
	SIGNIN_MAX = 10000, /* mails to everybody */
	SIGNIN_ROWS_MAX = 100000, /* questions kept to count */
	SIGNIN_STEP = 50, /* settled in one transaction */
	SIGNIN_USES = 3, /* of a link, all within … */
	SIGNIN_USED = 600, /* seconds of the first: for another device */
};

enum signin_answer {
	SIGNIN_NOTED, /* the same for every address, and past its limit */
	SIGNIN_TOO_OFTEN, /* from this network */
	SIGNIN_FULL,
};

/* Notes that somebody at peer, an IP address, asked for a link to email, as
 * stored. In a transaction of its own. */
int signin_ask(struct store *s, const struct config *c, struct str email,
    struct str peer, int64_t now, enum signin_answer *out, struct err *e);

/* Puts a mail into the outbox for each address noted that bought something, now
 * or at some time. *mails counts them. In transactions of its own, none where
 * there is nothing to do; may be called from several processes. */
int signin_settle(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *mails, struct err *e);

/* Uses a link that was read. *good: 0 where it was used before, too often or too
 * long ago, or where the passes of its address were taken back since it was
 * made. In a transaction of its own. */
int signin_use(struct store *s, const struct config *c,
    const struct link_signin *link, int64_t now, int *good, struct err *e);

#endif

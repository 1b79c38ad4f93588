#ifndef PLATFORM_GUMROAD_GUMROAD_PAYLOAD_H
#define PLATFORM_GUMROAD_GUMROAD_PAYLOAD_H

#include "platform/gumroad/gumroad.h"

/* What the sample deliveries are made of, as tables. */
enum {
	SALE = 1 << 0,
	RENEWAL = 1 << 1,
	REFUND = 1 << 2,
	PARTIAL = 1 << 3,
	DISPUTE = 1 << 4,
	WON = 1 << 5,
	PING = 1 << 6,
	CANCEL = 1 << 7,
	UPDATE = 1 << 8,
	END = 1 << 9,
	RESTART = 1 << 10,
	PROBE = 1 << 11,
	PURCHASES =
	    SALE | RENEWAL | REFUND | PARTIAL | DISPUTE | WON | PING | PROBE,
	SUBSCRIPTIONS = CANCEL | UPDATE | END | RESTART,
	PAST = REFUND | PARTIAL | DISPUTE | WON | PING, /* of that very sale */
};

struct gumroad_event {
	const char *name;
	unsigned bit;
	const char *resource;
};
extern const struct gumroad_event gumroad_events[]; /* ended by name NULL */

/* A pair of the payload, in its order. A value that begins with '@' is
 * computed. Ended by key NULL. */
struct gumroad_line {
	const char *key;
	const char *value;
	unsigned events;
};
extern const struct gumroad_line gumroad_lines[];

/* What is taken from an earlier delivery of the same sale or subscription;
 * absent there, it is left out. Ended by key NULL. */
struct gumroad_taken {
	const char *key;
	const char *as; /* under this key there; NULL: the same */
	unsigned events;
};
extern const struct gumroad_taken gumroad_taken[];

#endif

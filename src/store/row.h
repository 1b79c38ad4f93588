#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <stdint.h>

#include "base/str.h"

/*
 * The rows of the tables, as C has them; gatepost(7) describes each column.
 * "No value" is STR_NONE and STORE_NULL. Times are seconds UTC, money is in
 * minor units. Slices in rows given to a callback are valid during the callback
 * only.
 */
#define STORE_NULL INT64_MIN

/* What somebody is looked up by. */
enum store_by {
	STORE_BY_USER,
	STORE_BY_EMAIL,
	STORE_BY_BUYER, /* platform must be given */
	STORE_BY_LICENSE,
};
extern const char *const access_words[4]; /* "user", …, in that order */

/* A delivery, or what the owner did by hand. */
struct store_event {
	int64_t id;
	struct str platform;
	struct str kind;
	struct str delivery;
	struct str subject;
	int64_t sent_at;
	int64_t received_at;
	int64_t seen;
	int64_t last_seen_at;
	struct str content_type;
	struct str body; /* STR_NONE in lists */
	struct str verified_by;
	struct str peer;
	struct str status;
	struct str reason;
};

/* A sale, and the access it gives. */
struct store_purchase {
	struct str platform;
	struct str sale;
	struct str subscription;
	struct str product;
	struct str product_name;
	struct str variant;
	struct str user_ref;
	struct str email;
	struct str buyer;
	struct str license;
	int64_t price;
	struct str currency;
	int64_t quantity;
	struct str recurrence;
	int64_t test;
	int64_t sold_at;
	int64_t refunded_at;
	int64_t disputed_at;
	int64_t dispute_won_at;
	struct str tier;
	int64_t since;
	int64_t paid_until;
	int64_t until;
	struct str subject;
	int64_t refunded_amount; /* as far as the platform told it */
	int64_t revoked_at;
	int64_t confirmed_at; /* read back there */
};

/* A membership. */
struct store_subscription {
	struct str platform;
	struct str subscription;
	struct str product;
	struct str tier;
	struct str status; /* active, cancelled, suspended, ended */
	int64_t since;
	int64_t paid_until;
	int64_t cancelled_at;
	int64_t ended_at;
	struct str ended_reason;
	struct str next_tier;
	int64_t next_tier_at;
	struct str subject;
};

/* Somebody's highest tier differs. */
struct store_change {
	int64_t id; /* store_change_add: given by the database */
	int64_t at;
	struct str user_ref;
	struct str email;
	struct str buyer; /* platform:id */
	struct str license;
	struct str before; /* tier names; STR_NONE: none */
	struct str after;
	int64_t event; /* STORE_NULL: expiry or a rebuild */
};

/* A sign-in link that was asked for. */
struct store_signin {
	int64_t id; /* store_signin_add: given by the database */
	int64_t at;
	struct str person; /* a digest; STR_NONE: counts for the peer alone */
	struct str peer; /* digests of its networks, the widest first */
	struct str email; /* STR_NONE: settled */
};

/* A follow-up, to be done or done. */
struct store_outbox {
	int64_t id;
	struct str kind;
	struct str target;
	struct str payload; /* "{}": it was done long ago */
	struct str state; /* waiting, running, done, dead, dropped */
	int64_t attempts;
	int64_t due_at; /* waiting: not before; running: the claim's end */
	struct str last_error;
	struct str dedupe;
	int64_t event; /* STORE_NULL: the clock */
	struct str person; /* for store_outbox_add; not read back */
	struct str awaits; /* the sale to be confirmed first; STR_NONE: none */
	int64_t added_at;
	int64_t done_at; /* of done, dead, dropped */
};

#endif

#ifndef PLATFORM_FACT_H
#define PLATFORM_FACT_H

#include <stdint.h>

#include "base/str.h"

/*
 * What one delivery says, in words common to all platforms. A decoder fills
 * it from the bytes alone: no clock, no configuration but decode_opts, no I/O.
 * All slices live in the arena the decoder was given or in the body.
 * "No value" is STR_NONE, FACT_NO_TIME, FACT_NO_NUMBER.
 */
#define FACT_NO_TIME INT64_MIN
#define FACT_NO_NUMBER INT64_MIN

enum {
	FACT_NAMES_MAX = 4, /* names a product answers to in a grant */
	FACT_VARIANTS_MAX = 16, /* variant values looked at */
	FACT_ID_MAX = 255, /* bytes of an identifier */
};

enum fact_status {
	FACT_APPLIED, /* understood: the fold takes it */
	FACT_KEPT, /* verified, not applied: reason says why */
	FACT_TEST, /* a test ping that changes nothing */
};

enum fact_kind {
	FACT_UNKNOWN,
	FACT_SALE,
	FACT_REFUND,
	FACT_DISPUTE,
	FACT_DISPUTE_WON,
	FACT_CANCELLATION,
	FACT_UPDATED,
	FACT_ENDED,
	FACT_RESTARTED,
	FACT_PAYMENT, /* one that adds a window to those of its subject */
	FACT_STATE, /* all of a membership as it is at as_of: replaces */
	/* readings: what the platform said when it was asked */
	FACT_READBACK, /* a sale */
	FACT_SUBSCRIBER, /* a membership */
	FACT_ABSENT, /* there is no such sale, or it was never paid */
	FACT_MEMBER, /* an entry of a list of members: a membership of that
			buyer lasts until ends_at, or longer */
};

/* A membership in the platform's words, when it was asked. */
enum fact_life {
	FACT_LIFE_UNKNOWN,
	FACT_ALIVE,
	FACT_PENDING_CANCELLATION,
	FACT_CANCELLED,
	FACT_FAILED, /* nobody paid */
	FACT_COMPLETED, /* all of its charges were made */
	FACT_FAILING, /* alive: a renewal is tried again */
};

struct fact {
	enum fact_status status;
	enum fact_kind kind;
	const char *reason; /* one word when kept or test, else NULL */
	struct str detail; /* the reason for a person: field and value's shape,
			      never what a buyer typed; may be STR_NONE */
	int blurred; /* kept, but it counts once its sale was read */
	struct str kind_name; /* events.kind, the platform's word: "sale" */
	struct str delivery; /* dedupe key, 64 hex digits */
	struct str subject; /* what the fold groups by: "sale:…" */
	/* the subject of what the platform's list of members says of the
	 * buyer; the subjects of the buyer's memberships begin with it.
	 * STR_NONE: there is no such list */
	struct str entries;
	struct str owner; /* seller or creator id, for the sanity check */
	int64_t sent_ago; /* seconds before its arrival that it was first
			     sent: a retry; 0: at its arrival */

	/* identifiers: valid UTF-8, 1 to 255 bytes, no control characters */
	struct str user_ref;
	struct str email; /* trimmed, lower-cased in ASCII */
	struct str buyer; /* the platform's id of the person */
	struct str license; /* trimmed, upper-cased in ASCII */

	/* a sale */
	struct str sale;
	struct str subscription;
	struct str product; /* the column: permalink; membership, goods */
	struct str product_id; /* stays when names change; may be STR_NONE */
	struct str product_name;
	struct str names[FACT_NAMES_MAX]; /* for grants: any may match */
	size_t n_names;
	struct str variants[FACT_VARIANTS_MAX]; /* values, in order */
	size_t n_variants;
	struct str variant; /* the values joined by ", " */
	struct str tier; /* the platform's own tier name */
	int64_t price; /* minor units of currency */
	struct str currency; /* ISO 4217, upper case */
	int64_t quantity;
	struct str recurrence; /* the platform's word: "monthly" */
	int months; /* the period; 0: not recurring. Payments of months add
		       up: one begins where the one before ends */
	int days; /* the period by the clock, from each payment on; 0: none */
	int64_t sold_at;
	int unnamed; /* gives a tier by a grant only, for it has no name of
			its own that would be one: a donation */
	int test; /* a test purchase, or made by `gatepost trigger` */
	int preorder; /* authorised only: no money yet */
	int gift;
	int refunded; /* in full */
	int disputed;
	int dispute_won;

	/* a subscription ping */
	int64_t cancelled_at; /* end of the paid period, not an event time */
	int64_t ended_at;
	struct str ended_reason;
	int64_t restarted_at;
	int64_t effective_at; /* of a plan change */
	int downgrade; /* a plan change: to less */
	struct str new_tier; /* a plan change: the new plan's tier name */
	int64_t trial_ends_at;
	int64_t charges; /* planned in all; FACT_NO_NUMBER: open-ended */

	/* FACT_STATE: sale is the membership's id, sold_at its begin, as of a
	 * FACT_MEMBER */
	int64_t as_of; /* the newest speaks; FACT_NO_TIME: its sending */
	int64_t ends_at; /* FACT_NO_TIME: open, or not told */
	int over; /* nothing is given after as_of */

	/* a reading. Of a sale its flags above say how it stands now */
	int partly_refunded;
	int64_t refunded_amount; /* minor units; FACT_NO_NUMBER: not told */
	struct str left; /* not paid back, in the platform's own words */
	int revoked; /* access was taken away there, no money given back */
	int listed; /* the list of sales shows it, not only its own page */
	int gift_sender; /* the gifter's side */
	/* of a membership */
	enum fact_life life;
	int64_t failed_at;

	/* warnings for a person who decodes by hand; NULL-free list */
	const char *const *warnings;
	size_t n_warnings;

	const void *detail_of_platform; /* for platform.describe only */
};

/* Where its event is applied: does the fold take it? */
static inline int
fact_counts(const struct fact *f)
{
	return f->status == FACT_APPLIED || f->blurred;
}

#endif

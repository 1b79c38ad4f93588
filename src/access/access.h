#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

/*
 * The room access: who is it, and what may he. In: an identifier, or a pass or
 * link that somebody shows, and a time. Out: the tier held, and what it allows.
 * Reads the rows that the fold has left; writes nothing but sign-ins and passes
 * that are taken back.
 * Keeps the promise that a lookup after the answer to a delivery sees the
 * purchase.
 */

#include "base/buf.h"
#include "access/rows.h"
#include "config/tier.h"
#include "store/store.h"

/*
 * Which tier somebody has now: one function from an identifier and a time.
 * Identifiers are never merged: what is found carries exactly the one asked
 * for.
 */
struct access_key {
	enum store_by by;
	const char *word; /* "user", "email", "buyer", "license" */
	struct str value; /* as asked: buyer with its platform in front */
	struct str platform; /* buyer only */
	struct str id; /* as stored: e-mail, licence key as in fact.h */
};

/* Reads an identifier as users write it. -1 with ERR_INPUT: what to change. */
int access_key_parse(enum store_by by, struct str value, struct arena *a,
    struct access_key *out, struct err *e);

struct access_grant {
	struct store_purchase row; /* texts in the arena */
	int in_grace;
	int confirmed; /* at the platform; -1: nothing to read it back with */
};

struct access {
	struct str tier; /* STR_NONE: none */
	int64_t rank;
	int in_grace; /* no paid window of the tier is open, only grace */
	int64_t since; /* holds the tier without a gap from here */
	int64_t until; /* and up to here; STORE_NULL: for ever */
	const struct access_grant *grants; /* those open now */
	size_t n_grants;
	const struct str *allows; /* over all tiers held, each once */
	size_t n_allows;
	int64_t change;
	int64_t passes_from; /* see store_pass_from */
	/* a sale gives nothing until it is confirmed: left 0, and filled where
	 * a browser asks */
	int confirming;
};

int access_lookup(struct store *s, const struct tier_rules *rules,
    const struct access_key *key, int64_t now, struct arena *a,
    struct access *out, struct err *e);

/* The same; change and passes_from are left STORE_NULL. */
int access_held(struct store *s, const struct tier_rules *rules,
    const struct access_key *key, int64_t now, struct arena *a,
    struct access *out, struct err *e);

/* The same from purchases at hand, ordered by since where that is known;
 * change and passes_from are left STORE_NULL. */
int access_of(const struct rows *r, const struct tier_rules *rules, int64_t now,
    struct arena *a, struct access *out, struct err *e);

/* Is tier a above tier b? Configured ones by rank and order, others below. */
int
access_is_higher(const struct tier_rules *rules, struct str a, struct str b);

/* May somebody with that access pass a rule? A configured tier: its rank or
 * higher, among configured tiers; another name: a grant of just that name. */
int access_allows_tier(
    const struct access *x, const struct tier_rules *rules, struct str tier);
int access_allows(const struct access *x, struct str what);

const char *access_status(const struct access *x); /* active, grace, none */

/* The access object of gatepost(7). allowed: -1 leaves the key out; confirming
 * stands only where it is true. */
void access_json(struct buf *b, const struct access *x,
    const struct access_key *key, int allowed);

#endif

#ifndef CONFIG_TIER_H
#define CONFIG_TIER_H

#include <stdint.h>

#include "platform/platform.h"

/*
 * Which tier a purchase gives: the config's grants, read once. A grant is
 * platform/product[/variant], shell patterns, case folded in ASCII.
 */
struct tier_grant {
	struct str platform; /* patterns, %2F and %25 undone */
	struct str product;
	struct str variant; /* STR_NONE: any, and none */
};

/* How long paid access lasts: the key "lasts". */
enum tier_lasts {
	TIER_PAID, /* as long as it is paid for */
	TIER_FOREVER, /* a plan that is paid up keeps it */
	TIER_ALWAYS, /* each single payment keeps it */
};

struct tier {
	struct str name;
	int64_t rank;
	const struct str *allows;
	size_t n_allows;
	const struct tier_grant *grants;
	size_t n_grants;
	enum tier_lasts lasts;
	int payments; /* that pay a plan off; 0: only deliveries tell */
};

/* When a sale that a delivery told of counts: the key "confirm". */
enum tier_confirm {
	TIER_CONFIRM_OFF, /* at once; there is nothing to read back with */
	TIER_CONFIRM_AFTER, /* at once, until it turns out to be none */
	TIER_CONFIRM_BEFORE, /* once the platform has shown it */
};

/* All the fold reads of the configuration. */
struct tier_rules {
	const struct tier *tiers; /* in the file's order */
	size_t n_tiers;
	int64_t grace[PLATFORM__MAX]; /* seconds, by platform_index */
	int accept_test[PLATFORM__MAX];
	enum tier_confirm confirm[PLATFORM__MAX];
};

/* Splits and unescapes a grant line. 0, or -1 with what to write instead. */
int tier_grant_parse(
    struct arena *a, struct str line, struct tier_grant *out, struct err *e);

/* The configured tier a fact's product and variants earn: the highest rank,
 * of equal ones the first in the file. NULL: no grant matches. variant, when
 * p is not NULL, stands in for the fact's own variants (a changed plan). */
const struct tier *tier_match(const struct tier_rules *r,
    const struct platform *p, const struct fact *f, struct str variant);

/* The name a purchase's tier column gets: the matching tier's, else the
 * platform's own, else the product's; none where that has no name that would
 * be one. */
struct str tier_name(
    const struct tier_rules *r, const struct platform *p, const struct fact *f);

const struct tier *tier_find(const struct tier_rules *r, struct str name);

/* The grant that fits this purchase, in single quotes, to paste into a list of
 * grants. variant: the purchase's, or its title where it has none. What a
 * quoted string cannot hold as it is becomes "?". 0 or -1 (no product, or b is
 * full). */
int tier_grant_line(
    struct buf *b, struct str platform, struct str product, struct str variant);

#endif

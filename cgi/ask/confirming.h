#ifndef CGI_ASK_CONFIRMING_H
#define CGI_ASK_CONFIRMING_H

#include "access/access.h"
#include "config/config.h"

/*
 * Sales that give nothing yet, because the platform has to confirm them first:
 * the pages of those who wait say so. See the key "confirm".
 */
enum {
	CONFIRMING_S = 86400, /* a sale older than this is told of no more */
	CONFIRMING_SALES =
	    8, /* of somebody, the newest; others are passed over */
};

/* Does some platform's setting make sales wait? Those that wait without it, for
 * there were too many forged ones, are seen at the next question only. */
int confirming_is_usual(const struct tier_rules *rules);

/* *out: is such a sale there that carries the identifier? One statement where a
 * platform's sales can be confirmed, else none; where that finds sales, they are
 * folded once more. The caller holds a snapshot. */
int confirming_find(struct store *s, const struct config *c,
    const struct access_key *key, int64_t now, int *out, struct err *e);

#endif

#ifndef HEALTH_UNMATCHED_H
#define HEALTH_UNMATCHED_H

#include "config/config.h"
#include "store/store.h"

/* What was sold and no grant of the settings matches, as the grant lines to
 * paste: for a person. */
enum { UNMATCHED_MAX = 256 }; /* lines */

struct unmatched {
	struct unmatched_line {
		struct str line;
		struct str name; /* of the product, sold last; or STR_NONE */
		int64_t sold, last_sold_at;
	} v[UNMATCHED_MAX];
	size_t n;
	int more; /* there are others */
};

/* In the arena; NULL with *e. */
struct unmatched *unmatched_find(
    const struct config *c, struct store *s, struct arena *a, struct err *e);
/* One grant a line. */
void unmatched_lines(const struct unmatched *u, struct buf *b);

#endif

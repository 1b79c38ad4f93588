#ifndef CTL_UNMATCHED_H
#define CTL_UNMATCHED_H

#include "ctl/ctl.h"

/* What was sold and no grant of the settings matches, as the grant lines to
 * paste: for check. */
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

/* In the arena of ctl; NULL with *e. */
struct unmatched *
unmatched_find(struct ctl *ctl, struct store *s, struct err *e);
void unmatched_print(const struct unmatched *u, struct buf *b);

#endif

#ifndef TRUTH_PROGRESS_H
#define TRUTH_PROGRESS_H

#include "truth/pass.h"

/*
 * How far an import is, for a person: each second on a terminal, a line a minute
 * else. Counts from the end of the first window on: an earlier run may have
 * read what stands in the row.
 */
struct progress {
	int on_terminal;
	int64_t begun, told; /* time_ticks() */
	int measured; /* since the first window */
	int64_t read_before, all; /* sales */
};

void progress_begin(struct progress *g, int on_terminal);
/* After a window: 1 where it is time to tell, with the line in b, which is
 * reset first. */
int progress_line(
    struct progress *g, const struct pass *p, int64_t from, struct buf *b);

#endif

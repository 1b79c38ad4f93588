#include "cgi/count.h"

#include <stdatomic.h>

static atomic_int_least64_t counts[COUNT__MAX];

int64_t
count_up(enum count which)
{
	return atomic_fetch_add_explicit(
		   &counts[which], 1, memory_order_relaxed) +
	    1;
}

int64_t
count_get(enum count which)
{
	return atomic_load_explicit(&counts[which], memory_order_relaxed);
}

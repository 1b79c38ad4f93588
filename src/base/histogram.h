#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many values fell into which range, since the program started. Any
 * thread may add and read; adding is two relaxed atomic additions.
 */
enum { HISTOGRAM_BOUNDS_MAX = 16 };

struct histogram {
	const int64_t *bounds; /* each is the largest value of its range;
				  ascending, at most HISTOGRAM_BOUNDS_MAX */
	size_t n;
	atomic_int_least64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* the last:
								  above all */
	atomic_int_least64_t sum;
};

/* What was there at one moment. */
struct histogram_view {
	int64_t up_to[HISTOGRAM_BOUNDS_MAX + 1]; /* values up to each bound, and
						    all of them */
	int64_t sum; /* may tell of values that came just after */
};

/* Before threads. bounds are borrowed. */
void histogram_init(struct histogram *h, const int64_t *bounds, size_t n);
/* A value below 0, from a clock that was set, counts as 0. */
void histogram_add(struct histogram *h, int64_t value);
/* up_to ascends and its last is the number of values, also while others add. */
void histogram_read(struct histogram *h, struct histogram_view *out);

/* Half a millisecond to 5 seconds, in microseconds. */
enum { HISTOGRAM_TIMES = 13 };
extern const int64_t histogram_times[HISTOGRAM_TIMES];

#endif

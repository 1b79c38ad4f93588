#include "base/histogram.h"

const int64_t histogram_times[HISTOGRAM_TIMES] = { 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000 };

void
histogram_init(struct histogram *h, const int64_t *bounds, size_t n)
{
	h->bounds = bounds;
	h->n = n < HISTOGRAM_BOUNDS_MAX ? n : HISTOGRAM_BOUNDS_MAX;
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++)
		atomic_init(&h->counts[i], 0);
	atomic_init(&h->sum, 0);
}

void
histogram_add(struct histogram *h, int64_t value)
{
	size_t i = 0;
	if (value < 0)
		value = 0;
	while (i < h->n && value > h->bounds[i])
		i++;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
}

void
histogram_read(struct histogram *h, struct histogram_view *out)
{
	int64_t all = 0;
	for (size_t i = 0; i <= h->n; i++) {
		all +=
		    atomic_load_explicit(&h->counts[i], memory_order_relaxed);
		out->up_to[i] = all;
	}
	out->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
}

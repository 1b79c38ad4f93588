#include "cgi/server/writer.h"

#include <time.h>

#include "base/time.h"

int
writer_places(int threads)
{
	return threads + threads / 2;
}

int
writer_threads(int threads)
{
	return writer_places(threads) + WRITER_RESERVE;
}

int
writer_enter(struct writers *w, struct request *r, struct reply *p)
{
	if (w == NULL)
		return 1;
	int taken = atomic_load(&w->taken);
	p->later = 1;
	if (r->behind)
		return 0;
	do
		if (taken >= w->places)
			return 0;
	while (!atomic_compare_exchange_weak(&w->taken, &taken, taken + 1));
	p->later = 0;
	r->wrote = 1;
	return 1;
}

void
writer_leave(struct writers *w, const struct request *r)
{
	if (w != NULL && r->wrote)
		atomic_fetch_sub(&w->taken, 1);
}

int
writer_chore(struct commit *c, commit_chore_fn *fn, void *arg, struct err *e)
{
	static const struct timespec pause = { 0, 10000000 };
	int64_t until = time_ticks() + COMMIT_WAIT_MS;
	int rc;
	while ((rc = commit_chore(c, fn, arg, e)) != 0 && e->code == ERR_BUSY &&
	    time_ticks() < until) {
		*e = (struct err){ .code = ERR_NONE };
		nanosleep(&pause, NULL);
	}
	return rc;
}

#include "base/round.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 50 };

struct round {
	round_fn *fn;
	void *arg;
	pthread_t thread;
	volatile int stop;
};

void
round_pause(const volatile int *stop, int ms)
{
	const struct timespec look = { 0, LOOK_MS * 1000000L };
	for (; ms > 0 && !*stop; ms -= LOOK_MS)
		nanosleep(&look, NULL);
}

static void *
go(void *arg)
{
	struct round *r = arg;
	while (!r->stop)
		round_pause(&r->stop, r->fn(r->arg, &r->stop));
	return NULL;
}

int
round_start(round_fn *fn, void *arg, struct round **out, struct err *e)
{
	struct round *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (r == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	r->fn = fn;
	r->arg = arg;
	if (pthread_create(&r->thread, NULL, go, r) != 0) {
		free(r);
		return err_set(e, ERR_SYSTEM, "no thread");
	}
	*out = r;
	return 0;
}

void
round_tell(struct round *r)
{
	if (r != NULL)
		r->stop = 1;
}

int
round_stop(struct round *r, int ms)
{
	struct timespec end;
	if (r == NULL)
		return 0;
	round_tell(r);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	if (pthread_clockjoin_np(r->thread, NULL, CLOCK_MONOTONIC, &end) != 0)
		return -1;
	free(r);
	return 0;
}

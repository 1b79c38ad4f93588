#include "truth/keep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"

enum { PAUSE_MS = 500, LOOK_MS = 50, BROKEN_MS = 5000 };

struct keeper {
	const struct config *config;
	turn_warn_fn *warn;
	pthread_t thread;
	volatile int stop;
};

int
keep_wanted(const struct config *c)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (platforms[i]->api != NULL &&
		    c->platforms[i].api_token.p != NULL)
			return 1;
	return 0;
}

/* A store and a commit of its own, opened when the database can be. */
static int
open_turn(struct turn *t, const struct config *c, struct err *e)
{
	*t = (struct turn){ .config = c };
	if (store_open(c->database, STORE_WRITE, &t->store, e) != 0)
		return -1;
	if (commit_new(c, &t->commit, e) == 0)
		return 0;
	store_close(t->store);
	return -1;
}

static void
close_turn(struct turn *t)
{
	turn_end(t);
	commit_free(t->commit);
	store_close(t->store);
}

static void
pause_until(const volatile int *stop, int ms)
{
	const struct timespec look = { 0, LOOK_MS * 1000000L };
	for (; ms > 0 && !*stop; ms -= LOOK_MS)
		nanosleep(&look, NULL);
}

static void *
keep(void *arg)
{
	struct keeper *k = arg;
	while (!k->stop) {
		struct turn t;
		struct err e = { .code = ERR_NONE };
		int did;
		if (open_turn(&t, k->config, &e) != 0) {
			pause_until(&k->stop, BROKEN_MS);
			continue;
		}
		t.stop = &k->stop;
		while (!k->stop && !store_lost(t.store)) {
			turn_run(&t, 0, k->warn, &did);
			if (!did)
				pause_until(&k->stop, PAUSE_MS);
		}
		close_turn(&t);
	}
	return NULL;
}

int
keep_start(const struct config *c, turn_warn_fn *warn, struct keeper **out,
    struct err *e)
{
	struct keeper *k = calloc(1, sizeof(*k));
	*out = NULL;
	if (k == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	k->config = c;
	k->warn = warn;
	if (pthread_create(&k->thread, NULL, keep, k) != 0) {
		free(k);
		return err_set(e, ERR_SYSTEM, "no thread");
	}
	*out = k;
	return 0;
}

void
keep_tell(struct keeper *k)
{
	if (k != NULL)
		k->stop = 1;
}

int
keep_stop(struct keeper *k, int ms)
{
	struct timespec end;
	if (k == NULL)
		return 0;
	keep_tell(k);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	if (pthread_timedjoin_np(k->thread, NULL, &end) != 0)
		return -1;
	free(k);
	return 0;
}

int
keep_once(const struct config *c, turn_warn_fn *warn, struct err *e)
{
	struct turn t;
	int64_t deadline = time_ticks() + KEEP_SLICE_S * 1000;
	int did = 1;
	if (!keep_wanted(c))
		return 0;
	if (open_turn(&t, c, e) != 0)
		return -1;
	while (did && time_ticks() < deadline)
		turn_run(&t, deadline, warn, &did);
	close_turn(&t);
	return 0;
}

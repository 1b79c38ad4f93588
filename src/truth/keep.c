#include "truth/keep.h"

#include "base/time.h"

enum { PAUSE_MS = 500, BROKEN_MS = 5000 };

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

void
keep_end(struct keeper *k)
{
	if (k->is_open)
		close_turn(&k->turn);
	k->is_open = 0;
}

int
keep_round(void *keeper, const volatile int *stop)
{
	struct keeper *k = keeper;
	struct err e = { .code = ERR_NONE };
	int did = 0;
	if (!k->is_open && open_turn(&k->turn, k->config, &e) != 0)
		return BROKEN_MS;
	k->is_open = 1;
	k->turn.stop = stop;
	turn_run(&k->turn, 0, k->warn, &did);
	if (store_lost(k->turn.store))
		keep_end(k);
	return did ? 0 : PAUSE_MS;
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

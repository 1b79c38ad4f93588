#include "cgi/server/reader.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/time.h"

enum {
	READ_PATIENCE_MS = 1000,
	/* A server that does not answer is not asked by every worker, each of
	 * which would wait for it. */
	AWAY_MS = 500,
	TRY_MS = 2000, /* … nor while one of them finds out */
};

/* The lock is the worker's while it reads, so that others can close what idle
 * workers keep. */
struct reader {
	pthread_mutex_t lock;
	int taken; /* only the worker looks at it */
	int is_standby; /* what store leads to */
	int era; /* of struct readers, when store was opened */
	int again; /* the standby is to be asked what the primary was */
	struct store *store;
};

struct readers {
	const char *database;
	const char *standby; /* NULL: none */
	int n_workers; /* that a standby may serve: the first */
	atomic_int_least64_t away; /* ticks until which it is taken for away */
	/* raised when the primary did not answer: others' connections to it
	 * would not either */
	atomic_int era;
	int n;
	struct reader slots[];
};

struct readers *
readers_new(const struct config *c, int threads)
{
	struct readers *r =
	    memory_new(sizeof(*r) + (size_t)threads * sizeof(r->slots[0]));
	r->database = c->database;
	r->standby = c->standby_url;
	/* the last is the publisher's, unless it is alone */
	r->n_workers = threads > 1 ? threads - 1 : threads;
	r->n = threads;
	for (int i = 0; i < r->n; i++)
		pthread_mutex_init(&r->slots[i].lock, NULL);
	return r;
}

void
readers_free(struct readers *r)
{
	for (int i = 0; r != NULL && i < r->n; i++) {
		store_close(r->slots[i].store);
		pthread_mutex_destroy(&r->slots[i].lock);
	}
	free(r);
}

/* One worker at a time finds out whether it is back. */
static int
connect_to(struct readers *r, struct reader *slot, struct err *e)
{
	int_least64_t now = time_ticks(), away = atomic_load(&r->away);
	slot->is_standby = 0;
	slot->era = atomic_load(&r->era);
	if (!store_is_url(r->database))
		return store_open(r->database, STORE_READ, &slot->store, e);
	if (now < away ||
	    (away != 0 &&
		!atomic_compare_exchange_strong(&r->away, &away, now + TRY_MS)))
		return err_set(e, ERR_DB, "the database did not answer");
	int rc = store_open(r->database, STORE_READ, &slot->store, e);
	atomic_store(&r->away, rc == 0 ? 0 : time_ticks() + AWAY_MS);
	return rc;
}

static int
connect_any(struct readers *r, int worker, struct err *e)
{
	struct reader *slot = &r->slots[worker];
	int rc = connect_to(r, slot, e);
	if (rc != 0 && r->standby != NULL && worker < r->n_workers) {
		rc = store_open(r->standby, STORE_STANDBY, &slot->store, e);
		slot->is_standby = rc == 0;
		if (rc == 0 && e != NULL)
			e->code = ERR_NONE; /* that of the primary */
	}
	if (rc == 0)
		store_patience(slot->store, READ_PATIENCE_MS);
	return rc;
}

static int
is_over(struct readers *r, const struct reader *slot)
{
	return store_lost(slot->store) ||
	    (slot->is_standby ? time_ticks() >= atomic_load(&r->away)
			      : slot->era != atomic_load(&r->era));
}

static void
close_slot(struct reader *slot)
{
	store_close(slot->store);
	slot->store = NULL;
}

struct store *
readers_get(struct readers *r, int worker, struct err *e)
{
	struct reader *slot = &r->slots[worker];
	if (!slot->taken)
		pthread_mutex_lock(&slot->lock);
	if (!slot->taken && slot->store != NULL && is_over(r, slot))
		close_slot(slot);
	slot->taken = 1;
	if (slot->store == NULL)
		connect_any(r, worker, e);
	return slot->store;
}

int
readers_age(struct readers *r, int worker, int64_t *seconds)
{
	const struct reader *slot = &r->slots[worker];
	if (!slot->taken || slot->store == NULL || !slot->is_standby)
		return 0;
	*seconds = 0;
	return store_age(slot->store, seconds, NULL) == 0;
}

void
readers_put(struct readers *r, int worker)
{
	if (r == NULL || !r->slots[worker].taken)
		return;
	r->slots[worker].taken = 0;
	r->slots[worker].again = 0;
	pthread_mutex_unlock(&r->slots[worker].lock);
}

void
readers_drop(struct readers *r, int worker)
{
	struct reader *slot = &r->slots[worker];
	if (r->standby != NULL && slot->store != NULL && !slot->is_standby &&
	    store_lost(slot->store)) {
		atomic_store(&r->away, time_ticks() + AWAY_MS);
		atomic_fetch_add(&r->era, 1);
		slot->again = worker < r->n_workers;
	}
	close_slot(slot);
}

int
readers_again(struct readers *r, int worker)
{
	int again = r != NULL && r->slots[worker].again;
	if (again)
		r->slots[worker].again = 0;
	return again;
}

void
readers_drop_idle(struct readers *r)
{
	for (int i = 0; i < r->n; i++) {
		if (pthread_mutex_trylock(&r->slots[i].lock) != 0)
			continue;
		close_slot(&r->slots[i]);
		pthread_mutex_unlock(&r->slots[i].lock);
	}
}

#include "cgi/reader.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/time.h"

enum {
	READ_PATIENCE_MS = 1000,
	/* A server that does not answer is not asked by every worker, each of
	 * which would wait for it. */
	AWAY_MS = 500,
};

/* The lock is the worker's while it reads, so that others can close what idle
 * workers keep. */
struct reader {
	pthread_mutex_t lock;
	int taken; /* only the worker looks at it */
	int is_standby; /* what store leads to */
	struct store *store;
};

struct readers {
	const char *database;
	const char *standby; /* NULL: none */
	int n_workers; /* that a standby may serve: the first */
	atomic_int_least64_t away; /* ticks until which it is taken for away */
	int n;
	struct reader slots[];
};

struct readers *
readers_new(const struct config *c, int threads)
{
	struct readers *r =
	    calloc(1, sizeof(*r) + (size_t)threads * sizeof(r->slots[0]));
	if (r != NULL) {
		r->database = c->database;
		r->standby = c->standby_url;
		/* the last is the publisher's, unless it is alone */
		r->n_workers = threads > 1 ? threads - 1 : threads;
		r->n = threads;
	}
	for (int i = 0; r != NULL && i < r->n; i++)
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
	if (!store_is_url(r->database))
		return store_open(r->database, STORE_READ, &slot->store, e);
	if (now < away ||
	    (away != 0 &&
		!atomic_compare_exchange_strong(
		    &r->away, &away, now + AWAY_MS)))
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
	    (slot->is_standby && time_ticks() >= atomic_load(&r->away));
}

struct store *
readers_get(struct readers *r, int worker, struct err *e)
{
	struct reader *slot = &r->slots[worker];
	if (!slot->taken)
		pthread_mutex_lock(&slot->lock);
	if (!slot->taken && slot->store != NULL && is_over(r, slot))
		readers_drop(r, worker);
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
	pthread_mutex_unlock(&r->slots[worker].lock);
}

void
readers_drop(struct readers *r, int worker)
{
	store_close(r->slots[worker].store);
	r->slots[worker].store = NULL;
}

void
readers_drop_idle(struct readers *r)
{
	for (int i = 0; i < r->n; i++) {
		if (pthread_mutex_trylock(&r->slots[i].lock) != 0)
			continue;
		readers_drop(r, i);
		pthread_mutex_unlock(&r->slots[i].lock);
	}
}

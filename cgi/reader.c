#include "cgi/reader.h"

#include <pthread.h>

enum { READ_PATIENCE_MS = 1000 };

/* The lock is the worker's while it reads, so that others can close what idle
 * workers keep. */
struct reader {
	pthread_mutex_t lock;
	int taken; /* only the worker looks at it */
	struct store *store;
};

struct readers {
	const char *database;
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

struct store *
readers_get(struct readers *r, int worker, struct err *e)
{
	struct reader *slot = &r->slots[worker];
	if (!slot->taken)
		pthread_mutex_lock(&slot->lock);
	slot->taken = 1;
	if (slot->store == NULL &&
	    store_open(r->database, STORE_READ, &slot->store, e) == 0)
		store_patience(slot->store, READ_PATIENCE_MS);
	return slot->store;
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

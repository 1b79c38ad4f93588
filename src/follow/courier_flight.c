#include "follow/courier_own.h"

void
courier_flight_add(struct courier *c, const struct claim *b)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < b->n && c->n_flying < COURIER_FLYING_MAX; i++)
		c->flying[c->n_flying++] = b->jobs[i].row.id;
	pthread_mutex_unlock(&c->lock);
}

void
courier_flight_end(struct courier *c, int64_t id)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n_flying; i++)
		if (c->flying[i] == id) {
			c->flying[i] = c->flying[--c->n_flying];
			break;
		}
	pthread_mutex_unlock(&c->lock);
}

int
courier_flight_copy(struct courier *c, struct claim *b, struct err *e)
{
	int64_t *ids = arena_alloc(b->arena, sizeof(c->flying));
	if (ids == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	pthread_mutex_lock(&c->lock);
	memcpy(ids, c->flying, c->n_flying * sizeof(ids[0]));
	b->n_flying = c->n_flying;
	pthread_mutex_unlock(&c->lock);
	b->flying = ids;
	return 0;
}

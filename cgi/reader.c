#include "cgi/reader.h"

enum { READ_PATIENCE_MS = 1000 };

struct readers {
	const char *database;
	int n;
	struct store *stores[];
};

struct readers *
readers_new(const struct config *c, int threads)
{
	struct readers *r =
	    calloc(1, sizeof(*r) + (size_t)threads * sizeof(r->stores[0]));
	if (r != NULL) {
		r->database = c->database;
		r->n = threads;
	}
	return r;
}

void
readers_free(struct readers *r)
{
	for (int i = 0; r != NULL && i < r->n; i++)
		store_close(r->stores[i]);
	free(r);
}

struct store *
readers_get(struct readers *r, int worker, struct err *e)
{
	struct store **s = &r->stores[worker];
	if (*s == NULL && store_open(r->database, STORE_READ, s, e) == 0)
		store_patience(*s, READ_PATIENCE_MS);
	return *s;
}

void
readers_drop(struct readers *r, int worker)
{
	store_close(r->stores[worker]);
	r->stores[worker] = NULL;
}

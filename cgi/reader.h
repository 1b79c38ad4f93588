#ifndef CGI_READER_H
#define CGI_READER_H

#include "core/config.h"
#include "store/store.h"

/* One read-only connection per worker thread, opened when it is first needed
 * and again after an error. */
struct readers;

struct readers *readers_new(const struct config *c, int threads);
void readers_free(struct readers *r);

/* The worker's own connection, or NULL. */
struct store *readers_get(struct readers *r, int worker, struct err *e);

/* After an error of a statement: the next call opens afresh. */
void readers_drop(struct readers *r, int worker);

#endif

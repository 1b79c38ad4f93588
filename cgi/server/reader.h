#ifndef CGI_SERVER_READER_H
#define CGI_SERVER_READER_H

#include "config/config.h"
#include "store/store.h"

/* One read-only connection per worker thread, opened when it is first needed
 * and again after an error. While the database cannot be reached, all
 * but the last of several, the publisher's, lead to the configuration's
 * standby_url, where there is one. */
struct readers;

struct readers *readers_new(const struct config *c, int threads);
void readers_free(struct readers *r);

/* The worker's own connection, or NULL; until readers_put, which the router
 * calls after every request. */
struct store *readers_get(struct readers *r, int worker, struct err *e);
void readers_put(struct readers *r, int worker);

/* Was this request answered by a standby? *seconds: how old what it told may
 * be; chores.c sees to it that this is seconds while the primary is there.
 * Before readers_put. */
int readers_age(struct readers *r, int worker, int64_t *seconds);

/* After an error of a statement: the next call opens afresh. */
void readers_drop(struct readers *r, int worker);

/* Was that because the database did not answer, and would a standby? Once for
 * a request: what only reads can be served again. */
int readers_again(struct readers *r, int worker);

/* After a failed write: closes what nobody reads from now. Connections of one
 * process share what SQLite knows of a file (os_unix.c, unixShmNode): as long
 * as a reader keeps a file that was read-only open, no writer can write it,
 * whatever its mode is by then. Waits for nobody. */
void readers_drop_idle(struct readers *r);

#endif

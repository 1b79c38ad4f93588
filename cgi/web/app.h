#ifndef CGI_WEB_APP_H
#define CGI_WEB_APP_H

/*
 * The room web: what all requests and answers need. In: a struct request. Out:
 * a struct reply. request.h is both of them; visitor.h reads the passes a
 * request carries, cookie.h sets one, apikey.h knows the app; html.h escapes,
 * cors.h is for other origins, part.h and media.h are for files; count.h,
 * openmetrics.h and refused.h keep count and tell.
 * Keeps the promise that no answer tells a visitor about somebody else.
 */

#include "cgi/web/request.h"
#include "config/config.h"

struct commit; /* takes deliveries; commit/commit.h */
struct readers; /* for lookups; cgi/server/reader.h */
struct publish; /* for requests that wait; cgi/ask/publish.h */
struct writers; /* places for those that write; cgi/server/writer.h */
struct first; /* for the first page; cgi/pages/first.h */
struct send; /* for files; cgi/server/send.h */

/* What handlers work with. Shared by all threads and not changed while they
 * run; what a thread keeps for itself is found by request.worker. */
struct app {
	const struct config *config; /* NULL: not loaded, all answers are 503 */
	struct commit *commit;
	struct readers *readers;
	struct publish *publish; /* NULL: nothing waits (plain CGI) */
	struct writers *writers; /* NULL: as many as come (plain CGI) */
	const struct first *first; /* NULL: there is a configuration, good
				      or bad, or this is FastCGI */
	struct send *send; /* NULL: a file is written at once (plain CGI) */
	int is_cgi; /* one request, then the process ends: nothing waits */
	int is_exposed; /* others may have written the database: it takes
			   deliveries, and nothing is told from it */
	int64_t started; /* seconds */
};

/* A handler fills the reply, in every case, and returns. The router has seen
 * to method, path, and the body's size and completeness. */
typedef void
route_handler(const struct app *app, struct request *r, struct reply *p);

#endif

#ifndef CGI_ROUTE_H
#define CGI_ROUTE_H

#include "cgi/request.h"
#include "core/config.h"

struct commit; /* takes deliveries; core/commit.h */
struct readers; /* for lookups; cgi/reader.h */
struct publish; /* for requests that wait; cgi/publish.h */
struct writers; /* places for those that write; cgi/writer.h */
struct first; /* for the first page; cgi/first.h */
struct send; /* for files; cgi/send.h */

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

/* One per row of the table in route.c, in the file named after its kind. */
route_handler healthz_get;
route_handler hook_post;
route_handler access_get;
route_handler access_post;
route_handler links_post;
route_handler passes_post;
route_handler gate_any;
route_handler changes_get;
route_handler live_get;
route_handler live_options;
route_handler buy_get;
route_handler files_get;
route_handler me_get;
route_handler me_post;
route_handler me_link_post;
route_handler me_part_get;
route_handler metrics_get;

/*
 * Answers one request by the table: 404 where no route has the path, 405 with
 * Allow, 413 for a body over the limit, 503 with Retry-After for a body that
 * did not arrive whole, else what the handler says; 503 when a reply came to
 * nothing for want of memory. The gate is asked whatever the method and the
 * body, and where it cannot be asked the answer is its 403; a request in the
 * role of an authorizer asks the gate, whatever its path. Refused requests
 * are logged (cgi/refused.h) by their route, never by path or query: those can hold tokens;
 * visitors whom the gate turns away, from files too, are not. Where the app is
 * exposed, all but deliveries is 503, and the gate's answer 403.
 */
void route_serve(const struct app *app, struct request *r, struct reply *p);

/* For loop_opts.may_write: has it the look of a delivery? */
int route_may_write(struct str records);

/* The largest body a route takes, bytes. */
size_t route_body_max(void);

#endif

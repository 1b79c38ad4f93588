#ifndef CGI_ROUTE_H
#define CGI_ROUTE_H

/*
 * The top of the web program. main.c reads the options, opens what the program
 * needs, and hands each request to route_serve; route.c has the table of all
 * paths. In: a request. Out: the reply of the handler that the table names.
 */

#include "cgi/web/app.h"

/*
 * Answers one request by the table: 404 where no route has the path, 405 with
 * Allow, 413 for a body over the limit, 503 with Retry-After for a body that
 * did not arrive whole, else what the handler says; 503 when a reply came to
 * nothing for want of memory. The gate is asked whatever the method and the
 * body, and where it cannot be asked the answer is its 403; a request in the
 * role of an authorizer asks the gate, whatever its path. Refused requests
 * are logged (cgi/web/refused.h) by their route, never by path or query: those can hold tokens;
 * visitors whom the gate turns away, from files too, are not. Where the app is
 * exposed, all but deliveries is 503, and the gate's answer 403.
 */
void route_serve(const struct app *app, struct request *r, struct reply *p);

/* For loop_opts.may_write: has it the look of a delivery? */
int route_may_write(struct str records);

/* The largest body a route takes, bytes. */
size_t route_body_max(void);

#endif

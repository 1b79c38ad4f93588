#ifndef CGI_PAGES_PROOF_H
#define CGI_PAGES_PROOF_H

#include "cgi/web/app.h"

/*
 * The page that proves the way, on shared hosting: a browser posts the test
 * delivery (owner_trial) to the hook's own address, through all that stands
 * before it, and the hook's answer is a page that says "Ready", or what is
 * wrong, and what to do then.
 *
 * It is the hook that answers, and not a page of its own: so what is proven is
 * the address that a platform sends to, and what may see the page is what the
 * hook lets in. The token comes in the field proof of the body, for access logs
 * hold paths. Without the token a visitor learns what any delivery is told with
 * a wrong one. Everybody else gets the hook's answer as ever.
 */
route_handler proof_post; /* POST /hooks/:platform */

/* Is it one of those? */
int proof_asked(const struct app *app, struct request *r);
/* The answer while there is no configuration that can be used. */
void proof_missing(const struct app *app, struct request *r, struct reply *p);

#endif

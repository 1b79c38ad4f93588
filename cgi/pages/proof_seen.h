#ifndef CGI_PAGES_PROOF_SEEN_H
#define CGI_PAGES_PROOF_SEEN_H

#include "cgi/web/app.h"

/* The page of proof.h for who has the token, once the test delivery was stored:
 * what is seen, what to do at the platforms, and what cron does or does not. */
void proof_seen(const struct app *app, struct request *r, struct str token,
    struct reply *p);

#endif

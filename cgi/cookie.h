#ifndef CGI_COOKIE_H
#define CGI_COOKIE_H

#include "cgi/route.h"
#include "core/pass.h"

/* The cookie gatepost (RFC 6265, 4.1): a pass for key that is good from now for
 * that many seconds. -1 as pass_make says, and ERR_MEMORY. */
int cookie_set(const struct app *app, const struct access_key *key, int64_t now,
    int64_t seconds, struct reply *p, struct err *e);

/* The browser forgets it. */
void cookie_clear(const struct app *app, struct reply *p);

#endif

#ifndef CGI_VISITOR_H
#define CGI_VISITOR_H

#include "cgi/route.h"
#include "core/pass.h"

/* Who asks, by a pass: the cookie "gatepost" or "Authorization: Bearer PASS".
 * Each is tried, one valid one is enough, since an app may have an
 * Authorization of its own. 1 with *out and the pass itself in *token, or 0. */
int visitor_pass(const struct app *app, const struct request *r, int64_t now,
    struct pass *out, struct str *token);

#endif

#ifndef CGI_WEB_CORS_H
#define CGI_WEB_CORS_H

#include "cgi/web/app.h"

/*
 * Which pages of other origins may read an answer in their visitor's name
 * (Fetch, 3.2 CORS protocol): those of allow_origin, compared byte by byte.
 */

/* Adds Vary: Origin, and what lets a listed origin read this answer. */
void cors_add(const struct app *app, const struct request *r, struct reply *p);

/* Answers a browser that asks first: 204, or 403 for an origin that is not
 * listed. Both lists with ", " between. */
void cors_preflight(const struct app *app, struct request *r, struct reply *p,
    const char *methods, const char *headers);

#endif

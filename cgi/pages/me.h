#ifndef CGI_PAGES_ME_H
#define CGI_PAGES_ME_H

#include "cgi/web/app.h"

/* What the page /me loads, as the build embeds it. */
extern const char me_css[];
extern const char me_js[];

/* The page for who carries no pass: a form for the link of a mail, and one to
 * ask for it. note: what to say first, a text of ours; NULL: nothing. */
void me_page(const struct app *app, const struct request *r, int status,
    const char *note, struct reply *p);

/* From the page asked for to another of Gatepost's addresses, relative, so that
 * a path in front of both need not be known: "" or "../" and the like. */
const char *me_up(const struct request *r);

#endif

#ifndef CGI_PAGES_PAGES_H
#define CGI_PAGES_PAGES_H

/*
 * The room pages: what people see in a browser. In: a request. Out: HTML, or a
 * file; a file of the source for each page.
 * Keeps the promise that a page works without scripts, and that it shows no
 * markup that somebody typed.
 */

#include "cgi/web/app.h"

route_handler buy_get;
route_handler files_get;
route_handler me_get;
route_handler me_post;
route_handler me_link_post;
route_handler me_part_get;

#endif

#ifndef CGI_PAGES_PAGES_H
#define CGI_PAGES_PAGES_H

#include "cgi/web/app.h"

/*
 * The room pages: what people see in a browser. A file for each page, with a
 * handler that fills the reply.
 * Keeps the promise that a page works without scripts, and that it shows no
 * markup that somebody typed.
 */
route_handler buy_get;
route_handler files_get;
route_handler me_get;
route_handler me_post;
route_handler me_link_post;
route_handler me_part_get;

#endif

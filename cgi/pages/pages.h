#ifndef CGI_PAGES_PAGES_H
#define CGI_PAGES_PAGES_H

#include "cgi/web/app.h"

/* What people see in a browser, a file for each page. */
route_handler buy_get;
route_handler files_get;
route_handler me_get;
route_handler me_post;
route_handler me_link_post;
route_handler me_part_get;

#endif

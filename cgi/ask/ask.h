#ifndef CGI_ASK_ASK_H
#define CGI_ASK_ASK_H

/*
 * The room ask: what platforms, apps and web servers ask. In: a request. Out:
 * the reply, filled by a handler: a file for each kind of request. What waits
 * is parked: publish.h, stream.h; admit.h decides for gate and files.
 * Keeps the promise that only a decision opens the gate, and that those who
 * wait hold no thread.
 */

#include "cgi/web/app.h"

route_handler healthz_get;
route_handler hook_post;
route_handler access_get;
route_handler access_post;
route_handler links_post;
route_handler passes_post;
route_handler gate_any;
route_handler changes_get;
route_handler live_get;
route_handler live_options;
route_handler metrics_get;
route_handler status_get;
route_handler openapi_get;

#endif

#ifndef CGI_ASK_HERALD_H
#define CGI_ASK_HERALD_H

#include "cgi/ask/publish.h"

/*
 * Wakes the publisher when another host has committed changes: one thread, on
 * a connection of its own to the configuration's listen_url. While that cannot
 * be had, the publisher's own look each PUBLISH_LOOK_MS is what there is.
 */
struct herald;

/* *out NULL, and no error: there is no listen_url. */
int herald_start(const struct config *config, struct publish *pub,
    struct herald **out, struct err *e);
void herald_stop(struct herald *h); /* before publish_stop; NULL is allowed */

#endif

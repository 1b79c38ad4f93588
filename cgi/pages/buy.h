#ifndef CGI_PAGES_BUY_H
#define CGI_PAGES_BUY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "config/config.h"

/*
 * Appends the address of the shop. Pairs of the query stand in this order:
 * those of buy->url, byte for byte, but such as are named buy->parameter; the
 * visitor's, of a query as it came, encoded anew; parameter=user. A pair of
 * the visitor is left out where a shop could take its name for one of the
 * settings, and where it has no room in out. The arena is for what has to be
 * decoded.
 */
void buy_url(const struct config_buy *buy, struct str user, struct str visitors,
    struct arena *a, struct buf *out);

#endif

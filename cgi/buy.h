#ifndef CGI_BUY_H
#define CGI_BUY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* Appends url with parameter=value as the last pair of its query, encoded;
 * pairs that have that name already are left out, all others and the fragment
 * stay byte for byte (URL Standard, 4.3). The arena is for names that have to
 * be decoded. */
void buy_url(struct str url, struct str parameter, struct str value,
    struct arena *a, struct buf *out);

#endif

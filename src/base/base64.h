#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* The URL-safe alphabet without padding (RFC 4648, 5; RFC 7515, 2). */

void base64_add_url(struct buf *b, struct str s);

/* What s stands for, in the arena. STR_NONE: not such a text (a padding, a
 * blank, another alphabet, bits left over), or no memory. */
struct str base64_url(struct arena *a, struct str s);

#endif

#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Base64 (RFC 4648). The first two: the URL-safe alphabet without padding
 * (RFC 4648, 5; RFC 7515, 2). */

void base64_add_url(struct buf *b, struct str s);

/* The standard alphabet with padding (RFC 4648, 4). */
void base64_add(struct buf *b, struct str s);

/* What s stands for, in the arena. STR_NONE: not such a text (a padding, a
 * blank, another alphabet, bits left over), or no memory. */
struct str base64_url(struct arena *a, struct str s);

/* What the digits of s stand for, without padding, into out, which has room
 * for 3 bytes per 4 digits; c62 and c63 are the alphabet's last two digits ('-' and '_',
 * or '+' and '/'). The number of bytes, or -1: another character, or bits left
 * over. */
int base64_bytes(struct str s, char c62, char c63, unsigned char *out);

#endif

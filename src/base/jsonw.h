#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include "base/buf.h"

/* Writes JSON into a buf, member by member. The comma is put in front of a
 * member or element wherever one stands before it; none after a blank, which
 * ends no member: so ends what is put in front of a text. */

void jsonw_open(struct buf *b, char bracket); /* '{' or '[', as an element */
void jsonw_close(struct buf *b, char bracket); /* '}' or ']' */
void jsonw_key(struct buf *b, const char *key); /* "key": */

/* STR_NONE and INT64_MIN are null. */
void jsonw_text(struct buf *b, const char *key, struct str value);
void jsonw_int(struct buf *b, const char *key, int64_t value);
void jsonw_bool(struct buf *b, const char *key, int value);
void jsonw_time(struct buf *b, const char *key, int64_t at); /* RFC 3339 */
/* Text that is JSON already. */
void jsonw_raw(struct buf *b, const char *key, struct str json);
/* A text as an element of a list. */
void jsonw_element(struct buf *b, struct str value);

#endif

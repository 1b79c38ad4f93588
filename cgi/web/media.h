#ifndef CGI_WEB_MEDIA_H
#define CGI_WEB_MEDIA_H

#include "base/buf.h"

/* What a file is, by its name. */
struct media {
	const char *suffix; /* lower case, without the dot */
	const char *type; /* Content-Type */
	int runs; /* a browser that shows it runs scripts in it */
};

/* The one for the name's suffix, in either case; else octets. Never NULL. */
const struct media *media_of(struct str name);

/* Appends "attachment" with the name (RFC 6266, 4): in ASCII for all, and as
 * filename* (RFC 8187) where that is not the same. */
void media_disposition(struct buf *b, struct str name);

#endif

#ifndef CGI_ASK_CHANGES_PAGE_H
#define CGI_ASK_CHANGES_PAGE_H

#include "base/buf.h"
#include "store/store.h"

enum {
	CHANGES_PAGE = 500, /* changes in one answer */
	CHANGES_WAIT_MAX = 60, /* seconds; nginx's location allows for it */
};

/* The answer of GET /v1/changes: those above after, and the id to ask with
 * next, also in *last. From a store or, where s is NULL, none. */
int changes_page(struct store *s, int64_t after, struct buf *b, int64_t *last,
    struct err *e);

#endif

#ifndef ACTION_HTTP_H
#define ACTION_HTTP_H

#include "base/buf.h"
#include "base/err.h"

/* One HTTP request out. Redirects are not followed: a webhook answered with
 * one was not delivered. */
struct http_post {
	const char *url; /* http:// or https:// */
	const char *const *headers; /* "Name: value", ended by NULL */
	const char *user; /* HTTP Basic, or NULL */
	const char *password;
	struct str body;
	int timeout_ms;
};

/* 0 with the status and up to 64 KiB of the answer, whatever the status is;
 * -1 when there was no answer. */
int http_send(const struct http_post *post, long *status, struct buf *answer,
    struct err *e);

#endif

#ifndef ACTION_HTTP_H
#define ACTION_HTTP_H

#include "base/buf.h"
#include "base/err.h"

/* One HTTP request out. Redirects are not followed: a webhook answered with
 * one was not delivered. Without libcurl the host's curl(1) does it. */
struct http_post {
	const char *url; /* http:// or https:// */
	const char *const *headers; /* "Name: value", ended by NULL */
	const char *user; /* HTTP Basic, or NULL */
	const char *password;
	struct str body;
	int timeout_ms;
	/* No connection to private addresses but where the URL names one
	 * (action/address.h), and no proxy of the environment, which would
	 * have that look instead. */
	int guard;
};

enum { HTTP_ANSWER_MAX = 64 * 1024 }; /* bytes that are read of an answer */

struct http_answer {
	long status;
	int64_t retry_after; /* seconds; -1: not said */
};

/* 0 with the status and up to 64 KiB of the answer (body may be NULL),
 * whatever the status is; -1 when there was no answer. */
int http_call(const struct http_post *post, struct http_answer *answer,
    struct buf *body, struct err *e);

/* What the status says of an effect: 2xx done, 410 gone, all else again. */
struct action_answer;
void http_judge(const struct http_answer *got, struct action_answer *answer);

/* As http_call; for who has no use for Retry-After. */
int http_send(const struct http_post *post, long *status, struct buf *answer,
    struct err *e);

#endif

#ifndef ACTION_HTTP_H
#define ACTION_HTTP_H

#include "base/buf.h"
#include "base/err.h"

/* One HTTP request out. Redirects are not followed: a webhook answered with
 * one was not delivered. Without libcurl the host's curl(1) does it. */
struct http_request {
	const char *method; /* NULL: POST */
	const char *url; /* http:// or https:// */
	const char *const *headers; /* "Name: value", ended by NULL */
	const char *user; /* HTTP Basic, or NULL */
	const char *password;
	struct str body;
	int timeout_ms;
	size_t answer_max; /* bytes read of an answer; 0: HTTP_ANSWER_MAX */
	/* No connection to private addresses but where the URL names one
	 * (action/address.h), and no proxy of the environment, which would
	 * have that look instead. */
	int guard;
};

enum { HTTP_ANSWER_MAX = 64 * 1024 };

struct http_answer {
	long status;
	int64_t retry_after; /* seconds; -1: not said */
	int cut; /* there was more than answer_max bytes */
};

/* 0 with the status and up to answer_max bytes of the answer (body may be NULL),
 * whatever the status is; -1 when there was no answer. */
int http_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e);

/* What the status says of an effect: 2xx done, 410 gone, all else again. */
struct action_answer;
void http_judge(const struct http_answer *got, struct action_answer *answer);

/* As http_call; for who has no use for Retry-After. */
int http_send(const struct http_request *post, long *status, struct buf *answer,
    struct err *e);

#endif

#ifndef ACTION_HTTP_H
#define ACTION_HTTP_H

#include <sys/socket.h>

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
	struct http_seen *seen; /* NULL: not wanted */
};

enum { HTTP_ANSWER_MAX = 64 * 1024 };

/* Why there was no answer. */
enum http_fault {
	HTTP_FINE,
	HTTP_NO_NAME, /* DNS knows no such host */
	HTTP_NO_CONNECTION, /* nobody listens there, or no way leads there */
	HTTP_NO_CONNECTION_YET, /* and nobody refused it within the time */
	HTTP_LATE, /* connected, and no whole answer within the time */
	HTTP_CERT_EXPIRED, /* or not valid yet */
	HTTP_CERT_SELF_SIGNED,
	HTTP_CERT_NAME, /* it is for another name */
	HTTP_CERT_UNKNOWN, /* of nobody who is trusted, or without its chain */
	HTTP_NO_TLS, /* no TLS is spoken there, or none that suits */
	HTTP_BROKEN, /* what came is no answer of HTTP's */
};

/* What else is seen of one call, for who looks rather than sends: no proxy of
 * the environment is asked then. */
struct http_seen {
	struct arena *arena; /* given; texts live in it */
	enum http_fault fault;
	const char *why; /* the library's own words for it; "" */
	const char *head; /* the answer's header lines; "" */
	const char *address; /* what was connected to; "": nothing */
	int first_ms; /* to the first byte of the body; -1: none came */
	/* when the certificate ends, seconds; 0: not told (HTTP, a curl(1)
	 * older than 7.88, a TLS library that does not say) */
	int64_t cert_ends;
};

/* The value of the answer's first header of that name; STR_NONE: none. */
struct str http_header(const struct http_seen *seen, const char *name);

/* A date of the header Date, or of a certificate as curl prints it. 0 or -1. */
int http_date(struct str s, int64_t *out);

enum { HTTP_ADDRESSES_MAX = 8 };
/* The addresses of the URL's host, at most HTTP_ADDRESSES_MAX; 0: DNS knows
 * none. */
size_t http_addresses(const char *url, struct sockaddr_storage *out);

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

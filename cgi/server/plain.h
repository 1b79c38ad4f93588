#ifndef CGI_SERVER_PLAIN_H
#define CGI_SERVER_PLAIN_H

#include <stddef.h>

#include "base/err.h"
#include "cgi/web/request.h"

/*
 * One request as a plain CGI program (RFC 3875): parameters in the environment,
 * the body on a descriptor, the answer on another. libfcgi is not touched: it
 * would set signal handlers that keep the process from being ended.
 */
enum {
	PLAIN_READ_MS = 10000, /* for all of the body */
	PLAIN_DROP_MAX = 16 * 1024 * 1024, /* bytes read past body_max */
};

struct plain_opts {
	int in;
	int out;
	const char *const *params; /* "NAME=value", ended by NULL */
	size_t body_max; /* bytes */
	int read_ms; /* 0: PLAIN_READ_MS */
	void (*handle)(const void *ctx, struct request *r, struct reply *p);
	const void *ctx;
	int *mails; /* set to 1 where the reply says so, or NULL */
};

/* 0 when the answer was written. */
int plain_serve(const struct plain_opts *o, struct err *e);

#endif

#ifndef SETUP_CONNECTIONS_H
#define SETUP_CONNECTIONS_H

#include "setup/setup_own.h"

/* Debian's nginx takes 768 connections: visitors could take what deliveries
 * need. */
struct connections {
	const char *file; /* nginx.conf */
	int64_t had, need, files; /* the last: for worker_rlimit_nofile */
	struct str old;
	struct str text; /* as it is to be; STR_NONE: a person has to do it */
};

/* 1: there are too few, and *out says more. */
int connections_lack(const struct setup *s, struct connections *out);

/* Writes the file, as one of the web server's, which are undone together; what
 * it was is kept beside it as nginx.conf.bak. */
int
connections_raise(struct setup *s, const struct connections *c, struct err *e);

#endif

#ifndef ACTION_SMTP_H
#define ACTION_SMTP_H

#include "base/err.h"
#include "base/str.h"

/*
 * Hands a mail to a mail server by SMTP (RFC 5321), without a password and
 * without TLS: to one on this machine, or in its network.
 */
#define SMTP_LOCAL "smtp://127.0.0.1"

enum { SMTP_REPLY_MAX = 512 }; /* bytes; RFC 5321, 4.5.3.1.5 */

struct smtp_mail {
	const char *url; /* smtp://host[:port] */
	const char *from, *to; /* bare addresses */
	struct str mail; /* lines end in \n */
	int timeout_ms;
};

/* The last reply of the server, without its line end. */
struct smtp_reply {
	long code; /* 250: taken; 0: there was none */
	size_t n;
	char text[SMTP_REPLY_MAX];
};

/* 0: the server took it. -1: it did not, and reply says why, or there was no
 * reply: e. */
int
smtp_send(const struct smtp_mail *m, struct smtp_reply *reply, struct err *e);

/* 0: a mail server answers there; -1 with e. */
int smtp_answers(const char *url, int timeout_ms, struct err *e);

#endif

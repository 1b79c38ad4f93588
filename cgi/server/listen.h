#ifndef CGI_SERVER_LISTEN_H
#define CGI_SERVER_LISTEN_H

#include <sys/types.h>

#include "base/err.h"

enum { LISTEN_MAX = 2 }; /* sockets of one program */

/* A listening socket: given by whoever started the program, or made. */
struct listener {
	int fd; /* non-blocking, close-on-exec; -1: none */
	int owned; /* made here: nobody accepts after us */
	char path[108]; /* of a unix socket made here, else empty */
	dev_t dev; /* what was made at path */
	ino_t ino;
};

/*
 * What came with the process: systemd's sockets (sd_listen_fds(3): LISTEN_PID,
 * LISTEN_FDS, descriptors 3 and 4; the variables are removed), else descriptor
 * 0 when that listens (FastCGI 1.0, 2.2; spawn-fcgi, mod_fcgid). 1 and out, the
 * second's fd -1 where there is one; or 0.
 */
int listen_given(struct listener out[LISTEN_MAX]);

/* Is descriptor fd a listening socket? */
int listen_is_socket(int fd);

/*
 * Makes one: "unix:/path", "127.0.0.1:9000" or "[::1]:9000". Only loopback:
 * the protocol knows no authentication. A unix socket gets mode 0660 and,
 * unless NULL, that group; a socket somebody listens on is never replaced, one
 * that nobody does is. Sets the umask for a moment: before threads. -1 with
 * ERR_USAGE, ERR_CONFIG or ERR_SYSTEM and what to do.
 */
int listen_open(const char *address, const char *group, struct listener *out,
    struct err *e);

/* Removes a unix socket made here, so that nobody connects any more; what has
 * connected can still be accepted. */
void listen_retire(struct listener *l);

void listen_close(struct listener *l); /* and retires */

#endif

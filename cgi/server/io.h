#ifndef CGI_SERVER_IO_H
#define CGI_SERVER_IO_H

#include "base/err.h"
#include "cgi/web/request.h"

/*
 * libfcgi as a codec. It never reads a socket: the records of a request that
 * frame.h found whole and right are decoded from a file in memory; it writes
 * the answer to the connection and never closes it. One struct io per thread.
 */
struct io;

/* Once, before threads and before the program sets its signal handlers:
 * libfcgi sets some for SIGPIPE, SIGTERM and SIGUSR1. */
int io_init(struct err *e);

/* NULL: no descriptor. */
struct io *io_new(struct err *e);
void io_free(struct io *io);

/*
 * Decodes the records of one whole request into *r. body_n: the content bytes
 * of its STDIN. Parameters live until io_end, the body in the arena. -1: they
 * cannot be decoded; nothing to end then. Without memory the program ends.
 */
int io_read(struct io *io, struct str records, size_t body_n, struct arena *a,
    struct request *r);

/* Writes the answer as STDOUT and END_REQUEST records to fd, which blocks at
 * most as long as its SO_SNDTIMEO. -1: not all was written: close it. */
int
io_write(struct io *io, int fd, const struct request *r, const struct reply *p);

/* Forgets the request. Once after each io_read that returned 0. */
void io_end(struct io *io);

#endif

#ifndef CGI_SERVER_DOWNLOAD_H
#define CGI_SERVER_DOWNLOAD_H

#include "base/crypto.h"
#include "cgi/server/loop.h"

/*
 * A part of a file on its way to somebody. It is read piece by piece as the
 * connection takes it, so its size does not matter. A file that has become
 * shorter meanwhile ends the connection: nothing is made up for what is
 * missing.
 */
enum { DOWNLOAD_READ = 64 * 1024 }; /* bytes read at a time */

struct send; /* cgi/server/send.h */

struct download {
	int fd; /* its own */
	int64_t at; /* next byte of the file */
	int64_t left;
	uint8_t who[CRYPTO_SHA256]; /* whose it is */

	struct buf out; /* head and record headers, before the file's bytes */
	size_t written; /* bytes of out */
	size_t record; /* bytes of the file still to go into this record */
	int ending; /* the last records are in out */

	struct send *send;
	struct buf head; /* the CGI head */
	struct conn *conn;
	int64_t moved_at; /* ticks, of the last byte taken */
	/* the sender's lists: all, under its lock; those it sends */
	struct download *prev, *next;
	struct download *live_prev, *live_next;
};

/* Takes fd over in every case. NULL: no memory. */
struct download *download_new(int fd, int64_t first, int64_t n);
void download_free(struct download *d); /* NULL is allowed */

/* Puts head before the file, as records of request id. */
void download_begin(struct download *d, uint16_t id, struct str head);

/* Sends what the connection to takes, without blocking, up to some 256 KiB.
 * scratch: DOWNLOAD_READ bytes. 1: all is sent; 0: call again when there is
 * room; -1: the connection is to be closed. */
int download_step(struct download *d, int to, uint16_t id, char *scratch);

/* Writes the part as it is, without records; blocks. 0 or -1. */
int download_write(struct download *d, int to, char *scratch);

#endif

#ifndef CGI_SERVER_FRAME_H
#define CGI_SERVER_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The records of one FastCGI request, checked as they arrive, before libfcgi
 * sees one of them: management records and huge lengths abort libfcgi 2.4.2 to
 * 2.4.7. Pure: bytes in, an answer out. FastCGI Specification 1.0, 3.3 to 6.2.
 *
 * A request is BEGIN_REQUEST, PARAMS … empty PARAMS, STDIN … empty STDIN, all
 * under one id that is not 0. An authorizer gets no STDIN (6.3): its request
 * ends with the empty PARAMS. Padding, which libfcgi takes for the next record
 * there, is refused in BEGIN_REQUEST and the empty PARAMS; nobody needs it.
 */
enum {
	FRAME_HEADER = 8, /* bytes of a record's header */
	FRAME_CONTENT_MAX = 65528, /* written: 65535, a multiple of 8 */
	FRAME_PARAMS_MAX = 64 * 1024, /* content of all PARAMS records */
	FRAME_PARAMS_COUNT = 512, /* name-value pairs */
	FRAME_HEAD_MAX =
	    256 * 1024, /* BEGIN and PARAMS with headers, padding */
	FRAME_DROP_MAX = 16 * 1024 * 1024, /* bytes read past body_max */
};

enum frame_answer {
	FRAME_MORE, /* all bytes taken, the request goes on */
	FRAME_WHOLE, /* *used bytes taken; what follows is the next request's */
	FRAME_ABORTED, /* ABORT_REQUEST: drop the request and the connection */
	FRAME_WRONG, /* not FastCGI as it should be: close; frame.why */
};

struct frame {
	/* for the caller */
	size_t taken; /* bytes of this request so far; 0: none begun */
	size_t head; /* of these, up to the end of the empty PARAMS */
	size_t body; /* content bytes of STDIN */
	int keep_conn; /* FCGI_KEEP_CONN was asked for */
	uint16_t id; /* of the request */
	/* The body is over body_max, or in so many small records that it may
	 * as well be: only the first `head` bytes are worth keeping. */
	int too_large;
	int authorizer; /* no STDIN came: frame_end_record() stands in */
	const char *why; /* of FRAME_WRONG */

	/* its own */
	size_t body_max;
	int state;
	uint8_t header[FRAME_HEADER];
	size_t have; /* bytes of the header, or of BEGIN's content */
	int in_record; /* past the header */
	uint8_t type;
	size_t content; /* bytes of the record still to come */
	size_t padding;
	int last; /* the record ends its stream */
	size_t params; /* content bytes of PARAMS */
	size_t pairs;
	uint8_t lengths[8]; /* of the pair being read */
	size_t n_lengths;
	size_t name; /* bytes still to come */
	size_t value;
	int in_pair;
};

/* body_max: bytes of STDIN content that are kept. */
void frame_init(struct frame *f, size_t body_max);

/* Takes up to n bytes. After anything but FRAME_MORE: frame_init first. */
enum frame_answer
frame_feed(struct frame *f, const void *p, size_t n, size_t *used);

/* The empty STDIN record that ends this request. */
void frame_end_record(const struct frame *f, uint8_t out[FRAME_HEADER]);

/*
 * The other direction, for answers that are written piece by piece: s as
 * STDOUT records of request id, nothing for an empty s, since an empty record
 * is the stream's end; and that end with the END_REQUEST record (5.5, 6.2).
 */
void frame_stdout(struct buf *b, uint16_t id, struct str s);
void frame_finish(struct buf *b, uint16_t id);

/* The header alone; n bytes, 1 to FRAME_CONTENT_MAX, are to follow. */
void frame_stdout_header(struct buf *b, uint16_t id, size_t n);

#endif

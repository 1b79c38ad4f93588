#ifndef ACTION_MIME_H
#define ACTION_MIME_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Writes one mail (RFC 5322) for sendmail(8), which wants lines that end in
 * LF alone. All of it is ASCII: headers by RFC 2047 (Q), bodies as
 * quoted-printable (RFC 2045, 6.7), so that no line is longer than 76 bytes,
 * begins with a dot or "From ", or ends in a blank, whatever stands in it.
 */
enum {
	MIME_SUBJECT_MAX = 512, /* bytes; cut after a whole character */
	MIME_BODY_MAX = 256 * 1024, /* bytes, of each of the two */
	MIME_MAIL_MAX = 2 * 1024 * 1024, /* bytes; written */
	MIME_ID_MAX = 128,
};

struct mime_mail {
	struct str from; /* an address that mailbox_fault finds good */
	struct str from_name; /* UTF-8; STR_NONE: none */
	struct str to; /* as from */
	struct str reply_to; /* as from; STR_NONE: none */
	struct str subject; /* UTF-8; control characters are blanks */
	struct str text; /* UTF-8; lines end in LF or CR LF */
	struct str html; /* the same; STR_NONE: text/plain alone */
	/* [A-Za-z0-9_-]: with from's domain the Message-ID, so the same mail
	 * sent again is known as such */
	struct str id;
	int64_t date; /* seconds */
};

/* Appends it; out takes MIME_MAIL_MAX at most. Bytes that are no UTF-8 come
 * out as U+FFFD. 0, or -1: ERR_INPUT for an address or an id that is none,
 * ERR_LIMIT. */
int mime_write(struct buf *out, const struct mime_mail *m, struct err *e);

/* "Sun, 22 Nov 2026 08:42:00 +0000" (RFC 5322, 3.3). */
void mime_date(struct buf *out, int64_t at);

/* Name: value, encoded and folded where it has to be. */
void mime_header(struct buf *out, const char *name, struct str value);

/* Quoted-printable; ends with an end of line. */
void mime_quoted(struct buf *out, struct str text);

#endif

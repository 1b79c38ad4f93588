#ifndef ACCESS_LINK_H
#define ACCESS_LINK_H

#include "base/buf.h"
#include "config/config.h"
#include "store/store.h"

/*
 * Links that prove something to whoever holds them, for mails: who somebody is
 * (sign-in), and which file a sale opens. A token is
 *
 *	base64url(content) "." base64url(HMAC-SHA-256(key, content))
 *
 * where key is HMAC-SHA-256(pass_secret, label), and the label names the
 * purpose and public_url. So a link is never a pass, a link of one purpose
 * never one of another, and none of one site is good at another. The first
 * pass_secret signs, all verify.
 *
 * Making: -1 with ERR_CONFIG (no pass_secret, no public_url), ERR_INPUT (what
 * has no place in a token), ERR_LIMIT (over LINK_MAX), ERR_MEMORY; then part of
 * one may stand in out. Reading: 0, or -1 for anything that is no such link at
 * that time; which secret fits does not show in the time.
 */
enum {
	LINK_MAX = 2048, /* bytes of a token */
	LINK_URL_MAX = 8192, /* bytes of a whole address */
	LINK_SIGNIN_SECONDS = 86400, /* a sign-in link is good for */
};

/* Whether it was used before is another question: access/signin.h. */
struct link_signin {
	struct str email; /* as stored, lower-cased */
	int64_t ends; /* made LINK_SIGNIN_SECONDS before */
};
int link_signin_make(const struct config *c, struct str email, int64_t now,
    struct buf *out, struct err *e);
int link_signin_read(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct link_signin *out);

/* A file behind a rule, opened by a sale. Whether the sale still opens it is
 * looked up when the link is used: link_opens. */
struct link_file {
	struct str path; /* below /files: "/guides/pen.pdf" */
	struct str platform;
	struct str sale;
};
int link_file_make(const struct config *c, const struct link_file *f,
    int64_t now, int64_t seconds, struct buf *out, struct err *e);
int link_file_read(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct link_file *out);

/* Does the sale open the section of that file at that time? It does not when it
 * was refunded, is no more there, or the windows of its membership are closed;
 * purchases of others do not count, whoever made them. *opens, or -1 as the
 * store says, or ERR_MEMORY. */
int link_opens(struct store *s, const struct config *c,
    const struct link_file *f, int64_t now, struct arena *a, int *opens,
    struct err *e);

/* The addresses that go into a mail: public_url/me#TOKEN, and
 * public_url/files/…?link=TOKEN, good for as long as the section of the file
 * says (link_for); ERR_INPUT where no section has that path. out takes
 * LINK_URL_MAX bytes. */
int link_signin_url(const struct config *c, struct str email, int64_t now,
    struct buf *out, struct err *e);
int link_file_url(const struct config *c, const struct link_file *f,
    int64_t now, struct buf *out, struct err *e);

/* A number of 32 hex digits for a text, that nobody without a pass_secret can
 * find the text by. 0 or -1 as above. */
enum { LINK_DIGEST_HEX = 32 };
int link_digest(const struct config *c, struct str text,
    char hex[LINK_DIGEST_HEX + 1], struct err *e);

#endif

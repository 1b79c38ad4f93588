#ifndef ACCESS_PASS_H
#define ACCESS_PASS_H

#include "access/access.h"
#include "config/config.h"

/*
 * Passes: JWT (RFC 7519) in the compact form (RFC 7515, 3.1), signed with
 * HS256 and nothing else. A pass says who somebody is, not what they bought:
 * that is looked up.
 *
 * Header: alg is HS256; typ, where there is one, is JWT in any case, for
 * another typ is another kind of token (RFC 8725, 3.11); crit is refused, as
 * RFC 7515, 4.1.11 asks of who knows no extension; anything else is ignored.
 * Claims: sub; by, one of access_words (absent: user); aud, the configured
 * public_url or a list that holds it; exp, required; nbf, iat. Times are
 * numbers from 0 to PASS_TIME_MAX; a fraction of a second is left out (RFC
 * 7519, 2). sub is a text: a number is refused, because 42 and 42.0 are one
 * number and two user ids. Other claims are ignored. A key that comes twice
 * is refused. Whether it was taken back is another question, which the database
 * answers.
 */
enum {
	PASS_MAX = 4096, /* bytes of a token */
	PASS_LEEWAY = 60, /* seconds two clocks may differ */
};
#define PASS_TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct pass {
	struct access_key key; /* texts in the arena */
	int64_t expires; /* exp; it is good for PASS_LEEWAY longer */
	const char *fault; /* why it is refused; NULL: it is good */
	int64_t made; /* iat; 0 where it does not say */
};

/* The user id that /buy makes up for somebody it does not know: this and 32
 * random hexadecimal digits. Anybody can have one. */
#define PASS_VISITOR "visitor-"
int pass_is_visitor(const struct access_key *key);
/* The user id of the doctor's passes and questions: nobody's. */
#define PASS_DOCTOR "gatepost-doctor"

/* Appends a pass for key, signed by the first pass_secret, that is good from
 * now for that many seconds, 1 or more. Somebody without a tier can have one.
 * -1: ERR_CONFIG (no pass_secret, no public_url), ERR_INPUT (seconds),
 * ERR_LIMIT (over PASS_MAX), ERR_MEMORY; then part of one may stand in out. */
int pass_make(const struct config *c, const struct access_key *key, int64_t now,
    int64_t seconds, struct buf *out, struct err *e);

/* Passes can be taken back: all of a person that were made up to a second. A
 * pass that does not say when it was made is taken for old. */
int pass_is_good(const struct pass *pass, int64_t valid_from);

/* Takes back those made until now. -1 as the store says. */
int pass_revoke(
    struct store *s, const struct access_key *key, int64_t now, struct err *e);

/* Since when passes of that person are good: see store_pass_from. */
int pass_valid_from(
    struct store *s, const struct access_key *key, int64_t *out, struct err *e);

/* How the table `passes` names a person. */
enum { PASS_WHO_MAX = FACT_ID_MAX + 32 };
struct str pass_who(const struct access_key *key, char out[PASS_WHO_MAX]);

/* Is it a pass, by any pass_secret, at that time? 0 and *out; else -1 and
 * nothing but the fault, also without memory. The fault holds no part of the
 * token. Which secret fits does not show in the time. */
int pass_verify(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct pass *out);

#endif

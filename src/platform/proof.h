#ifndef PLATFORM_PROOF_H
#define PLATFORM_PROOF_H

#include "platform/platform.h"

/*
 * What proves that a delivery comes from its platform: four ways, each with
 * its parameters in struct platform_proof. Each fits struct platform's verify.
 * Every secret is tried, whichever fits, and compared in constant time.
 * CONFIG_ERROR: no secret, or one of them is empty, or without memory it could
 * not be told: a sender comes back for that, not for a MISMATCH.
 */

/*
 * A secret in the URL that the sender was given: in its path, or as
 * user:password@host, which HTTP clients turn into Basic authentication
 * (RFC 7617). VALID or MISMATCH. Reads path_token and authorization.
 */
void proof_url_token(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out);

/*
 * A secret in the body, as document.h reads that: the text of the field
 * proof.token. NO_SIGNATURE where there is none, VALID or MISMATCH.
 */
void proof_body_token(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out);

/*
 * Hex digits, of either case, of an HMAC of the body; alone in the header.
 * proof.hash names the digest. NO_SIGNATURE, BAD_HEADER where these are no
 * digits of that length, VALID or MISMATCH. CONFIG_ERROR also where OpenSSL has
 * no such digest (MD5 under FIPS).
 */
void proof_hmac(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out);

/*
 * A list of KEY=VALUE in the header: a time, and HMAC-SHA-256 of time, joiner
 * and body; the scheme of Stripe's webhooks, "t=1700000000,v1=<64 digits>".
 * Rules: stripe-go, file webhook/client.go; what differs between senders are
 * time_key, mac_key, separator and joiner.
 *
 * No blanks. The key is the bytes of the secret as they stand; what is signed
 * begins with the time written anew from the number read ("t=0005" is signed as
 * "5"). Several MACs may stand there, of several secrets; other keys, v0 among
 * them, are not looked at.
 *
 * Stricter than stripe-go: the time stands there once, 1 to 18 digits and
 * nothing else; it may not lie further ahead of the clock than the tolerance;
 * only 64 hex digits are a MAC; no secret may be empty.
 *
 * Answers, in the order they are looked for:
 *   CONFIG_ERROR  no secret, or one of them is empty
 *   NO_SIGNATURE  no header, or an empty one
 *   BAD_HEADER    too long, an item without exactly one '=', time not as above
 *   MISMATCH      no MAC of 64 hex digits
 *   TOO_OLD       now - time > tolerance, whether or not a MAC fits
 *   MISMATCH      no MAC fits
 *   TOO_OLD       time - now > tolerance
 * sent_at is the time wherever the header could be read. right_key and by tell
 * whether and which secret fitted, also when the answer is TOO_OLD; right_key
 * is set with no other answer.
 */
enum {
	PROOF_HEADER_MAX = 16 * 1024, /* bytes; more is VERIFY_BAD_HEADER */
	PROOF_TIME_DIGITS = 18, /* at most: fits int64_t */
	PROOF_TEXT_MAX = 96, /* bytes proof_make_timed adds, at most */
};
void proof_timed(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out);

/* Fit struct platform's sign. now >= 0. 0, or -1 with ERR_INPUT or
 * ERR_MEMORY. */
int proof_make_hmac(const struct platform *p, struct str body,
    struct str secret, int64_t now, struct buf *value, struct err *e);
int proof_make_timed(const struct platform *p, struct str body,
    struct str secret, int64_t now, struct buf *value, struct err *e);

/* Shared by the two files: can these secrets be tried; which one fitted. */
int proof_usable(const struct verify_input *in);
void proof_name(struct str secret, char by[VERIFIED_BY_LEN + 1]);

#endif

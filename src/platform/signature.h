#ifndef PLATFORM_SIGNATURE_H
#define PLATFORM_SIGNATURE_H

#include "platform/platform.h"

/*
 * The scheme "t=1700000000,v1=<64 hex digits>" of Stripe's webhooks, which
 * Gank uses under the header Gank-Signature. Rules: stripe-go, file
 * webhook/client.go.
 *
 * The header is a list of key=value joined by commas, without blanks. v1 is
 * the HMAC-SHA-256, keyed with the bytes of the secret as they stand, of
 * decimal(t) "." body, where decimal(t) is written anew from the number read
 * ("t=0005" is signed as "5"). Several v1 may stand there, of several secrets;
 * other keys, v0 among them, are not looked at.
 *
 * Stricter than stripe-go: t stands there once, 1 to 18 digits and nothing
 * else; it may not lie further ahead of the clock than the tolerance; only 64
 * hex digits are a v1; no secret may be empty.
 */
enum {
	SIGNATURE_HEADER_MAX = 16 * 1024, /* bytes; more is VERIFY_BAD_HEADER */
	SIGNATURE_T_DIGITS = 18, /* at most: fits int64_t */
	SIGNATURE_TEXT_MAX = 96, /* bytes signature_make adds, at most */
};

/*
 * Answers, in the order they are looked for:
 *   CONFIG_ERROR  no secret, or one of them is empty
 *   NO_SIGNATURE  no header, or an empty one
 *   BAD_HEADER    too long, an item without exactly one '=', t not as above
 *   MISMATCH      no v1 of 64 hex digits
 *   TOO_OLD       now - t > tolerance, whether or not a MAC fits
 *   MISMATCH      no MAC fits
 *   TOO_OLD       t - now > tolerance
 * Should a MAC not be computable for want of memory, and no other fit, the
 * answer is CONFIG_ERROR: a sender comes back for that, not for a MISMATCH.
 * sent_at is t wherever the header could be read. right_key and by tell
 * whether and which secret fitted, also when the answer is TOO_OLD; right_key
 * is set with no other answer. Every v1 is compared with the MAC of every
 * secret, in constant time. Fits struct platform's verify; reads neither
 * path_token nor authorization.
 */
void signature_verify(const struct verify_input *in, struct verify_result *out);

/* Adds "t=…,v1=…", the header's value. t >= 0. 0, or -1 with ERR_INPUT or
 * ERR_MEMORY. */
int signature_make(struct str body, struct str secret, int64_t t,
    struct buf *out, struct err *e);

#endif

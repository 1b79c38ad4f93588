#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), by OpenSSL's libcrypto, and
 * random bytes, by the kernel. Nothing else of the project sees OpenSSL.
 *
 * SHA-256 by SHA256_Init and its like, which OpenSSL 3 calls deprecated: the
 * first digest by EVP makes a table of the names of all its algorithms, 1 ms,
 * which a CGI program would pay at every delivery, and the first random byte
 * loads all of them. They are the same code, and reach the processor's own
 * instructions as well. */

enum { CRYPTO_SHA256 = 32, CRYPTO_SHA256_HEX = 64 };

/* Once: does the library do what its name says? Nothing is to be set up. */
int crypto_init(struct err *e);

int crypto_sha256(struct str s, uint8_t out[CRYPTO_SHA256]);

/* A digest over several pieces. Free it in every case. */
struct crypto_hash;
struct crypto_hash *crypto_hash_new(void); /* never NULL */
void crypto_hash_add(struct crypto_hash *h, const void *p, size_t n);
int crypto_hash_end(struct crypto_hash *h, uint8_t out[CRYPTO_SHA256]);
void crypto_hash_free(struct crypto_hash *h);

/* The MAC of the n pieces, one after the other. 0 or -1. */
int crypto_hmac_sha256(struct str key, const struct str *pieces, size_t n,
    uint8_t out[CRYPTO_SHA256]);

/* The same by any digest OpenSSL knows by that name ("SHA256", "MD5"): *n bytes.
 * -1 also where it has none of that name, or may not use it (FIPS). */
enum { CRYPTO_DIGEST_MAX = 64 };
int crypto_hmac(const char *digest, struct str key, struct str text,
    uint8_t out[CRYPTO_DIGEST_MAX], size_t *n);

/* Do n bytes agree? Takes the same time wherever they differ. */
int crypto_equal(const void *a, const void *b, size_t n);

/* Do two texts agree? Digests are compared, so the time tells neither where
 * they differ nor how long the secret one is. -1: no memory to tell, and *equal
 * is 0. */
int crypto_equal_text(struct str a, struct str b, int *equal);

int crypto_random(void *p, size_t n); /* 0 or -1 */

/* 2n lower-case digits and a NUL. */
void crypto_hex(const uint8_t *p, size_t n, char *hex);
/* hex.n must be 2n; either case. 0 or -1. */
int crypto_unhex(struct str hex, uint8_t *p, size_t n);

#endif

#include "base/crypto.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

struct crypto_hash {
	EVP_MD_CTX *ctx;
	int failed;
};

enum { SHA256_BLOCK = 64 };

static EVP_MD *sha256;

int
crypto_init(struct err *e)
{
	if (sha256 != NULL)
		return 0;
	/* without its context EVP_MD_fetch would crash */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
		    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
		    OPENSSL_INIT_NO_ATEXIT,
		NULL) ||
	    OSSL_LIB_CTX_get0_global_default() == NULL)
		return err_set(e, ERR_MEMORY, "OpenSSL does not start");
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		return err_set(e, ERR_SYSTEM, "OpenSSL has no SHA-256");
	return 0;
}

int
crypto_sha256(struct str s, uint8_t out[CRYPTO_SHA256])
{
	return EVP_Digest(s.p, s.n, out, NULL, sha256, NULL) == 1 ? 0 : -1;
}

struct crypto_hash *
crypto_hash_new(void)
{
	struct crypto_hash *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, sha256, NULL) != 1) {
		crypto_hash_free(h);
		return NULL;
	}
	return h;
}

void
crypto_hash_add(struct crypto_hash *h, const void *p, size_t n)
{
	if (EVP_DigestUpdate(h->ctx, p, n) != 1)
		h->failed = 1;
}

int
crypto_hash_end(struct crypto_hash *h, uint8_t out[CRYPTO_SHA256])
{
	if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
		h->failed = 1;
	return h->failed ? -1 : 0;
}

void
crypto_hash_free(struct crypto_hash *h)
{
	if (h != NULL) {
		EVP_MD_CTX_free(h->ctx);
		free(h);
	}
}

/* RFC 2104: H(key ^ opad, H(key ^ ipad, text)). OpenSSL's own HMAC fetches
 * its parts anew at every call, which costs more than the hashing. */
int
crypto_hmac_sha256(struct str key, const struct str *pieces, size_t n,
    uint8_t out[CRYPTO_SHA256])
{
	uint8_t block[SHA256_BLOCK] = { 0 }, inner[CRYPTO_SHA256];
	int rc = -1;
	if (key.n > SHA256_BLOCK) {
		if (crypto_sha256(key, block) != 0)
			return -1;
	} else if (key.n > 0) {
		memcpy(block, key.p, key.n);
	}
	struct crypto_hash *h = crypto_hash_new();
	if (h == NULL)
		goto out;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	crypto_hash_add(h, block, sizeof(block));
	for (size_t i = 0; i < n; i++)
		crypto_hash_add(h, pieces[i].p, pieces[i].n);
	if (crypto_hash_end(h, inner) != 0 ||
	    EVP_DigestInit_ex2(h->ctx, sha256, NULL) != 1)
		goto out;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5C;
	crypto_hash_add(h, block, sizeof(block));
	crypto_hash_add(h, inner, sizeof(inner));
	rc = crypto_hash_end(h, out);
out:
	crypto_hash_free(h);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(inner, sizeof(inner));
	return rc;
}

int
crypto_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

int
crypto_equal_text(struct str a, struct str b, int *equal)
{
	uint8_t da[CRYPTO_SHA256], db[CRYPTO_SHA256];
	*equal = 0;
	if (crypto_sha256(a, da) != 0 || crypto_sha256(b, db) != 0)
		return -1;
	*equal = crypto_equal(da, db, sizeof(da));
	return 0;
}

int
crypto_random(void *p, size_t n)
{
	return RAND_bytes(p, (int)n) == 1 ? 0 : -1;
}

void
crypto_hex(const uint8_t *p, size_t n, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[p[i] >> 4];
		hex[2 * i + 1] = digits[p[i] & 15];
	}
	hex[2 * n] = '\0';
}

int
crypto_unhex(struct str hex, uint8_t *p, size_t n)
{
	if (hex.n != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int hi = str_hex_digit(hex.p[2 * i]);
		int lo = str_hex_digit(hex.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

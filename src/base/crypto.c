#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* SHA256_Init and its like: see the header */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/memory.h"

struct crypto_hash {
	SHA256_CTX ctx;
	int failed;
};

enum { SHA256_BLOCK = 64 };

static int
begin(struct crypto_hash *h)
{
	h->failed = SHA256_Init(&h->ctx) != 1;
	return h->failed ? -1 : 0;
}

int
crypto_sha256(struct str s, uint8_t out[CRYPTO_SHA256])
{
	struct crypto_hash h;
	if (begin(&h) != 0)
		return -1;
	crypto_hash_add(&h, s.p, s.n);
	return crypto_hash_end(&h, out);
}

struct crypto_hash *
crypto_hash_new(void)
{
	struct crypto_hash *h = memory_new(sizeof(*h));
	begin(h);
	return h;
}

void
crypto_hash_add(struct crypto_hash *h, const void *p, size_t n)
{
	if (SHA256_Update(&h->ctx, p, n) != 1)
		h->failed = 1;
}

int
crypto_hash_end(struct crypto_hash *h, uint8_t out[CRYPTO_SHA256])
{
	if (SHA256_Final(out, &h->ctx) != 1)
		h->failed = 1;
	return h->failed ? -1 : 0;
}

void
crypto_hash_free(struct crypto_hash *h)
{
	if (h != NULL) {
		OPENSSL_cleanse(h, sizeof(*h));
		free(h);
	}
}

/* RFC 2104: H(key ^ opad, H(key ^ ipad, text)). */
int
crypto_hmac_sha256(struct str key, const struct str *pieces, size_t n,
    uint8_t out[CRYPTO_SHA256])
{
	uint8_t block[SHA256_BLOCK] = { 0 }, inner[CRYPTO_SHA256];
	struct crypto_hash h;
	int rc = -1;
	if (key.n > SHA256_BLOCK) {
		if (crypto_sha256(key, block) != 0)
			return -1;
	} else if (key.n > 0) {
		memcpy(block, key.p, key.n);
	}
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	if (begin(&h) != 0)
		goto out;
	crypto_hash_add(&h, block, sizeof(block));
	for (size_t i = 0; i < n; i++)
		crypto_hash_add(&h, pieces[i].p, pieces[i].n);
	if (crypto_hash_end(&h, inner) != 0 || begin(&h) != 0)
		goto out;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5C;
	crypto_hash_add(&h, block, sizeof(block));
	crypto_hash_add(&h, inner, sizeof(inner));
	rc = crypto_hash_end(&h, out);
out:
	OPENSSL_cleanse(&h, sizeof(h));
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(inner, sizeof(inner));
	return rc;
}

int
crypto_hmac(const char *digest, struct str key, struct str text,
    uint8_t out[CRYPTO_DIGEST_MAX], size_t *n)
{
	const EVP_MD *md = EVP_get_digestbyname(digest);
	unsigned made = 0;
	if (md == NULL || key.n > INT_MAX ||
	    HMAC(md, key.p, (int)key.n, (const unsigned char *)text.p, text.n,
		out, &made) == NULL)
		return -1;
	*n = made;
	return 0;
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
crypto_init(struct err *e)
{
	/* FIPS 180-4's example, "abc" */
	static const uint8_t abc[CRYPTO_SHA256] = { 0xBA, 0x78, 0x16, 0xBF,
		0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE,
		0x22, 0x23, 0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C,
		0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD };
	uint8_t digest[CRYPTO_SHA256];
	if (crypto_sha256(STR("abc"), digest) != 0 ||
	    memcmp(digest, abc, sizeof(abc)) != 0)
		return err_set(e, ERR_SYSTEM,
		    "OpenSSL's SHA-256 is not the one this program was built "
		    "with");
	return 0;
}

/* Where the kernel has no getrandom(2): before Linux 3.17. */
static ssize_t
read_random(void *p, size_t n)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t k = read(fd, p, n);
	close(fd);
	return k == 0 ? -1 : k;
}

int
crypto_random(void *p, size_t n)
{
	unsigned char *to = p;
	while (n > 0) {
		ssize_t k = getrandom(to, n, 0);
		if (k < 0 && errno == ENOSYS)
			k = read_random(to, n);
		if (k < 0 && errno != EINTR)
			return -1;
		if (k > 0) {
			to += k;
			n -= (size_t)k;
		}
	}
	return 0;
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

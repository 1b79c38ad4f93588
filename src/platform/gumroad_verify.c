#include "platform/gumroad.h"

#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"

/*
 * Gumroad signs nothing. What proves a delivery is the secret in the URL it
 * was given: in the path, or as user:password@host, which its HTTP client
 * (HTTParty) turns into Basic authentication (RFC 7617).
 */
enum { BASIC_MAX = 1024 }; /* bytes of user:password */

/* RFC 4648 4, padded. Bytes written, or -1. */
static int
base64_decode(struct str s, unsigned char out[BASIC_MAX])
{
	if (s.n == 0 || s.n % 4 != 0 || s.n / 4 * 3 > BASIC_MAX)
		return -1;
	s.n -= s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	return base64_bytes(s, '+', '/', out);
}

/* The password of "Basic dXNlcjpwYXNz", in buf, or STR_NONE. */
static struct str
basic_password(struct str authorization, unsigned char buf[BASIC_MAX])
{
	struct str scheme, rest, user, password;
	str_cut(str_trim(authorization), ' ', &scheme, &rest);
	if (!str_eq_fold(scheme, STR("Basic")))
		return STR_NONE;
	int n = base64_decode(str_trim(rest), buf);
	if (n < 0)
		return STR_NONE;
	str_cut((struct str){ (const char *)buf, (size_t)n }, ':', &user,
	    &password);
	return password;
}

/* Every secret is compared, whichever fits. -1: with some it could not be. */
static int
try_token(const struct verify_input *in, struct str token, size_t *fits)
{
	int rc = 0, equal;
	if (token.p == NULL)
		return 0;
	for (size_t i = 0; i < in->n_secrets; i++) {
		rc |= crypto_equal_text(token, in->secrets[i], &equal);
		if (equal)
			*fits = i;
	}
	return rc;
}

void
gumroad_verify(const struct verify_input *in, struct verify_result *out)
{
	unsigned char buf[BASIC_MAX];
	uint8_t digest[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	size_t fits = SIZE_MAX;
	*out = (struct verify_result){ .answer = VERIFY_MISMATCH,
		.sent_at = FACT_NO_TIME };
	int unusable = in->n_secrets == 0;
	for (size_t i = 0; i < in->n_secrets; i++)
		unusable |= in->secrets[i].n == 0;
	if (unusable) {
		out->answer = VERIFY_CONFIG_ERROR;
		return;
	}
	int rc = try_token(in, in->path_token, &fits);
	rc |= try_token(in, basic_password(in->authorization, buf), &fits);
	if (fits == SIZE_MAX && rc == 0)
		return;
	/* a sender comes back for this, not for a mismatch */
	if (fits == SIZE_MAX || crypto_sha256(in->secrets[fits], digest) != 0) {
		out->answer = VERIFY_CONFIG_ERROR;
		return;
	}
	crypto_hex(digest, sizeof(digest), hex);
	memcpy(out->by, hex, VERIFIED_BY_LEN);
	out->answer = VERIFY_VALID;
}

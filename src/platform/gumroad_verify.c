#include "platform/gumroad.h"

#include <string.h>

#include "base/crypto.h"

/*
 * Gumroad signs nothing. What proves a delivery is the secret in the URL it
 * was given: in the path, or as user:password@host, which its HTTP client
 * (HTTParty) turns into Basic authentication (RFC 7617).
 */
enum { BASIC_MAX = 1024 }; /* bytes of user:password */

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 4, padded, no bits left over. Bytes written, or -1. */
static int
base64_decode(struct str s, unsigned char out[BASIC_MAX])
{
	if (s.n == 0 || s.n % 4 != 0 || s.n / 4 * 3 > BASIC_MAX)
		return -1;
	int pad = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	size_t digits = s.n - (size_t)pad;
	unsigned bits = 0;
	int n = 0, held = 0;
	for (size_t i = 0; i < digits; i++) {
		int v = base64_value(s.p[i]);
		if (v < 0)
			return -1;
		bits = (bits << 6 | (unsigned)v) & 0xFFFF;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (unsigned char)(bits >> held & 0xFF);
		}
	}
	return (bits & ((1U << held) - 1)) == 0 ? n : -1;
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

/* Every secret is compared, whichever fits. */
static void
try_token(const struct verify_input *in, struct str token, size_t *fits)
{
	if (token.p == NULL)
		return;
	for (size_t i = 0; i < in->n_secrets; i++)
		if (crypto_equal_text(token, in->secrets[i]))
			*fits = i;
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
	try_token(in, in->path_token, &fits);
	try_token(in, basic_password(in->authorization, buf), &fits);
	if (fits == SIZE_MAX)
		return;
	if (crypto_sha256(in->secrets[fits], digest) != 0) {
		out->answer = VERIFY_CONFIG_ERROR;
		return;
	}
	crypto_hex(digest, sizeof(digest), hex);
	memcpy(out->by, hex, VERIFIED_BY_LEN);
	out->answer = VERIFY_VALID;
}

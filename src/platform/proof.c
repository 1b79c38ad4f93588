#include "platform/proof.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "platform/document.h"

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

int
proof_usable(const struct verify_input *in)
{
	for (size_t i = 0; i < in->n_secrets; i++)
		if (in->secrets[i].n == 0)
			return 0;
	return in->n_secrets > 0;
}

void
proof_name(struct str secret, char by[VERIFIED_BY_LEN + 1])
{
	uint8_t digest[CRYPTO_SHA256];
	if (crypto_sha256(secret, digest) == 0)
		crypto_hex(digest, VERIFIED_BY_LEN / 2, by);
}

/* 1: nothing is left to look at. */
static int
begin(const struct verify_input *in, struct verify_result *out)
{
	*out = (struct verify_result){ .answer = VERIFY_MISMATCH,
		.sent_at = FACT_NO_TIME };
	if (proof_usable(in))
		return 0;
	out->answer = VERIFY_CONFIG_ERROR;
	return 1;
}

static void
try_token(
    const struct verify_input *in, struct str token, struct verify_result *out)
{
	int equal;
	for (size_t i = 0; token.p != NULL && i < in->n_secrets; i++) {
		if (crypto_equal_text(token, in->secrets[i], &equal) != 0 &&
		    out->answer != VERIFY_VALID)
			out->answer = VERIFY_CONFIG_ERROR;
		if (!equal)
			continue;
		out->answer = VERIFY_VALID;
		proof_name(in->secrets[i], out->by);
	}
}

void
proof_url_token(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out)
{
	unsigned char buf[BASIC_MAX];
	(void)p;
	(void)a;
	if (begin(in, out))
		return;
	try_token(in, in->path_token, out);
	try_token(in, basic_password(in->authorization, buf), out);
}

void
proof_body_token(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out)
{
	struct str token;
	if (begin(in, out))
		return;
	int rc = document_secret(p, in->body, a, &token);
	if (rc != 0)
		out->answer = VERIFY_CONFIG_ERROR;
	else if (token.n == 0)
		out->answer = VERIFY_NO_SIGNATURE;
	else
		try_token(in, token, out);
}

/* -1: it could not be made. */
static int
try_hmac(const char *hash, const struct verify_input *in, const uint8_t *sent,
    size_t n, struct verify_result *out)
{
	uint8_t mac[CRYPTO_DIGEST_MAX];
	size_t made;
	for (size_t i = 0; i < in->n_secrets; i++) {
		if (crypto_hmac(hash, in->secrets[i], in->body, mac, &made) !=
		    0)
			return -1;
		if (made != n) {
			out->answer = VERIFY_BAD_HEADER;
		} else if (crypto_equal(mac, sent, n)) {
			out->answer = VERIFY_VALID;
			proof_name(in->secrets[i], out->by);
		}
	}
	return 0;
}

void
proof_hmac(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out)
{
	uint8_t sent[CRYPTO_DIGEST_MAX];
	size_t n = in->signature.n / 2;
	(void)a;
	if (begin(in, out))
		return;
	if (in->signature.n == 0)
		out->answer = VERIFY_NO_SIGNATURE;
	else if (n > sizeof(sent) || crypto_unhex(in->signature, sent, n) != 0)
		out->answer = VERIFY_BAD_HEADER;
	else if (try_hmac(p->proof.hash, in, sent, n, out) != 0)
		out->answer = VERIFY_CONFIG_ERROR;
}

int
proof_make_hmac(const struct platform *p, struct str body, struct str secret,
    int64_t now, struct buf *value, struct err *e)
{
	uint8_t mac[CRYPTO_DIGEST_MAX];
	char hex[2 * CRYPTO_DIGEST_MAX + 1];
	size_t n;
	(void)now;
	if (secret.n == 0)
		return err_set(e, ERR_INPUT, "the secret is empty");
	if (crypto_hmac(p->proof.hash, secret, body, mac, &n) != 0)
		return err_set(e, ERR_SYSTEM, "OpenSSL makes no HMAC by %s",
		    p->proof.hash);
	crypto_hex(mac, n, hex);
	buf_addz(value, hex);
	return buf_ok(value) ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

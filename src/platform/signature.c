#include "platform/signature.h"

#include "base/crypto.h"

struct header {
	int64_t t;
	int times; /* items named t */
	int macs; /* items named v1 that are 64 hex digits */
};

/* One item of the list: its key and value. Returns -1 when it has not exactly
 * one '='. *rest is what follows, STR_NONE after the last. */
static int
next_item(struct str *rest, struct str *key, struct str *value)
{
	struct str item, tail;
	str_cut(*rest, ',', &item, &tail);
	*rest = tail;
	if (!str_cut(item, '=', key, value) || str_has_byte(*value, '='))
		return -1;
	return 0;
}

static int
read_time(struct str s, int64_t *t)
{
	if (s.n > SIGNATURE_T_DIGITS || str_has_byte(s, '-'))
		return -1;
	return str_int64(s, 0, INT64_MAX, t);
}

static int
read_mac(struct str key, struct str value, uint8_t mac[CRYPTO_SHA256])
{
	return str_eq_z(key, "v1") ? crypto_unhex(value, mac, CRYPTO_SHA256)
				   : -1;
}

static int
read_header(struct str text, struct header *h)
{
	struct str key, value;
	uint8_t mac[CRYPTO_SHA256];
	*h = (struct header){ 0 };
	if (text.n > SIGNATURE_HEADER_MAX)
		return -1;
	while (text.p != NULL) {
		if (next_item(&text, &key, &value) != 0)
			return -1;
		if (str_eq_z(key, "t")) {
			h->times++;
			if (read_time(value, &h->t) != 0)
				return -1;
		} else if (read_mac(key, value, mac) == 0) {
			h->macs++;
		}
	}
	return h->times == 1 ? 0 : -1;
}

/* The MAC of "t.body". */
static int
compute(
    struct str body, struct str secret, int64_t t, uint8_t mac[CRYPTO_SHA256])
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld.", (long long)t);
	struct str pieces[] = { { text, (size_t)n }, body };
	return crypto_hmac_sha256(secret, pieces, 2, mac);
}

/* Is mac among the header's? All are compared, whatever the first says. */
static int
stands_in(struct str text, const uint8_t mac[CRYPTO_SHA256])
{
	struct str key, value;
	uint8_t sent[CRYPTO_SHA256];
	int found = 0;
	while (text.p != NULL && next_item(&text, &key, &value) == 0)
		if (read_mac(key, value, sent) == 0)
			found |= crypto_equal(mac, sent, CRYPTO_SHA256);
	return found;
}

static void
name_secret(struct str secret, char by[VERIFIED_BY_LEN + 1])
{
	uint8_t digest[CRYPTO_SHA256];
	if (crypto_sha256(secret, digest) == 0)
		crypto_hex(digest, VERIFIED_BY_LEN / 2, by);
}

/* Does a secret fit? 1 and its name; 0; -1 when that cannot be told. */
static int
find_secret(
    const struct verify_input *in, int64_t t, char by[VERIFIED_BY_LEN + 1])
{
	uint8_t mac[CRYPTO_SHA256];
	int found = 0, failed = 0;
	for (size_t i = 0; i < in->n_secrets; i++) {
		if (compute(in->body, in->secrets[i], t, mac) != 0) {
			failed = 1;
			continue;
		}
		int fits = stands_in(in->signature, mac);
		if (fits && !found)
			name_secret(in->secrets[i], by);
		found |= fits;
	}
	return found ? 1 : failed ? -1 : 0;
}

static int
secrets_usable(const struct verify_input *in)
{
	for (size_t i = 0; i < in->n_secrets; i++)
		if (in->secrets[i].n == 0)
			return 0;
	return in->n_secrets > 0;
}

/* now - t > tolerance, for t >= 0 and any now. */
static int
too_old(int64_t now, int64_t t, int64_t tolerance)
{
	int64_t age = now < INT64_MIN + t ? INT64_MIN : now - t;
	return tolerance != VERIFY_ANY_AGE && age > tolerance;
}

/* t - now > tolerance, for t >= 0 and any now. */
static int
too_new(int64_t now, int64_t t, int64_t tolerance)
{
	int64_t lead = now < t - INT64_MAX ? INT64_MAX : t - now;
	return tolerance != VERIFY_ANY_AGE && lead > tolerance;
}

void
signature_verify(const struct verify_input *in, struct verify_result *out)
{
	struct header h;
	*out = (struct verify_result){ .sent_at = FACT_NO_TIME };
	if (!secrets_usable(in)) {
		out->answer = VERIFY_CONFIG_ERROR;
		return;
	}
	if (in->signature.n == 0) {
		out->answer = VERIFY_NO_SIGNATURE;
		return;
	}
	if (read_header(in->signature, &h) != 0) {
		out->answer = VERIFY_BAD_HEADER;
		return;
	}
	out->sent_at = h.t;
	int fits = h.macs > 0 ? find_secret(in, h.t, out->by) : 0;
	if (h.macs == 0)
		out->answer = VERIFY_MISMATCH;
	else if (too_old(in->now, h.t, in->tolerance))
		out->answer = VERIFY_TOO_OLD;
	else if (fits <= 0)
		out->answer = fits < 0 ? VERIFY_CONFIG_ERROR : VERIFY_MISMATCH;
	else if (too_new(in->now, h.t, in->tolerance))
		out->answer = VERIFY_TOO_OLD;
	else
		out->answer = VERIFY_VALID;
	out->right_key = out->answer == VERIFY_TOO_OLD && fits > 0;
}

int
signature_make(struct str body, struct str secret, int64_t t, struct buf *out,
    struct err *e)
{
	uint8_t mac[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	if (secret.n == 0)
		return err_set(e, ERR_INPUT, "the secret is empty");
	if (t < 0)
		return err_set(e, ERR_INPUT, "the time is before 1970");
	if (compute(body, secret, t, mac) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(mac, sizeof(mac), hex);
	buf_addf(out, "t=%lld,v1=%s", (long long)t, hex);
	if (!buf_ok(out))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

#include "platform/proof.h"

#include "base/crypto.h"

struct header {
	int64_t t;
	int times; /* items with the key of a time */
	int macs; /* items with that of a MAC that are 64 hex digits */
};

/* One item of the list: its key and value. Returns -1 when it has not exactly
 * one '='. *rest is what follows, STR_NONE after the last. */
static int
next_item(const struct platform_proof *p, struct str *rest, struct str *key,
    struct str *value)
{
	struct str item, tail;
	str_cut(*rest, p->separator, &item, &tail);
	*rest = tail;
	if (!str_cut(item, '=', key, value) || str_has_byte(*value, '='))
		return -1;
	return 0;
}

static int
read_time(struct str s, int64_t *t)
{
	if (s.n > PROOF_TIME_DIGITS || str_has_byte(s, '-'))
		return -1;
	return str_int64(s, 0, INT64_MAX, t);
}

static int
read_mac(const struct platform_proof *p, struct str key, struct str value,
    uint8_t mac[CRYPTO_SHA256])
{
	return str_eq_z(key, p->mac_key)
	    ? crypto_unhex(value, mac, CRYPTO_SHA256)
	    : -1;
}

static int
read_header(const struct platform_proof *p, struct str text, struct header *h)
{
	struct str key, value;
	uint8_t mac[CRYPTO_SHA256];
	*h = (struct header){ 0 };
	if (text.n > PROOF_HEADER_MAX)
		return -1;
	while (text.p != NULL) {
		if (next_item(p, &text, &key, &value) != 0)
			return -1;
		if (str_eq_z(key, p->time_key)) {
			h->times++;
			if (read_time(value, &h->t) != 0)
				return -1;
		} else if (read_mac(p, key, value, mac) == 0) {
			h->macs++;
		}
	}
	return h->times == 1 ? 0 : -1;
}

/* The MAC of time, joiner and body. */
static int
compute(const struct platform_proof *p, struct str body, struct str secret,
    int64_t t, uint8_t mac[CRYPTO_SHA256])
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld%c", (long long)t, p->joiner);
	struct str pieces[] = { { text, (size_t)n }, body };
	return crypto_hmac_sha256(secret, pieces, 2, mac);
}

/* Is mac among the header's? All are compared, whatever the first says. */
static int
stands_in(const struct platform_proof *p, struct str text,
    const uint8_t mac[CRYPTO_SHA256])
{
	struct str key, value;
	uint8_t sent[CRYPTO_SHA256];
	int found = 0;
	while (text.p != NULL && next_item(p, &text, &key, &value) == 0)
		if (read_mac(p, key, value, sent) == 0)
			found |= crypto_equal(mac, sent, CRYPTO_SHA256);
	return found;
}

/* Does a secret fit? 1 and its name; 0; -1 when that cannot be told. */
static int
find_secret(const struct platform_proof *p, const struct verify_input *in,
    int64_t t, char by[VERIFIED_BY_LEN + 1])
{
	uint8_t mac[CRYPTO_SHA256];
	int found = 0, failed = 0;
	for (size_t i = 0; i < in->n_secrets; i++) {
		if (compute(p, in->body, in->secrets[i], t, mac) != 0) {
			failed = 1;
			continue;
		}
		int fits = stands_in(p, in->signature, mac);
		if (fits && !found)
			proof_name(in->secrets[i], by);
		found |= fits;
	}
	return found ? 1 : failed ? -1 : 0;
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
proof_timed(const struct platform *p, const struct verify_input *in,
    struct arena *a, struct verify_result *out)
{
	struct header h;
	(void)a;
	*out = (struct verify_result){ .sent_at = FACT_NO_TIME };
	if (!proof_usable(in)) {
		out->answer = VERIFY_CONFIG_ERROR;
		return;
	}
	if (in->signature.n == 0) {
		out->answer = VERIFY_NO_SIGNATURE;
		return;
	}
	if (read_header(&p->proof, in->signature, &h) != 0) {
		out->answer = VERIFY_BAD_HEADER;
		return;
	}
	out->sent_at = h.t;
	int fits = h.macs > 0 ? find_secret(&p->proof, in, h.t, out->by) : 0;
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
proof_make_timed(const struct platform *p, struct str body, struct str secret,
    int64_t now, struct buf *value, struct err *e)
{
	uint8_t mac[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	if (secret.n == 0)
		return err_set(e, ERR_INPUT, "the secret is empty");
	if (now < 0)
		return err_set(e, ERR_INPUT, "the time is before 1970");
	if (compute(&p->proof, body, secret, now, mac) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(mac, sizeof(mac), hex);
	buf_addf(value, "%s=%lld%c%s=%s", p->proof.time_key, (long long)now,
	    p->proof.separator, p->proof.mac_key, hex);
	if (!buf_ok(value))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

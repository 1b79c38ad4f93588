#include "platform/platform.h"

#include "base/crypto.h"

enum { WORD_MAX = 64 }; /* bytes */

const struct platform *const platforms[PLATFORM__MAX] = {
#define PLATFORM(name) &platform_##name,
#include "platform/list.h"
#undef PLATFORM
};

#define PLATFORM(name) #name ", "
const char platform_words[] =
#include "platform/list.h"
    "manual";
#undef PLATFORM

const char *const platform_columns[] = {
#define PLATFORM(name) #name,
#include "platform/list.h"
#undef PLATFORM
	"manual",
	NULL,
};

const char *const verify_words[VERIFY__MAX] = {
	[VERIFY_VALID] = "valid",
	[VERIFY_NO_SIGNATURE] = "no_signature",
	[VERIFY_BAD_HEADER] = "bad_header",
	[VERIFY_TOO_OLD] = "too_old",
	[VERIFY_MISMATCH] = "mismatch",
	[VERIFY_CONFIG_ERROR] = "config_error",
};

const struct platform *
platform_find(struct str name)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (str_eq_z(name, platforms[i]->name))
			return platforms[i];
	return NULL;
}

size_t
platform_index(const struct platform *p)
{
	size_t i = 0;
	while (i + 1 < PLATFORM__MAX && platforms[i] != p)
		i++;
	return i;
}

int
platform_is_reading(struct str kind)
{
	return str_eq_z(kind, PLATFORM_READBACK) ||
	    str_eq_z(kind, PLATFORM_SUBSCRIBER) ||
	    str_eq_z(kind, PLATFORM_ABSENT);
}

int
platform_decode(const struct platform *p, struct str kind, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e)
{
	return p->api != NULL && platform_is_reading(kind)
	    ? p->api->decode(p, kind, body, a, out, e)
	    : p->decode(p, body, opts, a, out, e);
}

int
platform_redact(const struct platform *p, struct str kind, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	return p->api != NULL && platform_is_reading(kind)
	    ? p->api->redact(p, kind, body, opts, a, out, e)
	    : p->redact(p, body, opts, a, out, e);
}

struct str
platform_content_type(const struct platform *p, struct str kind)
{
	return platform_is_reading(kind) ? STR("application/json")
					 : str_from(p->content_type);
}

json_t *
platform_describe(
    const struct platform *p, struct str kind, const struct fact *f)
{
	return p->api != NULL && platform_is_reading(kind)
	    ? p->api->describe(p, f)
	    : p->describe(p, f);
}

struct str
platform_variant(struct str platform, struct str variant, struct str title)
{
	const struct platform *p = platform_find(platform);
	return variant.p == NULL && p != NULL && p->titled ? title : variant;
}

struct str
platform_identifier(struct str s)
{
	if (s.p == NULL || s.n == 0 || s.n > FACT_ID_MAX || !str_is_utf8(s) ||
	    str_has_control(s))
		return STR_NONE;
	return s;
}

struct str
platform_email(struct arena *a, struct str s)
{
	s = platform_identifier(str_trim(s));
	if (s.p == NULL || !str_has_byte(s, '@'))
		return STR_NONE;
	return str_lower(a, s);
}

struct str
platform_license(struct arena *a, struct str s)
{
	s = platform_identifier(str_trim(s));
	return s.p == NULL ? s : str_upper(a, s);
}

struct str
platform_digest(struct arena *a, struct str s)
{
	uint8_t digest[CRYPTO_SHA256];
	char *hex = arena_alloc(a, CRYPTO_SHA256_HEX + 1);
	if (hex == NULL || crypto_sha256(s, digest) != 0)
		return STR_NONE;
	crypto_hex(digest, sizeof(digest), hex);
	return (struct str){ hex, CRYPTO_SHA256_HEX };
}

struct str
platform_erased(struct arena *a, struct str sale, struct str address)
{
	struct str first = platform_digest(a, sale);
	struct str second = platform_digest(a,
	    str_from(
		arena_printf(a, "%.*s %.*s", STR_ARG(sale), STR_ARG(address))));
	return first.p == NULL || second.p == NULL
	    ? STR_NONE
	    : str_from(arena_printf(
		  a, "%.*s:%.*s", STR_ARG(first), STR_ARG(second)));
}

struct str
platform_word(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, WORD_MAX);
	size_t n = 0;
	s = str_clean_utf8(a, s, 1);
	for (size_t i = 0; p != NULL && i < s.n;) {
		struct str c = { s.p + i, str_char(s, i) };
		i += c.n;
		if (str_has_control(c))
			c = STR("?");
		if (c.n > WORD_MAX - n)
			break;
		memcpy(p + n, c.p, c.n);
		n += c.n;
	}
	s = (struct str){ p, n };
	return platform_is_reading(s) ? STR("unknown") : s;
}

int
platform_trial(
    const struct platform *p, struct arena *a, struct str *body, struct err *e)
{
	const struct sample_opts always = { .now = 1767225600, /* 2026 begins */
		.nonce = STR("00000000000000000000000000000000") };
	const struct platform_sample *which = p->samples;
	*body = STR_NONE;
	while (which->event != NULL && strcmp(which->event, "test_ping") != 0)
		which++;
	return which->event == NULL ? 0
				    : p->sample(p, which, &always, a, body, e);
}

struct fact
fact_none(void)
{
	return (struct fact){ .price = FACT_NO_NUMBER,
		.quantity = FACT_NO_NUMBER,
		.charges = FACT_NO_NUMBER,
		.sold_at = FACT_NO_TIME,
		.cancelled_at = FACT_NO_TIME,
		.ended_at = FACT_NO_TIME,
		.restarted_at = FACT_NO_TIME,
		.effective_at = FACT_NO_TIME,
		.trial_ends_at = FACT_NO_TIME,
		.as_of = FACT_NO_TIME,
		.refunded_amount = FACT_NO_NUMBER,
		.failed_at = FACT_NO_TIME,
		.ends_at = FACT_NO_TIME };
}

#include "platform/gank.h"

#include "base/crypto.h"
#include "base/json.h"

const struct platform_sample gank_samples[] = {
	{ "membership", GANK_EVENT_MEMBERSHIP,
	    "a month of a membership is paid", NULL, NULL },
	{ "goods", GANK_EVENT_GOODS, "a shop listing is bought", NULL, NULL },
	{ 0 },
};

enum form {
	TEXT,
	TEXT_OR_NULL,
	JSON, /* a number or a boolean */
	FRESH, /* a text made from the nonce; the default is its beginning */
	PERSON, /* a UUID made from custom_reference_id where that is set */
};

enum { UUID_LEN = 36 };

/* A body, field by field, in the order and with the values of Gank's page;
 * addresses, which it hides, are examples. */
struct line {
	const char *before; /* JSON in front of the key */
	const char *key; /* NULL: the end */
	enum form form;
	const char *value;
};

#define CREATOR "fba1aaba-ffb5-42ae-8571-6ec0eb337802"

static const struct line membership[] = {
	{ "{\"data\":{", "human_id", FRESH, GANK_TEST_MEMBERSHIP },
	{ ",\"usecase_data\":{\"data\":{", "billing_period", JSON, "1" },
	{ ",", "is_fee_covered", JSON, "true" },
	{ ",", "price_event_id", TEXT, "2f0f05c6-9760-41af-8201-1cec61aa2421" },
	{ ",", "creator_user_id", TEXT, CREATOR },
	{ ",", "membership_title", TEXT, "Test Membership! <>&..." },
	{ ",", "subscriber_user_id", PERSON,
	    "4758a84f-c541-4e7a-b2b1-8bf76e05f177" },
	{ ",", "custom_reference_id", TEXT_OR_NULL, "null" },
	{ ",", "creator_user_nickname", TEXT, "notruff4" },
	{ ",", "subscriber_user_email", TEXT_OR_NULL, "member@example.com" },
	{ ",", "is_fee_covered_forever", JSON, "true" },
	{ ",", "subscriber_user_nickname", TEXT, "notruffX9VpAK6" },
	{ "},", "usecase", TEXT, "USER_MEMBERSHIP_RECURRING" },
	{ "},", "payment_status", TEXT, GANK_STATUS },
	{ "},", "event", TEXT, GANK_EVENT_MEMBERSHIP },
	{ "}", NULL, TEXT, NULL },
};

static const struct line goods[] = {
	{ "{", "event", TEXT, GANK_EVENT_GOODS },
	{ ",\"data\":{", "human_id", FRESH, GANK_TEST_GOODS },
	{ ",\"usecase_data\":{\"data\":{", "catalog_id", TEXT,
	    "4ae9d5c2-959f-42d6-a463-6c0003c95c8c" },
	{ ",", "buyer_user_id", PERSON,
	    "211376af-da75-4592-b0ab-d92216cb6101" },
	{ ",", "catalog_title", TEXT_OR_NULL, "Test Listing 26/02/27T10:14!" },
	{ ",", "discount_code", TEXT_OR_NULL, "null" },
	{ ",", "is_fee_covered", JSON, "true" },
	{ ",", "creator_user_id", TEXT, CREATOR },
	{ ",", "buyer_user_email", TEXT_OR_NULL, "buyer@example.com" },
	{ ",", "catalog_price_id", TEXT,
	    "77b2db34-6ea5-40e6-bb7b-ad62e3efcf2c" },
	{ ",", "buyer_user_nickname", TEXT, "notruff5" },
	{ ",", "custom_reference_id", TEXT_OR_NULL, "null" },
	{ ",", "creator_user_nickname", TEXT, "notruff4" },
	{ "},", "usecase", TEXT, "DIGITAL_GOODS" },
	{ "},", "payment_status", TEXT, GANK_STATUS },
	{ "}}", NULL, TEXT, NULL },
};

/* Go's encoding/json, in which Gank is written, escapes <, >, & and the two
 * line separators within texts; elsewhere JSON has none of them. */
static void
add_as_go(struct buf *b, struct str json)
{
	for (size_t i = 0; i < json.n;) {
		struct str rest = { json.p + i, json.n - i };
		unsigned char c = (unsigned char)rest.p[0];
		if (c == '<' || c == '>' || c == '&') {
			buf_addf(b, "\\u%04x", (unsigned)c);
			i++;
		} else if (str_starts(rest, STR("\xE2\x80\xA8"))) {
			buf_addz(b, "\\u2028");
			i += 3;
		} else if (str_starts(rest, STR("\xE2\x80\xA9"))) {
			buf_addz(b, "\\u2029");
			i += 3;
		} else {
			buf_addc(b, (char)c);
			i++;
		}
	}
}

static void
add_text(struct buf *b, struct str text)
{
	struct buf json;
	buf_init(&json, GANK_BODY_MAX);
	buf_add_json(&json, text);
	if (buf_ok(&json))
		add_as_go(b, buf_str(&json));
	else
		b->failed = 1;
	buf_free(&json);
}

/* Is s one JSON value? Read as a member, for json_load_strict takes objects;
 * alone there, or s would be more than a value. */
static int
is_value(struct arena *a, struct str s)
{
	const char *reason;
	char *text = arena_alloc(a, s.n + 16);
	if (text == NULL)
		return 0;
	memcpy(text, "{\"v\":", 5);
	if (s.n > 0)
		memcpy(text + 5, s.p, s.n);
	text[5 + s.n] = '}';
	json_t *v = json_load_strict(
	    a, (struct str){ text, s.n + 6 }, 0, &reason, NULL);
	int one = json_object_size(v) == 1;
	json_decref(v);
	return one;
}

/* Nine of A-Z and 0-9, like Gank's. */
static void
add_fresh(struct buf *b, const char *prefix, struct str nonce)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint8_t digest[CRYPTO_SHA256];
	if (crypto_sha256(nonce, digest) != 0) {
		b->failed = 1;
		return;
	}
	buf_addf(b, "\"%s", prefix);
	for (int i = 0; i < 9; i++)
		buf_addc(b, digits[digest[i] % 36]);
	buf_addc(b, '"');
}

/* The value set for key, the last of several. */
static int
find_set(const struct sample_opts *opts, const char *key, struct str *value)
{
	for (size_t i = opts->n_sets; i > 0; i--) {
		if (str_eq_z(opts->keys[i - 1], key)) {
			*value = opts->values[i - 1];
			return 1;
		}
	}
	return 0;
}

/* Two references are two people, and the same one again is the same person:
 * a membership's payments add up by payer. -1: no reference is given. */
static int
person_of(const struct sample_opts *opts, char id[UUID_LEN + 1])
{
	struct str reference;
	uint8_t digest[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	if (!find_set(opts, "custom_reference_id", &reference) ||
	    crypto_sha256(reference, digest) != 0)
		return -1;
	crypto_hex(digest, sizeof(digest), hex);
	snprintf(id, UUID_LEN + 1, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8,
	    hex + 12, hex + 15, hex + 18);
	return 0;
}

static int
add_line(struct buf *b, const struct line *line, const struct sample_opts *opts,
    struct arena *a, struct err *e)
{
	struct str value = str_from(line->value);
	int set = find_set(opts, line->key, &value);
	char id[UUID_LEN + 1];
	buf_addf(b, "%s\"%s\":", line->before, line->key);
	if (line->form == PERSON && !set && person_of(opts, id) == 0)
		value = str_from(id);
	if (line->form == FRESH && !set) {
		add_fresh(b, line->value, opts->nonce);
	} else if (line->form == JSON) {
		value = str_trim(value);
		if (!is_value(a, value))
			return err_set(e, ERR_INPUT,
			    "%s takes JSON: a number, true, false, null or "
			    "\"text\" in quotes",
			    line->key);
		add_as_go(b, value);
	} else if (line->form == TEXT_OR_NULL && str_eq_z(value, "null")) {
		buf_adds(b, value);
	} else {
		add_text(b, value);
	}
	return 0;
}

/* Every key set is one of the body's. */
static int
check_keys(
    const struct line *lines, const struct sample_opts *opts, struct err *e)
{
	enum { KNOWN_MAX = 400, KEY_MAX = 64 };
	for (size_t i = 0; i < opts->n_sets; i++) {
		const struct line *line = lines;
		struct str key = opts->keys[i];
		while (line->key != NULL && !str_eq_z(key, line->key))
			line++;
		if (line->key != NULL)
			continue;
		struct buf b;
		buf_init(&b, KNOWN_MAX);
		for (line = lines; line->key != NULL; line++)
			buf_addf(
			    &b, "%s%s", line == lines ? "" : ", ", line->key);
		struct buf shown;
		buf_init(&shown, (size_t)KEY_MAX * 4);
		buf_add_visible(&shown,
		    (struct str){ key.p, key.n < KEY_MAX ? key.n : KEY_MAX });
		err_set(e, ERR_INPUT, "no field \"%.*s\"; there are: %.*s",
		    STR_ARG(buf_str(&shown)), STR_ARG(buf_str(&b)));
		buf_free(&shown);
		buf_free(&b);
		return -1;
	}
	return 0;
}

int
gank_sample(const struct platform_sample *which, const struct sample_opts *opts,
    struct arena *a, struct str *body, struct err *e)
{
	const struct line *line =
	    str_eq_z(str_from(which->event), "goods") ? goods : membership;
	struct buf b;
	int rc = check_keys(line, opts, e);
	buf_init(&b, GANK_BODY_MAX);
	for (; rc == 0 && line->key != NULL; line++)
		rc = add_line(&b, line, opts, a, e);
	if (rc == 0) {
		buf_addz(&b, line->before);
		if (!buf_ok(&b))
			rc = err_set(e, ERR_LIMIT,
			    "the delivery would be larger than %d bytes",
			    GANK_BODY_MAX);
	}
	if (rc == 0) {
		char *p = str_z(a, buf_str(&b));
		*body = (struct str){ p, b.n };
		if (p == NULL)
			rc = err_set(e, ERR_MEMORY, "out of memory");
	}
	buf_free(&b);
	return rc;
}

/* The product, membership or goods, is the event's. */
const char *
gank_sample_key(const struct platform_sample *which, enum sample_part part,
    struct str value)
{
	int is_goods = str_eq_z(str_from(which->event), "goods");
	int is_id = value.n == UUID_LEN && value.p[8] == '-' &&
	    value.p[13] == '-' && value.p[18] == '-' && value.p[23] == '-';
	if (part == SAMPLE_PRODUCT)
		return NULL;
	if (is_id)
		return is_goods ? "catalog_id" : "price_event_id";
	return is_goods ? "catalog_title" : "membership_title";
}

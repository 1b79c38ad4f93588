#include "access/pass.h"

#include <jansson.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "store/pass.h"

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

int
pass_is_visitor(const struct access_key *key)
{
	return key->by == STORE_BY_USER &&
	    str_starts(key->id, STR(PASS_VISITOR));
}

/* ---- taking back ---- */

struct str
pass_who(const struct access_key *key, char out[PASS_WHO_MAX])
{
	struct str id = key->by == STORE_BY_BUYER ? key->value : key->id;
	int n = snprintf(out, PASS_WHO_MAX, "%s:%.*s", key->word, STR_ARG(id));
	return (struct str){ out, (size_t)n };
}

int
pass_is_good(const struct pass *pass, int64_t valid_from)
{
	return pass->made > valid_from;
}

int
pass_revoke(
    struct store *s, const struct access_key *key, int64_t now, struct err *e)
{
	char who[PASS_WHO_MAX];
	return store_pass_revoke(s, pass_who(key, who), now, e);
}

int
pass_valid_from(
    struct store *s, const struct access_key *key, int64_t *out, struct err *e)
{
	char who[PASS_WHO_MAX];
	return store_pass_from(s, pass_who(key, who), out, e);
}

/* ---- making ---- */

static int
mac(struct str secret, struct str text, uint8_t out[CRYPTO_SHA256])
{
	return crypto_hmac_sha256(secret, &text, 1, out);
}

static void
add_claims(struct buf *b, const struct config *c, const struct access_key *key,
    int64_t now, int64_t expires)
{
	jsonw_open(b, '{');
	jsonw_text(b, "sub", key->by == STORE_BY_BUYER ? key->value : key->id);
	if (key->by != STORE_BY_USER)
		jsonw_text(b, "by", str_from(access_words[key->by]));
	jsonw_text(b, "aud", c->public_url);
	jsonw_int(b, "iat", now);
	jsonw_int(b, "exp", expires);
	jsonw_close(b, '}');
}

static int
check_making(
    const struct config *c, int64_t now, int64_t seconds, struct err *e)
{
	if (c->pass_secrets.n == 0)
		return err_set(e, ERR_CONFIG,
		    "no pass_secret in the configuration to sign with");
	if (c->public_url.n == 0)
		return err_set(e, ERR_CONFIG,
		    "no public_url in the configuration: a pass is good for "
		    "one site");
	if (now < 0 || now > PASS_TIME_MAX || seconds < 1 ||
	    seconds > PASS_TIME_MAX - now)
		return err_set(e, ERR_INPUT,
		    "a pass lasts at least a second and ends before the year "
		    "10000");
	return 0;
}

int
pass_make(const struct config *c, const struct access_key *key, int64_t now,
    int64_t seconds, struct buf *out, struct err *e)
{
	struct buf claims, token;
	uint8_t sum[CRYPTO_SHA256];
	if (check_making(c, now, seconds, e) != 0)
		return -1;
	buf_init(&claims, PASS_MAX);
	buf_init(&token, PASS_MAX);
	add_claims(&claims, c, key, now, now + seconds);
	base64_add_url(&token, (struct str){ header, sizeof(header) - 1 });
	buf_addc(&token, '.');
	base64_add_url(&token, buf_str(&claims));
	int rc = 0;
	if (!buf_ok(&claims) || !buf_ok(&token))
		rc = err_set(e, ERR_LIMIT, "the pass would be too long");
	else if (mac(c->pass_secrets.v[0], buf_str(&token), sum) != 0)
		rc = err_set(e, ERR_MEMORY, "out of memory");
	buf_addc(&token, '.');
	if (rc == 0)
		base64_add_url(
		    &token, (struct str){ (const char *)sum, sizeof(sum) });
	if (rc == 0 && !buf_ok(&token))
		rc = err_set(e, ERR_LIMIT, "the pass would be too long");
	if (rc == 0)
		buf_adds(out, buf_str(&token));
	if (rc == 0 && !buf_ok(out))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	buf_free(&claims);
	buf_free(&token);
	return rc;
}

/* ---- reading ---- */

/* Every secret is tried, whichever fits. */
static int
is_signed(const struct config *c, struct str text, struct str signature)
{
	uint8_t sum[CRYPTO_SHA256];
	int fits = 0;
	if (signature.n != sizeof(sum))
		return 0;
	for (size_t i = 0; i < c->pass_secrets.n; i++)
		fits |= mac(c->pass_secrets.v[i], text, sum) == 0 &&
		    crypto_equal(sum, signature.p, sizeof(sum));
	return fits;
}

/* The object in a part of a token, until the arena ends. */
static const json_t *
read_part(struct arena *a, struct str part)
{
	const char *reason = NULL;
	struct str text = base64_url(a, part);
	/* a NUL kept is a control character, which no identifier holds */
	return text.p == NULL
	    ? NULL
	    : json_load_kept(a, text, JSON_KEEP_NUL, &reason, NULL);
}

static int
is_text(const json_t *v, struct str want, int fold)
{
	struct str s;
	return json_text(v, &s) == 0 &&
	    (fold ? str_eq_fold(s, want) : str_eq(s, want));
}

static const char not_jwt[] = "not a JWT";

/* NULL: it is good. Nearly every token has the one that pass_make writes. */
static const char *
header_fault(struct arena *a, struct str head)
{
	struct str text = base64_url(a, head);
	if (text.p != NULL && str_eq_z(text, header))
		return NULL;
	const json_t *h = read_part(a, head);
	const json_t *typ = json_object_get(h, "typ");
	if (h == NULL)
		return not_jwt;
	if (!is_text(json_object_get(h, "alg"), STR("HS256"), 0))
		return "alg is not HS256";
	if (typ != NULL && !is_text(typ, STR("JWT"), 1))
		return "typ is not JWT";
	return json_object_get(h, "crit") == NULL ? NULL
						  : "crit is in the header";
}

/* RFC 7519, 4.1.3: one text, or a list of which one has to be ours. */
static int
audience_fits(const json_t *aud, struct str ours)
{
	if (ours.n == 0)
		return 0;
	if (!json_is_array(aud))
		return is_text(aud, ours, 0);
	for (size_t i = 0; i < json_array_size(aud); i++)
		if (is_text(json_array_get(aud, i), ours, 0))
			return 1;
	return 0;
}

/* A time without its fraction, or fallback when there is none. -1: not a
 * time. */
static int64_t
claim_time(const json_t *claims, const char *name, int64_t fallback)
{
	const json_t *v = json_object_get(claims, name);
	if (v == NULL)
		return fallback;
	if (json_is_real(v))
		return json_real_value(v) >= 0 &&
			json_real_value(v) <= (double)PASS_TIME_MAX
		    ? (int64_t)json_real_value(v)
		    : -1;
	int64_t t = json_is_integer(v) ? json_integer_value(v) : -1;
	return t >= 0 && t <= PASS_TIME_MAX ? t : -1;
}

static const char *
time_fault(const json_t *claims, int64_t now, int64_t *expires, int64_t *made)
{
	int64_t before = claim_time(claims, "nbf", 0);
	*expires = claim_time(claims, "exp", -1);
	if (*expires < 0)
		return json_object_get(claims, "exp") == NULL
		    ? "no exp"
		    : "exp is not a time";
	if (now >= *expires + PASS_LEEWAY)
		return "expired";
	if (before < 0)
		return "nbf is not a time";
	if (before - PASS_LEEWAY > now)
		return "nbf is in the future";
	*made = claim_time(claims, "iat", 0);
	return *made < 0 ? "iat is not a time" : NULL;
}

static const char *
read_key(const json_t *claims, struct arena *a, struct access_key *key)
{
	const json_t *word = json_object_get(claims, "by");
	const json_t *who = json_object_get(claims, "sub");
	struct str sub;
	if (json_text(who, &sub) != 0)
		return who == NULL ? "no sub" : "sub is not a text";
	int by = STORE_BY_USER;
	while (word != NULL && by <= STORE_BY_LICENSE &&
	    !is_text(word, str_from(access_words[by]), 0))
		by++;
	sub.p = arena_dup(a, sub.p, sub.n);
	if (by > STORE_BY_LICENSE)
		return "by is not user, email, buyer or license";
	return sub.p != NULL &&
		access_key_parse((enum store_by)by, sub, a, key, NULL) == 0
	    ? NULL
	    : "sub is not what by says";
}

/* The claims of a token that is signed, until the arena ends. */
static const char *
read_claims(const struct config *c, struct str token, struct arena *a,
    const json_t **claims)
{
	struct str head, body, rest, signature;
	if (token.n > PASS_MAX || !str_cut(token, '.', &head, &rest) ||
	    !str_cut(rest, '.', &body, &signature))
		return not_jwt;
	struct str text = { token.p, head.n + 1 + body.n };
	struct str sum = base64_url(a, signature);
	if (sum.p == NULL || !is_signed(c, text, sum))
		return "not signed with HS256 and a pass_secret";
	*claims = read_part(a, body);
	return *claims == NULL ? not_jwt : header_fault(a, head);
}

int
pass_verify(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct pass *out)
{
	const json_t *claims;
	struct pass pass = { .expires = 0 };
	const char *fault = read_claims(c, token, a, &claims);
	if (fault == NULL &&
	    !audience_fits(json_object_get(claims, "aud"), c->public_url))
		fault = "aud is not public_url";
	if (fault == NULL)
		fault = time_fault(claims, now, &pass.expires, &pass.made);
	if (fault == NULL)
		fault = read_key(claims, a, &pass.key);
	*out = fault == NULL ? pass : (struct pass){ .fault = fault };
	return fault == NULL ? 0 : -1;
}

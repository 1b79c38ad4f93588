#include "test.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "access/pass.h"

/* Passes: what is made is taken, and nothing else is. */

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}
#define NOW INT64_C(1772000000)
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS \
	"{\"sub\":\"42\",\"aud\":\"https://example.org\",\"exp\":1772000100}"

static const struct str secrets[] = {
	NAME("0123456789abcdef0123456789abcdef"),
	NAME("fedcba9876543210fedcba9876543210"),
};
static const struct config both = { .public_url = NAME("https://example.org"),
	.pass_secrets = { secrets, 2 } };
static const struct config old = { .public_url = NAME("https://example.org"),
	.pass_secrets = { secrets + 1, 1 } };

static struct arena *a;

/* header.claims.signature by secret, in the arena. */
static struct str
token(const char *header, const char *claims, struct str secret)
{
	struct buf b;
	uint8_t sum[CRYPTO_SHA256];
	buf_init(&b, 1 << 20);
	base64_add_url(&b, str_from(header));
	buf_addc(&b, '.');
	base64_add_url(&b, str_from(claims));
	struct str text = buf_str(&b);
	crypto_hmac_sha256(secret, &text, 1, sum);
	buf_addc(&b, '.');
	base64_add_url(&b, (struct str){ (const char *)sum, sizeof(sum) });
	struct str s = { arena_dup(a, b.p, b.n), b.n };
	buf_free(&b);
	return s;
}

static int
takes(struct str t, int64_t now)
{
	struct pass p;
	int rc = pass_verify(&both, t, now, a, &p);
	if (rc != 0 && (p.key.id.p != NULL || p.expires != 0))
		OK(0, "a refused pass has a key");
	return rc == 0;
}

static int
takes_claims(const char *claims)
{
	return takes(token(HS256, claims, secrets[0]), NOW);
}

static struct str
make(const struct config *c, enum store_by by, const char *id, int64_t seconds)
{
	struct access_key key;
	struct err e = { .code = ERR_NONE };
	struct buf b;
	struct str s = STR_NONE;
	buf_init(&b, PASS_MAX);
	if (access_key_parse(by, str_from(id), a, &key, &e) == 0 &&
	    pass_make(c, &key, NOW, seconds, &b, &e) == 0)
		s = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_free(&b);
	return s;
}

static void
test_base64(void)
{
	static const struct {
		const char *text, *code;
	} pairs[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" }, { "\xFB\xFF\xBF", "-_-_" } };
	static const char *const bad[] = { "Zg==", "Zg=", "Z", "Zh", "Zm9",
		"+A", "/A", "Zm 8", "Zm8\n", "Z\xC3\xA9w" };
	struct buf b;
	test_group("base64url");
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_reset(&b);
		base64_add_url(&b, str_from(pairs[i].text));
		IS(buf_str(&b), pairs[i].code, "written (RFC 4648, 10)");
		IS(base64_url(a, str_from(pairs[i].code)), pairs[i].text,
		    "read");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(base64_url(a, str_from(bad[i])).p == NULL, "not number %zu",
		    i);
	buf_free(&b);
}

static void
test_round(void)
{
	static const struct {
		enum store_by by;
		const char *id, *stored;
	} keys[] = { { STORE_BY_USER, "42", "42" },
		{ STORE_BY_USER, "\xC3\xA9 \"\\", "\xC3\xA9 \"\\" },
		{ STORE_BY_EMAIL, "Me@Example.org", "me@example.org" },
		{ STORE_BY_BUYER, "gumroad:3443251", "3443251" },
		{ STORE_BY_LICENSE, "A-B", "A-B" } };
	struct pass p;
	test_group("there and back");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct str t = make(&both, keys[i].by, keys[i].id, 100);
		OK(pass_verify(&both, t, NOW, a, &p) == 0, "%s", keys[i].id);
		OK(p.key.by == keys[i].by && p.expires == NOW + 100,
		    "kind and end");
		IS(p.key.id, keys[i].stored, "who");
	}
	struct str t = make(&old, STORE_BY_USER, "42", 100);
	OK(pass_verify(&both, t, NOW, a, &p) == 0, "by the second secret");
	t = make(&both, STORE_BY_USER, "42", 100);
	OK(pass_verify(&old, t, NOW, a, &p) != 0, "the first one signs");
	OK(takes(t, NOW + 159) && !takes(t, NOW + 160), "60 s of leeway");
	OK(takes(t, NOW - 100000), "a clock behind");
	t = make(&both, STORE_BY_USER, "42", PASS_TIME_MAX - NOW);
	OK(takes(t, NOW), "the longest");
	/* by another implementation: Python's hmac and base64 */
	OK(takes(STR("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImF1ZCI6Imh0dHBzOi8v"
		     "ZXhhbXBsZS5vcmciLCJleHAiOjE3NzIwMDAxMDB9."
		     "34XljistraUmHfIa_UGeGDIB3WopcJEh4OTXEoSyBe0"),
	       NOW),
	    "one made elsewhere");
}

static void
test_make_refused(void)
{
	const struct config no_secret = { .public_url =
					      NAME("https://example.org") };
	const struct config no_url = { .pass_secrets = { secrets, 2 } };
	struct pass p;
	test_group("not made");
	OK(make(&no_secret, STORE_BY_USER, "42", 9).p == NULL, "no secret");
	OK(make(&no_url, STORE_BY_USER, "42", 9).p == NULL, "no public_url");
	OK(make(&both, STORE_BY_USER, "42", 0).p == NULL, "no time");
	OK(make(&both, STORE_BY_USER, "42", -1).p == NULL, "less than none");
	OK(make(&both, STORE_BY_USER, "42", PASS_TIME_MAX - NOW + 1).p == NULL,
	    "too long");
	OK(make(&both, STORE_BY_USER, "42", INT64_MAX).p == NULL, "for ever");
	struct str t = token(HS256, CLAIMS, secrets[0]);
	OK(pass_verify(&no_secret, t, NOW, a, &p) != 0, "nor read: no secret");
	OK(pass_verify(&no_url, t, NOW, a, &p) != 0, "nor read: no public_url");
	t = token(HS256, CLAIMS, STR(""));
	OK(pass_verify(&no_secret, t, NOW, a, &p) != 0, "an empty secret");
}

static void
test_header(void)
{
	static const char *const good[] = { "{\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"typ\":\"jwt\",\"kid\":\"x\"}" };
	static const char *const bad[] = { "{\"alg\":\"none\"}",
		"{\"alg\":\"None\"}", "{\"alg\":\"\"}", "{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}",
		"{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}", "{\"alg\":null}",
		"{\"alg\":[\"HS256\"]}", "{\"typ\":\"JWT\"}", "{}", "[]", "",
		"\"HS256\"", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"typ\":1}",
		"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"HS256\",\"crit\":null}",
		"{\"alg\":\"none\",\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\\u0000\"}", "{\"alg\":\"HS256\"}x" };
	test_group("header");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		OK(takes(token(good[i], CLAIMS, secrets[1]), NOW), "%s",
		    good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(!takes(token(bad[i], CLAIMS, secrets[0]), NOW), "not %s",
		    bad[i]);
}

#define AUD "\"aud\":\"https://example.org\""
#define SUB "\"sub\":\"42\""
#define EXP "\"exp\":1772000100"

static void
test_claims(void)
{
	static const char *const good[] = { CLAIMS,
		"{" SUB "," EXP ",\"aud\":[\"x\",\"https://example.org\"]}",
		"{" SUB "," AUD "," EXP
		",\"iat\":1779000000,\"nbf\":1772000060,"
		"\"more\":{\"a\":[1.5]}}",
		"{" SUB "," AUD ",\"exp\":253402300799,\"by\":\"user\"}",
		"{" SUB "," AUD ",\"exp\":1771999941}",
		/* RFC 7519, 2: NumericDate allows fractions */
		"{" SUB "," AUD ",\"exp\":1772000100.25}",
		"{" SUB "," AUD ",\"exp\":1.7720001e9}",
		"{" SUB "," AUD ",\"exp\":1771999941.0}",
		"{" SUB "," AUD "," EXP ",\"iat\":1.5,\"nbf\":1772000060.5}" };
	static const char *const bad[] = { "{" SUB "," AUD "}",
		"{" SUB "," EXP "}", "{" AUD "," EXP "}", "{}", "[]", "",
		"null", "{" SUB "," AUD ",\"exp\":1771999940}",
		"{" SUB "," AUD ",\"exp\":1771999940.0}",
		"{" SUB "," AUD ",\"exp\":253402300799.5}",
		"{" SUB "," AUD ",\"exp\":-0.5}",
		"{" SUB "," AUD ",\"exp\":\"1772000100\"}",
		"{" SUB "," AUD ",\"exp\":-1772000100}",
		"{" SUB "," AUD ",\"exp\":253402300800}",
		"{" SUB "," AUD ",\"exp\":9223372036854775807}",
		"{" SUB "," AUD ",\"exp\":9223372036854775808}",
		"{" SUB "," AUD ",\"exp\":18446744075481551716}",
		"{" SUB "," AUD ",\"exp\":1e400}",
		"{" SUB "," AUD ",\"exp\":null}",
		"{" SUB "," AUD ",\"exp\":true}", "{" SUB "," AUD ",\"exp\":0}",
		"{" SUB "," AUD "," EXP "," EXP "}",
		"{" SUB "," AUD ",\"exp\":1,\"\\u0065xp\":1772000100}",
		"{" SUB "," AUD "," EXP ",\"nbf\":1772000061}",
		"{" SUB "," AUD "," EXP ",\"nbf\":-1}",
		"{" SUB "," AUD "," EXP ",\"nbf\":\"1\"}",
		"{" SUB "," AUD "," EXP ",\"iat\":-1.5}",
		"{" SUB "," EXP ",\"aud\":\"https://example.com\"}",
		"{" SUB "," EXP ",\"aud\":\"https://example.org/\"}",
		"{" SUB "," EXP ",\"aud\":\"https://example.org\\u0000\"}",
		"{" SUB "," EXP ",\"aud\":\"\"}",
		"{" SUB "," EXP ",\"aud\":[]}",
		"{" SUB "," EXP ",\"aud\":[[\"https://example.org\"]]}",
		"{" SUB "," EXP ",\"aud\":{\"https://example.org\":1}}",
		"{\"sub\":42," AUD "," EXP "}",
		"{\"sub\":\"\"," AUD "," EXP "}",
		"{\"sub\":null," AUD "," EXP "}",
		"{\"sub\":\"a\\u0000\"," AUD "," EXP "}",
		"{\"sub\":\"a\\nb\"," AUD "," EXP "}",
		"{" SUB "," AUD "," EXP ",\"by\":\"email\"}",
		"{" SUB "," AUD "," EXP ",\"by\":\"buyer\"}",
		"{" SUB "," AUD "," EXP ",\"by\":\"User\"}",
		"{" SUB "," AUD "," EXP ",\"by\":\"\"}",
		"{" SUB "," AUD "," EXP ",\"by\":null}",
		"{" SUB "," AUD "," EXP ",\"by\":[\"user\"]}" };
	test_group("claims");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		OK(takes_claims(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(!takes_claims(bad[i]), "not %s", bad[i]);
}

static const char *
fault(const char *header, const char *claims)
{
	struct pass p;
	struct str t = token(header, claims, secrets[0]);
	pass_verify(&both, t, NOW, a, &p);
	return p.fault == NULL ? "-" : p.fault;
}

/* What the log says of it. */
static void
test_faults(void)
{
	static const struct {
		const char *header, *claims, *fault;
	} faults[] = { { HS256, CLAIMS, "-" },
		{ "{\"alg\":\"HS384\"}", CLAIMS, "alg is not HS256" },
		{ "{\"alg\":\"HS256\",\"typ\":\"x\"}", CLAIMS,
		    "typ is not JWT" },
		{ "{\"alg\":\"HS256\",\"crit\":[]}", CLAIMS,
		    "crit is in the header" },
		{ "HS256", CLAIMS, "not a JWT" }, { HS256, "{", "not a JWT" },
		{ HS256, "{" SUB "," EXP "}", "aud is not public_url" },
		{ HS256, "{" SUB "," AUD "}", "no exp" },
		{ HS256, "{" SUB "," AUD ",\"exp\":\"1\"}",
		    "exp is not a time" },
		{ HS256, "{" SUB "," AUD ",\"exp\":1771999940}", "expired" },
		{ HS256, "{" SUB "," AUD "," EXP ",\"nbf\":null}",
		    "nbf is not a time" },
		{ HS256, "{" SUB "," AUD "," EXP ",\"nbf\":1772000061}",
		    "nbf is in the future" },
		{ HS256, "{" SUB "," AUD "," EXP ",\"iat\":\"1\"}",
		    "iat is not a time" },
		{ HS256, "{" AUD "," EXP "}", "no sub" },
		{ HS256, "{\"sub\":42," AUD "," EXP "}", "sub is not a text" },
		{ HS256, "{\"sub\":\"\"," AUD "," EXP "}",
		    "sub is not what by says" },
		{ HS256, "{" SUB "," AUD "," EXP ",\"by\":\"email\"}",
		    "sub is not what by says" },
		{ HS256, "{" SUB "," AUD "," EXP ",\"by\":\"me\"}",
		    "by is not user, email, buyer or license" } };
	struct pass p;
	test_group("faults");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		IS(str_from(fault(faults[i].header, faults[i].claims)),
		    faults[i].fault, faults[i].claims);
	pass_verify(&both, token(HS256, CLAIMS, STR("another")), NOW, a, &p);
	IS(str_from(p.fault), "not signed with HS256 and a pass_secret",
	    "another secret");
	pass_verify(&both, STR("opaque"), NOW, a, &p);
	IS(str_from(p.fault), "not a JWT", "a token of another kind");
}

static void
test_shape(void)
{
	struct str t = token(HS256, CLAIMS, secrets[0]);
	test_group("shape");
	OK(takes(t, NOW), "whole");
	int taken = 0;
	for (size_t n = 0; n < t.n; n++)
		taken += takes((struct str){ t.p, n }, NOW);
	OK(taken == 0, "no beginning of it");
	for (size_t i = 0; i < t.n; i++) {
		char *copy = arena_dup(a, t.p, t.n);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		taken += takes((struct str){ copy, t.n }, NOW);
	}
	OK(taken == 0, "no byte of it changed");
	static const struct {
		const char *before, *after;
	} more[] = { { "", "=" }, { "", "." }, { "", "\n" }, { " ", "" },
		{ ".", "" }, { "", "A" }, { "", ".e30" } };
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		const char *z = arena_printf(
		    a, "%s%.*s%s", more[i].before, STR_ARG(t), more[i].after);
		OK(!takes(str_from(z), NOW), "not with more, number %zu", i);
	}
	OK(!takes(STR_NONE, NOW) && !takes(STR(""), NOW) &&
		!takes(STR("."), NOW) && !takes(STR(".."), NOW) &&
		!takes(STR("a.b.c"), NOW),
	    "dots alone");
	struct str head, rest, body, sum;
	str_cut(t, '.', &head, &rest);
	str_cut(rest, '.', &body, &sum);
	const char *none =
	    arena_printf(a, "%.*s.", (int)(head.n + 1 + body.n), t.p);
	OK(!takes(str_from(none), NOW), "no signature");
	OK(!takes(token(HS256, CLAIMS,
		      STR("another secret, also long enough....")),
	       NOW),
	    "another secret");
	OK(!takes(token(HS256, CLAIMS, STR("")), NOW), "no secret");
	OK(!takes(token(HS256, CLAIMS, both.public_url), NOW),
	    "what is public is no secret");
}

static void
test_huge(void)
{
	char *claims = calloc(1, 3 << 20);
	test_group("huge");
	static const char start[] = "{" SUB "," AUD "," EXP ",\"more\":\"";
	for (size_t n = 100; n < 5000; n += 4750) {
		size_t at = sizeof(start) - 1;
		memcpy(claims, start, at);
		memset(claims + at, 'x', n);
		memcpy(claims + at + n, "\"}", 3);
		OK(takes(token(HS256, claims, secrets[0]), NOW) == (n == 100),
		    "%zu bytes more", n);
	}
	memset(claims, '[', 2000);
	claims[2000] = '\0';
	OK(!takes(token(HS256, claims, secrets[0]), NOW), "deep");
	memset(claims, 'a', 3 << 20);
	OK(!takes((struct str){ claims, 3 << 20 }, NOW), "3 MiB");
	free(claims);
	struct arena *small = arena_new(64);
	struct pass p;
	OK(pass_verify(
	       &both, token(HS256, CLAIMS, secrets[0]), NOW, small, &p) != 0,
	    "no memory");
	arena_free(small);
}

int
main(void)
{
	a = arena_new(64 << 20);
	crypto_init(NULL);
	test_base64();
	test_round();
	test_make_refused();
	test_header();
	test_claims();
	test_faults();
	test_shape();
	test_huge();
	arena_free(a);
	return test_end();
}

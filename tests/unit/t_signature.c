#include "test.h"

#include <jansson.h>

#include "base/crypto.h"
#include "platform/proof.h"

enum { SECRETS_MAX = 4, BODY_MAX = 256 * 1024 };

static struct str
text_of(const json_t *v)
{
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits);
}

static struct str
unbase64(struct str s, char *to)
{
	size_t n = 0;
	unsigned bits = 0, have = 0;
	for (size_t i = 0; i < s.n && base64_value(s.p[i]) >= 0; i++) {
		bits = bits << 6 | (unsigned)base64_value(s.p[i]);
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (char)(bits >> have & 255);
		}
	}
	return (struct str){ to, n };
}

static void
check_vector(const json_t *v)
{
	static char body[BODY_MAX];
	struct str secrets[SECRETS_MAX];
	struct verify_result r;
	struct verify_input in = { .secrets = secrets, .n_secrets = 1 };
	const json_t *list = json_object_get(v, "secrets");
	secrets[0] = text_of(json_object_get(v, "secret"));
	if (list != NULL)
		in.n_secrets = json_array_size(list);
	for (size_t i = 0; list != NULL && i < in.n_secrets; i++)
		secrets[i] = text_of(json_array_get(list, i));
	in.signature = text_of(json_object_get(v, "header"));
	in.body = text_of(json_object_get(v, "body"));
	if (in.body.p == NULL)
		in.body =
		    unbase64(text_of(json_object_get(v, "body_b64")), body);
	in.now = json_integer_value(json_object_get(v, "now"));
	const json_t *tolerance = json_object_get(v, "tolerance");
	in.tolerance = json_is_null(tolerance) ? VERIFY_ANY_AGE
					       : json_integer_value(tolerance);
	platform_gank.verify(&platform_gank, &in, NULL, &r);
	IS(str_from(verify_words[r.answer]),
	    json_string_value(json_object_get(v, "hardened")),
	    json_string_value(json_object_get(v, "name")));
	if (json_object_get(v, "by") == NULL)
		return;
	const json_t *t = json_object_get(v, "sent_at");
	OK(r.right_key == json_integer_value(json_object_get(v, "right_key")) &&
		strcmp(r.by, json_string_value(json_object_get(v, "by"))) ==
		    0 &&
		r.sent_at ==
		    (json_is_null(t) ? FACT_NO_TIME : json_integer_value(t)),
	    "%s: key %d, by \"%s\", sent at %lld",
	    json_string_value(json_object_get(v, "name")), r.right_key, r.by,
	    (long long)r.sent_at);
}

static void
test_vectors(const char *file, size_t at_least)
{
	size_t n, i;
	json_t *v;
	char *text = test_file(file, &n);
	if (text == NULL)
		return;
	json_t *list = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
	test_group(file);
	OK(json_array_size(list) >= at_least, "%zu vectors",
	    json_array_size(list));
	json_array_foreach(list, i, v) check_vector(v);
	json_decref(list);
	free(text);
}

static void
test_make(void)
{
	struct str body = STR("{\"a\":\0001}"), secret = STR("k");
	struct buf b;
	struct err e;
	struct verify_result r;
	test_group("proof_make_timed");
	buf_init(&b, PROOF_TEXT_MAX);
	OK(proof_make_timed(&platform_gank, body, secret, 1700000000, &b, &e) ==
		0,
	    "makes");
	struct verify_input in = { .body = body,
		.signature = buf_str(&b),
		.secrets = &secret,
		.n_secrets = 1,
		.now = 1700000300,
		.tolerance = 300 };
	platform_gank.verify(&platform_gank, &in, NULL, &r);
	OK(r.answer == VERIFY_VALID && r.sent_at == 1700000000 &&
		r.right_key == 0 && strlen(r.by) == VERIFIED_BY_LEN,
	    "what it makes is valid");
	in.body.n--;
	platform_gank.verify(&platform_gank, &in, NULL, &r);
	OK(r.answer == VERIFY_MISMATCH && r.by[0] == '\0', "one byte less");
	buf_reset(&b);
	OK(proof_make_timed(&platform_gank, body, secret, INT64_MAX, &b, &e) ==
		0,
	    "largest t");
	OK(proof_make_timed(&platform_gank, body, STR(""), 0, &b, &e) != 0 &&
		e.code == ERR_INPUT,
	    "empty secret");
	OK(proof_make_timed(&platform_gank, body, secret, -1, &b, &e) != 0 &&
		e.code == ERR_INPUT,
	    "before 1970");
	buf_free(&b);
	buf_init(&b, 10);
	OK(proof_make_timed(&platform_gank, body, secret, 0, &b, &e) != 0,
	    "no room");
	buf_free(&b);
}

int
main(void)
{
	crypto_init(NULL);
	test_vectors("tests/fixtures/signature_vectors.json", 112);
	test_vectors("tests/fixtures/signature_more.json", 50);
	test_make();
	return test_end();
}

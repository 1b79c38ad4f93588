#include "cases.h"

#include "platform/document.h"

enum { ARENA = 16 << 20, CASES_AT_LEAST = 25 };

static struct arena *arena;

static enum verify_answer
verify(const struct platform *p, struct verify_input *in)
{
	struct verify_result r;
	p->verify(p, in, arena, &r);
	return r.answer;
}

static void
test_body_token(void)
{
	const struct platform *p = &platform_kofi;
	struct str secrets[] = { STR("one one one one "),
		STR("6c1f-token-0001") };
	struct str out;
	struct err e;
	struct verify_input in = { .secrets = secrets, .n_secrets = 2 };
	test_group("the token in the body");
	in.body =
	    STR("data={\"verification_token\":\"6c1f-token-0001\",\"a\":1}");
	OK(verify(p, &in) == VERIFY_VALID, "valid");
	OK(p->blank(p, in.body, arena, &out, &e) == 0 &&
		memmem(out.p, out.n, "6c1f", 4) == NULL,
	    "blanked");
	in.body = STR("data=%7B%22verification_token%22:%226c1f%5Cu002dtoken-"
		      "0001%22%7D");
	OK(verify(p, &in) == VERIFY_VALID, "with escapes");
	OK(p->blank(p, in.body, arena, &out, &e) == 0 &&
		memmem(out.p, out.n, "6c1f", 4) == NULL,
	    "blanked as well");
	in.body = STR("data={\"verification_token\":\"6c1f-token-0002\"}");
	OK(verify(p, &in) == VERIFY_MISMATCH, "another");
	in.body = STR("data={\"verification_token\":[\"6c1f-token-0001\"]}");
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "a list");
	in.body = STR("data={\"verification_token\":\"\"}");
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "empty");
	in.body = STR("data={}");
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "none");
	in.body = STR("verification_token=6c1f-token-0001");
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "elsewhere");
	char many[70000] = "data={\"verification_token\":\"6c1f-token-0001\","
			   "\"a\":[{}";
	size_t n = strlen(many);
	for (; n < 66000; n += 3)
		memcpy(many + n, ",{}", 3);
	memcpy(many + n, "]}", 3);
	in.body = str_from(many);
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "too many values");
	in.body = STR("data=%7");
	OK(verify(p, &in) == VERIFY_NO_SIGNATURE, "no form");
}

/* The same message again is the same delivery, whatever else it holds. */
static void
test_message_id(void)
{
	const struct platform *p = &platform_kofi;
	struct fact a, b;
	struct err e;
	test_group("message_id");
	p->decode(p,
	    STR("data={\"type\":\"Donation\",\"message_id\":\"m\","
		"\"kofi_transaction_id\":\"t\"}"),
	    NULL, arena, &a, &e);
	p->decode(p,
	    STR("data={\"type\":\"Donation\",\"message_id\":\"m\","
		"\"kofi_transaction_id\":\"t\",\"amount\":\"3\"}"),
	    NULL, arena, &b, &e);
	OK(str_eq(a.delivery, b.delivery), "one key");
	p->decode(p, STR("data={\"type\":\"Donation\",\"amount\":\"3\"}"), NULL,
	    arena, &a, &e);
	p->decode(p, STR("data={\"type\":\"Donation\",\"amount\":\"4\"}"), NULL,
	    arena, &b, &e);
	OK(!str_eq(a.delivery, b.delivery), "without one two are two");
}

int
main(void)
{
	arena = arena_new(ARENA);
	test_body_token();
	cases_all(&platform_kofi, "kofi", arena, CASES_AT_LEAST, NULL);
	test_message_id();
	arena_free(arena);
	return test_end();
}

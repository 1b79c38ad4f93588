#include "cases.h"

#include "base/crypto.h"
#include "platform/platform.h"

enum { ARENA = 8 << 20, CASES_AT_LEAST = 100 };

static struct arena *arena;
static const struct decode_opts no_opts;

static void
decode(struct str body, struct fact *f)
{
	struct err e = { 0 };
	arena_reset(arena);
	if (platform_gank.decode(
		&platform_gank, body, &no_opts, arena, f, &e) != 0)
		OK(0, "decode: %s", e.text);
}

/* What holds of every delivery. */
static void
check_bounds(const struct fact *f, struct str body, const char *name)
{
	uint8_t digest[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	const struct str ids[] = { f->sale, f->owner, f->buyer, f->user_ref,
		f->email };
	int fit = 1;
	crypto_sha256(body, digest);
	crypto_hex(digest, sizeof(digest), hex);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		fit &=
		    ids[i].p == NULL || platform_identifier(ids[i]).p != NULL;
	test_group(name);
	OK(str_eq_z(f->delivery, hex) && fit && f->kind_name.n > 0 &&
		f->kind_name.n <= 64 && !str_has_control(f->kind_name) &&
		f->subject.n <= 512 && f->sold_at == FACT_NO_TIME &&
		(f->status == FACT_APPLIED) == (f->reason == NULL) &&
		(f->status != FACT_APPLIED ||
		    (f->kind == FACT_PAYMENT && f->subject.p != NULL &&
			f->sale.p != NULL && f->owner.p != NULL &&
			f->buyer.p != NULL && f->n_names > 0)),
	    "digest, identifiers, bounds");
}

/* The event with --set key=value, … ended by NULL; NULL: an error in *e. */
static struct str
make(const char *event, const char *const *sets, struct err *e)
{
	const struct platform_sample *s = platform_gank.samples;
	struct str keys[8], values[8], body = STR_NONE;
	struct sample_opts opts = { .keys = keys,
		.values = values,
		.now = 1700000000,
		.nonce = STR("0123456789abcdef") };
	while (strcmp(s->event, event) != 0 && strcmp(s->alias, event) != 0)
		s++;
	for (; sets != NULL && sets[opts.n_sets] != NULL; opts.n_sets++)
		str_cut(str_from(sets[opts.n_sets]), '=', &keys[opts.n_sets],
		    &values[opts.n_sets]);
	arena_reset(arena);
	if (platform_gank.sample(&platform_gank, s, &opts, arena, &body, e) !=
	    0)
		return STR_NONE;
	return body;
}

#define SETS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Decodes what make makes; the body is copied out of the arena. */
static void
make_and_decode(const char *event, const char *const *sets, struct fact *f)
{
	static char copy[1 << 20];
	struct err e = { 0 };
	struct str body = make(event, sets, &e);
	*f = (struct fact){ .status = FACT_TEST };
	if (!OK(body.p != NULL && body.n < sizeof(copy), "%s made %s", event,
		e.text))
		return;
	memcpy(copy, body.p, body.n);
	decode((struct str){ copy, body.n }, f);
}

/* Payments add up by payer: two references must not be one person. */
static void
test_persons(void)
{
	struct fact f;
	char first[64];
	test_group("sample persons");
	make_and_decode("membership", SETS("custom_reference_id=77"), &f);
	snprintf(first, sizeof(first), "%.*s", STR_ARG(f.buyer));
	make_and_decode("membership", SETS("custom_reference_id=78"), &f);
	OK(f.buyer.n == strlen(first) && !str_eq_z(f.buyer, first), "two");
	make_and_decode("goods", SETS("custom_reference_id=77"), &f);
	IS(f.buyer, first, "the same one");
}

static void
test_membership(void)
{
	struct fact f;
	test_group("sample membership");
	make_and_decode("membership", NULL, &f);
	OK(f.status == FACT_APPLIED && f.test == 1 && f.kind == FACT_PAYMENT &&
		f.months == 1 && f.quantity == 1 && f.price == FACT_NO_NUMBER &&
		f.currency.p == NULL && f.cancelled_at == FACT_NO_TIME &&
		f.charges == FACT_NO_NUMBER,
	    "applied, a test, no money");
	OK(f.sale.n == 17 && str_starts(f.sale, STR("UM-TEST-")), "human_id");
	IS(f.kind_name, "membership", "kind");
	IS(f.product, "membership", "product");
	IS(f.tier, "Test Membership! <>&...", "tier");
	IS(f.product_name, "Test Membership! <>&...", "product_name");
	OK(f.n_names == 2, "two names");
	IS(f.names[0], "Test Membership! <>&...", "title");
	IS(f.names[1], "2f0f05c6-9760-41af-8201-1cec61aa2421", "price event");
	IS(f.owner, "fba1aaba-ffb5-42ae-8571-6ec0eb337802", "owner");
	IS(f.buyer, "4758a84f-c541-4e7a-b2b1-8bf76e05f177", "buyer");
	IS(f.email, "member@example.com", "email");
	OK(f.user_ref.p == NULL, "no user_ref");
	IS(f.subject,
	    "membership:fba1aaba-ffb5-42ae-8571-6ec0eb337802:"
	    "4758a84f-c541-4e7a-b2b1-8bf76e05f177:Test Membership! <>&...",
	    "subject");
	make_and_decode("USER_MEMBERSHIP.TX_SUCCEED",
	    SETS("custom_reference_id=42", "billing_period=3",
		"subscriber_user_email=Fan@Example.COM",
		"membership_title=Gold", "is_fee_covered=false"),
	    &f);
	IS(f.user_ref, "42", "a text, though it looks like a number");
	IS(f.email, "fan@example.com", "email set");
	OK(f.status == FACT_APPLIED && f.months == 3, "3 months");
	IS(f.tier, "Gold", "title set");
}

static void
test_goods(void)
{
	struct fact f;
	test_group("sample goods");
	make_and_decode("goods", NULL, &f);
	OK(f.status == FACT_APPLIED && f.test == 1 && f.months == 0 &&
		f.quantity == 1,
	    "applied, a test");
	OK(f.sale.n == 17 && str_starts(f.sale, STR("DG-TEST-")), "human_id");
	OK(str_starts(f.subject, STR("goods:DG-TEST-")), "subject");
	IS(f.product, "goods", "product");
	IS(f.names[0], "Test Listing 26/02/27T10:14!", "title");
	IS(f.names[1], "4ae9d5c2-959f-42d6-a463-6c0003c95c8c", "catalog id");
	make_and_decode("DIGITAL_GOODS.TX_SUCCEED",
	    SETS("catalog_title=null", "human_id=DG-1", "discount_code=A"), &f);
	OK(f.status == FACT_APPLIED && f.test == 0 && f.n_names == 1 &&
		f.tier.p == NULL && f.product_name.p == NULL,
	    "no title");
	IS(f.subject, "goods:DG-1", "subject of a set id");
}

static void
test_sets(void)
{
	struct fact f;
	struct err e = { 0 };
	test_group("sample with settings");
	make_and_decode("membership", SETS("billing_period=\"1\""), &f);
	IS(str_from(f.reason), "wrong_type", "a text for a number");
	make_and_decode("membership", SETS("billing_period=1e400"), &f);
	IS(str_from(f.reason), "out_of_range", "too large a number");
	make_and_decode("membership", SETS("payment_status=PENDING"), &f);
	IS(str_from(f.reason), "status_contradicts_event", "status");
	make_and_decode("membership", SETS("event=A\nB"), &f);
	IS(f.kind_name, "A?B", "an unknown event's name, cleaned");
	make_and_decode("membership", SETS("event="), &f);
	IS(str_from(f.reason), "missing_event", "no event");
	make_and_decode("membership",
	    SETS("usecase=X", "human_id=UM-1", "human_id=UM-2"), &f);
	IS(f.sale, "UM-2", "the last counts");
	struct str body =
	    make("membership", SETS("membership_title=</a>&"), &e);
	OK(memmem(body.p, body.n, "\"\\u003c/a\\u003e\\u0026\"", 22) != NULL &&
		!str_has_byte(body, '<') && !str_has_byte(body, '&'),
	    "escaped as Go does");
	OK(make("membership", SETS("billing_period=three"), &e).p == NULL &&
		e.code == ERR_INPUT,
	    "not JSON: %s", e.text);
	OK(make("membership", SETS("billing_period=1,\"x\":2"), &e).p == NULL,
	    "more than a value");
	OK(make("membership", SETS("billing_period="), &e).p == NULL,
	    "an empty value");
	OK(make("membership", SETS("catalog\033id=1"), &e).p == NULL &&
		e.code == ERR_INPUT && strstr(e.text, "human_id") != NULL &&
		strstr(e.text, "usecase") != NULL &&
		strchr(e.text, '\033') == NULL,
	    "unknown: %s", e.text);
}

static void
test_subject(void)
{
	struct fact f, g;
	char set[400], event[200];
	test_group("subject");
	memset(set, 0, sizeof(set));
	memset(set, 't', 300);
	memcpy(set, "membership_title=", 17);
	make_and_decode("membership", SETS(set), &f);
	OK(memmem(f.subject.p, f.subject.n, ":sha256:", 8) != NULL &&
		f.subject.n == 11 + 36 + 1 + 36 + 1 + 7 + 64,
	    "a long title is put as its digest");
	OK(f.tier.n == 283 && f.names[0].n == 283, "elsewhere it is whole");
	set[17 + 200 - 85] = '\0';
	make_and_decode("membership", SETS(set), &g);
	OK(g.subject.n == 200 &&
		memmem(g.subject.p, g.subject.n, "sha256:", 7) == NULL,
	    "200 bytes stand as they are");
	set[17 + 200 - 85] = 't';
	set[17 + 200 - 85 + 1] = '\0';
	make_and_decode("membership", SETS(set), &g);
	OK(g.subject.n == 156, "201 do not");
	memset(event, 0, sizeof(event));
	memcpy(event, "event=", 6);
	for (size_t i = 6; i + 3 < sizeof(event); i += 3)
		memcpy(event + i, "\xE0\xB8\xAA", 3);
	make_and_decode("membership", SETS(event), &f);
	OK(f.kind_name.n == 63 && str_is_utf8(f.kind_name),
	    "a long event's name is cut between characters");
	OK(f.kind == FACT_UNKNOWN && f.subject.p == NULL, "no subject");
}

static void
test_sign(void)
{
	struct str body = STR("{}"), secret = STR("k");
	struct buf b;
	struct err e;
	struct verify_result r;
	test_group("sign");
	buf_init(&b, 1000);
	OK(platform_gank.sign(
	       &platform_gank, body, secret, 1700000000, &b, &e) == 0,
	    "signs");
	struct verify_input in = { .body = body,
		.signature = buf_str(&b),
		.secrets = &secret,
		.n_secrets = 1,
		.now = 1700000000,
		.tolerance = platform_gank.tolerance_default };
	platform_gank.verify(&platform_gank, &in, NULL, &r);
	OK(r.answer == VERIFY_VALID, "and verifies");
	buf_free(&b);
}

/* A MiB of one byte, with a memory no larger than a request has. */
static void
test_bounds(void)
{
	static char body[1 << 20];
	static const char bytes[] = "[{\"0\\ \xFF";
	struct fact f;
	struct err e = { 0 };
	test_group("bounds");
	for (size_t i = 0; i + 1 < sizeof(bytes); i++) {
		memset(body, bytes[i], sizeof(body));
		decode((struct str){ body, sizeof(body) }, &f);
		OK(f.status == FACT_KEPT && f.reason != NULL &&
			platform_gank.describe(&platform_gank, &f) == NULL,
		    "1 MiB of %02x: %s", (unsigned char)bytes[i], f.reason);
	}
	struct arena *small = arena_new(1000);
	memset(body, ' ', 2000);
	OK(platform_gank.decode(&platform_gank, (struct str){ body, 2000 },
	       &no_opts, small, &f, &e) != 0 &&
		e.code == ERR_MEMORY,
	    "no memory");
	arena_free(small);
}

int
main(void)
{
	crypto_init(NULL);
	arena = arena_new(ARENA);
	if (arena == NULL)
		return 1;
	cases_all(&platform_gank, "gank", arena, CASES_AT_LEAST, check_bounds);
	test_persons();
	test_membership();
	test_goods();
	test_sets();
	test_subject();
	test_sign();
	test_bounds();
	arena_free(arena);
	return test_end();
}

#include "test.h"

#include "config/tier.h"
#include "fold/fold.h"
#include "platform/money.h"
#include "platform/probe.h"
#include "platform/proof.h"

enum { ARENA = 64 << 20 };

static struct arena *arena;

/* ---- money ---------------------------------------------------------------- */

static void
check_money(const char *text, const char *currency, int64_t want)
{
	int64_t got = -1;
	int rc = money_parse(str_from(text), str_from(currency), &got);
	OK(want < 0 ? rc != 0 : rc == 0 && got == want, "%s %s", text,
	    currency);
}

static void
check_shown(int64_t minor, const char *currency, const char *want)
{
	struct buf b;
	buf_init(&b, 100);
	money_add(&b, minor, str_from(currency));
	IS(buf_str(&b), want, currency);
	buf_free(&b);
}

static void
test_money(void)
{
	test_group("money");
	check_money("12.50", "EUR", 1250);
	check_money("12", "EUR", 1200);
	check_money("12.5", "EUR", 1250);
	check_money("12.500", "EUR", 12500 / 10);
	check_money("12.505", "EUR", -1);
	check_money("500", "JPY", 500);
	check_money("500.00", "jpy", 500);
	check_money("500.01", "JPY", -1);
	check_money("1.25", "KWD", 1250);
	check_money("0", "USD", 0);
	check_money("", "USD", -1);
	check_money(".", "USD", -1);
	check_money("5.", "USD", -1);
	check_money("-5.00", "USD", -1);
	check_money("5,00", "USD", -1);
	check_money("5.0e1", "USD", -1);
	check_money("99999999999999999999", "USD", -1);
	check_shown(1250, "EUR", "12.50");
	check_shown(-5, "USD", "-0.05");
	check_shown(1250, "JPY", "1250");
	check_shown(-1250, "KWD", "-1.250");
	check_shown(INT64_MIN, "USD", "-92233720368547758.08");
	check_shown(7, NULL, "0.07");
}

/* ---- proofs --------------------------------------------------------------- */

static enum verify_answer
verify(const struct platform *p, struct verify_input *in)
{
	struct verify_result r;
	p->verify(p, in, arena, &r);
	if (r.answer == VERIFY_VALID)
		OK(strlen(r.by) == VERIFIED_BY_LEN, "the secret has a name");
	return r.answer;
}

/* RFC 4231, 4.3, and RFC 2202, 2: "Jefe", "what do ya want for nothing?" */
static void
test_hmac(void)
{
	static const struct {
		const char *hash, *mac;
	} cases[] = {
		{ "SHA256",
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b9"
		    "64ec3843" },
		{ "MD5", "750C783E6AB0B503EAA86E310A5DB738" },
	};
	struct str secrets[] = { STR("other"), STR("Jefe") };
	test_group("proof_hmac");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct platform p = { .verify = proof_hmac,
			.proof = { .hash = cases[i].hash } };
		struct verify_input in = { .body = STR(
					       "what do ya want for nothing?"),
			.signature = str_from(cases[i].mac),
			.secrets = secrets,
			.n_secrets = 2 };
		struct buf made;
		struct err e;
		OK(verify(&p, &in) == VERIFY_VALID, "%s", cases[i].hash);
		buf_init(&made, 200);
		OK(proof_make_hmac(&p, in.body, secrets[1], 0, &made, &e) ==
			    0 &&
			str_eq_fold(buf_str(&made), in.signature),
		    "%s made", cases[i].hash);
		buf_free(&made);
		in.body.n--;
		OK(verify(&p, &in) == VERIFY_MISMATCH, "another body");
		in.signature.n -= 2;
		OK(verify(&p, &in) == VERIFY_BAD_HEADER, "too short");
		in.signature = STR("xy");
		OK(verify(&p, &in) == VERIFY_BAD_HEADER, "no digits");
		in.signature = STR_NONE;
		OK(verify(&p, &in) == VERIFY_NO_SIGNATURE, "none");
		in.n_secrets = 0;
		OK(verify(&p, &in) == VERIFY_CONFIG_ERROR, "no secret");
	}
	struct platform p = { .verify = proof_hmac,
		.proof = { .hash = "NO-SUCH" } };
	struct verify_input in = {
		.signature = STR("00"), .secrets = secrets, .n_secrets = 1
	};
	OK(verify(&p, &in) == VERIFY_CONFIG_ERROR, "no such digest");
}

/* A list of other words: Paddle's "ts=…;h1=…" over "ts:body". */
static void
test_timed(void)
{
	const struct platform p = { .verify = proof_timed,
		.proof = { .time_key = "ts",
		    .mac_key = "h1",
		    .separator = ';',
		    .joiner = ':' } };
	struct str secret = STR("pdl_ntfset_x"), body = STR("{}");
	struct buf b;
	struct err e;
	test_group("proof_timed");
	buf_init(&b, 300);
	OK(proof_make_timed(&p, body, secret, 1700000000, &b, &e) == 0 &&
		str_starts(buf_str(&b), STR("ts=1700000000;h1=")),
	    "made");
	struct verify_input in = { .body = body,
		.signature = buf_str(&b),
		.secrets = &secret,
		.n_secrets = 1,
		.now = 1700000010,
		.tolerance = 60 };
	OK(verify(&p, &in) == VERIFY_VALID, "valid");
	in.now += 100;
	OK(verify(&p, &in) == VERIFY_TOO_OLD, "too old");
	OK(verify(&platform_gank, &in) == VERIFY_BAD_HEADER,
	    "in another's words it is none");
	buf_free(&b);
}

/* ---- states --------------------------------------------------------------- */

/* A platform that tells the whole state of a membership each time. */
static const struct platform nowhere = { .name = "nowhere" };

static struct fold_delivery
state(const char *key, int64_t as_of, int64_t ends_at, int over)
{
	struct fact *f = arena_alloc(arena, sizeof(*f));
	*f = fact_none();
	f->kind = FACT_STATE;
	f->delivery = str_from(key);
	f->subject = STR("state:m");
	f->sale = STR("m");
	f->tier = f->product = STR("gold");
	f->sold_at = 1000;
	f->as_of = as_of;
	f->ends_at = ends_at;
	f->over = over;
	return (struct fold_delivery){ .fact = f, .sent_at = 5000 };
}

static void
check_state(struct fold_delivery *d, size_t n, int64_t until, const char *what)
{
	const struct tier_rules rules = { .n_tiers = 0 };
	struct fold_rows rows;
	struct err e;
	for (int turn = 0; turn < 2; turn++) {
		if (!OK(fold_subject(&nowhere, STR("state:m"), d, n, &rules,
			    arena, &rows, &e) == 0 &&
			    rows.n_purchases == 1,
			"%s: a row", what))
			return;
		const struct store_purchase *p = &rows.purchases[0];
		OK(until == 1000 ? p->since == STORE_NULL
				 : p->since == 1000 && p->until == until,
		    "%s: until %lld", what, (long long)p->until);
		/* in any order */
		for (size_t i = 0; i < n / 2; i++) {
			struct fold_delivery swap = d[i];
			d[i] = d[n - 1 - i];
			d[n - 1 - i] = swap;
		}
	}
}

static void
test_states(void)
{
	test_group("states");
	struct fold_delivery open[] = { state("a", 2000, FACT_NO_TIME, 0) };
	check_state(open, 1, STORE_NULL, "open");
	struct fold_delivery two[] = { state("a", 2000, 90000, 0),
		state("b", 3000, 50000, 0) };
	check_state(two, 2, 50000, "the newest speaks, no grace");
	struct fold_delivery over[] = { state("a", 2000, 90000, 0),
		state("b", 3000, 90000, 1), state("c", 2500, 99000, 0) };
	check_state(over, 3, 3000, "over");
	struct fold_delivery again[] = { state("a", 2000, 90000, 1),
		state("b", 3000, 80000, 0) };
	check_state(again, 2, 80000, "over, and taken up again");
	struct fold_delivery tie[] = { state("b", 2000, 70000, 0),
		state("a", 2000, 60000, 0) };
	tie[1].sent_at = 6000;
	check_state(tie, 2, 60000, "of two of one time the one sent last");
	struct fold_delivery never[] = { state("a", 900, FACT_NO_TIME, 1) };
	check_state(never, 1, 1000, "over before it began");
}

/* ---- what the doctor sends ------------------------------------------------ */

/* What is stored of it, decoded. */
static struct fact
probe_fact(const struct platform *p, size_t filler, struct probe *out)
{
	struct fact f = fact_none();
	struct err e;
	struct str stored = STR_NONE;
	OK(probe_make(p, STR("a secret"), filler, arena, out, &e) == 0,
	    "%s: made", p->name);
	stored = out->body;
	OK((p->blank == NULL ||
	       p->blank(p, out->body, arena, &stored, &e) == 0) &&
		p->decode(p, stored, NULL, arena, &f, &e) == 0,
	    "and decoded");
	return f;
}

static void
test_probe(void)
{
	struct probe one, again, large;
	test_group("the doctor's probe");
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		struct fact f = probe_fact(p, 0, &one);
		probe_fact(p, 0, &again);
		OK(f.status == FACT_TEST && f.kind == FACT_UNKNOWN, "a test");
		IS(str_from(f.reason), PLATFORM_PROBE, "its reason");
		IS(f.kind_name, PLATFORM_PROBE, "its kind");
		OK(str_eq(one.body, again.body) &&
			str_eq(one.delivery, again.delivery) &&
			str_eq(one.delivery, f.delivery),
		    "the same each time");
		f = probe_fact(p, 200000, &large);
		OK(f.status == FACT_TEST && large.body.n > 200000 &&
			!str_eq(one.delivery, large.delivery),
		    "as long as one likes");
	}
	/* by whom a custom field of that name is filled in */
	struct fact f;
	struct err e;
	const struct platform *p = &platform_gumroad;
	OK(p->decode(p,
	       STR("sale_id=a&test=true&resource_name=" PLATFORM_PROBE_EVENT
		   "&custom_fields%5Bresource_name%5D=" PLATFORM_PROBE_EVENT),
	       NULL, arena, &f, &e) == 0 &&
		!str_eq_z(str_from(f.reason), PLATFORM_PROBE),
	    "a buyer cannot make one");
	OK(p->decode(p, STR("sale_id=a&resource_name=" PLATFORM_PROBE_EVENT),
	       NULL, arena, &f, &e) == 0 &&
		f.status == FACT_KEPT,
	    "it is a test, or it is kept");
}

int
main(void)
{
	arena = arena_new(ARENA);
	test_money();
	test_hmac();
	test_timed();
	test_states();
	test_probe();
	arena_free(arena);
	return test_end();
}

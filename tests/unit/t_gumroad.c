#include "test.h"

#include <dirent.h>

#include "base/crypto.h"
#include "base/form.h"
#include "base/time.h"
#include "platform/platform.h"

/*
 * tests/fixtures/gumroad holds a folder per case: body; status (applied, kept,
 * test); and where there is something to compare, reason, expect.json (keys
 * of the description) and fact (lines "member=value", '-' for no value;
 * "warning=" and "detail=" are compared by their beginning).
 */
#define FIXTURES "tests/fixtures/gumroad"

enum { CASES_MAX = 1000 };

static const struct decode_opts opts = { .reference = STR("user_id") };

static const struct platform *const gumroad = &platform_gumroad;

static struct str
fixture(struct arena *a, const char *folder, const char *name)
{
	const char *path = arena_printf(a, "%s/%s/%s", FIXTURES, folder, name);
	const char *top = getenv("top_srcdir");
	FILE *f = fopen(
	    arena_printf(a, "%s/%s", top == NULL ? "." : top, path), "rb");
	size_t n;
	if (f == NULL)
		return STR_NONE;
	fclose(f);
	char *p = test_file(path, &n);
	arena_defer(a, free, p);
	return (struct str){ p, n };
}

static struct fact
decode(struct arena *a, struct str body)
{
	struct fact f;
	struct err e;
	/* a copy with nothing behind it, for the sanitizer */
	char *exact = malloc(body.n > 0 ? body.n : 1);
	if (body.n > 0)
		memcpy(exact, body.p, body.n);
	arena_defer(a, free, exact);
	OK(gumroad->decode(
	       gumroad, (struct str){ exact, body.n }, &opts, a, &f, &e) == 0,
	    "decode");
	return f;
}

static void
compare_facts(const char *name, struct str expect, const struct fact *f)
{
	json_error_t why;
	json_t *want = json_loadb(expect.p, expect.n, JSON_ALLOW_NUL, &why);
	json_t *got = gumroad->describe(gumroad, f), *value;
	const char *key;
	OK(want != NULL && got != NULL, "%s: facts", name);
	json_object_foreach(want, key, value)
	{
		json_t *is = json_object_get(got, key);
		if (json_equal(is, value))
			continue;
		char *z = json_dumps(is, JSON_ENCODE_ANY);
		OK(0, "%s: %s is %s", name, key, z == NULL ? "absent" : z);
		free(z);
	}
	/* a whole description: no key too many either */
	if (json_object_get(want, "kind") != NULL &&
	    json_object_size(want) > 20)
		OK(json_object_size(want) == json_object_size(got),
		    "%s: %zu keys", name, json_object_size(got));
	json_decref(want);
	json_decref(got);
}

static struct str
integer(struct arena *a, int64_t v)
{
	return v == INT64_MIN ? STR_NONE
			      : str_from(arena_printf(a, "%lld", (long long)v));
}

static struct str
member(struct arena *a, const struct fact *f, struct str name)
{
	const struct {
		const char *name;
		struct str value;
	} members[] = {
		{ "kind", f->kind_name },
		{ "subject", f->subject },
		{ "owner", f->owner },
		{ "user_ref", f->user_ref },
		{ "email", f->email },
		{ "buyer", f->buyer },
		{ "license", f->license },
		{ "sale", f->sale },
		{ "subscription", f->subscription },
		{ "product", f->product },
		{ "product_name", f->product_name },
		{ "variant", f->variant },
		{ "tier", f->tier },
		{ "currency", f->currency },
		{ "recurrence", f->recurrence },
		{ "new_tier", f->new_tier },
		{ "detail", f->detail },
		{ "price", integer(a, f->price) },
		{ "quantity", integer(a, f->quantity) },
		{ "months", integer(a, f->months) },
		{ "test", integer(a, f->test) },
		{ "refunded", integer(a, f->refunded) },
		{ "disputed", integer(a, f->disputed) },
		{ "dispute_won", integer(a, f->dispute_won) },
		{ "downgrade", integer(a, f->downgrade) },
		{ "effective_at", integer(a, f->effective_at) },
		{ "restarted_at", integer(a, f->restarted_at) },
	};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (str_eq_z(name, members[i].name))
			return members[i].value;
	OK(0, "no member %.*s", STR_ARG(name));
	return STR_NONE;
}

static int
warned(const struct fact *f, struct str beginning)
{
	for (size_t i = 0; i < f->n_warnings; i++)
		if (str_starts(str_from(f->warnings[i]), beginning))
			return 1;
	return 0;
}

static void
compare_members(
    struct arena *a, const char *name, struct str lines, const struct fact *f)
{
	struct str line, key, want;
	while (lines.n > 0) {
		str_cut(lines, '\n', &line, &lines);
		str_cut(line, '=', &key, &want);
		if (str_eq_z(key, "warning")) {
			OK(warned(f, want), "%s: warns %.*s", name,
			    STR_ARG(want));
			continue;
		}
		struct str is = member(a, f, key);
		int ok = str_eq_z(want, "-")  ? is.p == NULL
		    : str_eq_z(key, "detail") ? str_starts(is, want)
					      : str_eq(is, want);
		OK(ok, "%s: %.*s is %.*s", name, STR_ARG(key), STR_ARG(is));
	}
}

static void
run_case(struct arena *a, const char *name)
{
	static const char *const words[] = { "applied", "kept", "test" };
	arena_reset(a);
	struct str body = fixture(a, name, "body");
	struct str status = str_trim(fixture(a, name, "status"));
	struct str reason = str_trim(fixture(a, name, "reason"));
	struct str expect = fixture(a, name, "expect.json");
	struct fact f = decode(a, body);
	OK(str_eq_z(status, words[f.status]), "%s: %s %s (%.*s)", name,
	    words[f.status], f.reason == NULL ? "" : f.reason,
	    STR_ARG(f.detail));
	if (reason.n > 0)
		OK(f.reason != NULL && str_eq_z(reason, f.reason), "%s: reason",
		    name);
	OK((f.status == FACT_APPLIED) == (f.reason == NULL),
	    "%s: a reason when not applied", name);
	OK(f.delivery.n == CRYPTO_SHA256_HEX && f.subject.n > 0 &&
		f.kind_name.n > 0,
	    "%s: is filed", name);
	if (expect.n > 0)
		compare_facts(name, expect, &f);
	compare_members(a, name, str_trim(fixture(a, name, "fact")), &f);
}

static void
test_folders(struct arena *a)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	int n = 0;
	test_group("case");
	snprintf(
	    path, sizeof(path), "%s/%s", top == NULL ? "." : top, FIXTURES);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	while (dir != NULL && n < CASES_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		run_case(a, entry->d_name);
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	OK(n > 100, "%d folders", n);
}

static void
test_whole_fact(struct arena *a)
{
	test_group("fact");
	arena_reset(a);
	struct fact f =
	    decode(a, fixture(a, "04-sale-membership-tier-monthly", "body"));
	OK(f.kind == FACT_SALE && f.status == FACT_APPLIED, "a sale");
	IS(f.subject, "subscription:9FLSynE_vd6n3V68Dg9Vtw==", "subject");
	IS(f.owner, "0GtN2dF0VQgG6Plx3DI8Zw==", "owner");
	IS(f.buyer, "3443251", "buyer");
	IS(f.email, "superdmsapp@example.com", "email");
	IS(f.license, "2AC29F99-32C51085-CEB60782-9F138C46", "license");
	IS(f.product, "superdms", "product");
	OK(f.n_names == 4 && str_eq_z(f.names[1], "eqhaz") &&
		str_eq_z(f.names[3], "SuperDMs Subscription"),
	    "names");
	OK(f.n_variants == 1 && str_eq_z(f.variants[0], "Influencer"),
	    "variants");
	IS(f.tier, "Influencer", "tier");
	IS(f.currency, "USD", "currency");
	OK(f.price == 4900 && f.quantity == 1 && f.months == 1, "numbers");
	OK(f.sold_at == 1772613506, "sold_at");
	OK(f.n_warnings == 0, "no warnings");
	f = decode(a, fixture(a, "38-cancellation-by-buyer-future", "body"));
	OK(f.kind == FACT_CANCELLATION && f.cancelled_at == 1777884011,
	    "cancelled_at");
	OK(f.email.p == NULL && f.buyer.p == NULL && f.user_ref.p == NULL,
	    "a subscription ping identifies nobody");
	OK(f.charges == FACT_NO_NUMBER && f.trial_ends_at == FACT_NO_TIME,
	    "blanks");
	f = decode(a, fixture(a, "43-subscription-updated-upgrade", "body"));
	OK(f.kind == FACT_UPDATED && !f.downgrade &&
		f.effective_at == 1776247200 && str_eq_z(f.new_tier, "Agency"),
	    "upgrade");
	f = decode(a, fixture(a, "27-test-ping-button", "body"));
	OK(f.status == FACT_TEST && strcmp(f.reason, "test_ping") == 0,
	    "test ping");
	struct decode_opts other = { .reference = STR("userid") };
	OK(gumroad->decode(gumroad,
	       fixture(a, "17-sale-url-params-documented", "body"), &other, a,
	       &f, NULL) == 0,
	    "another reference");
	IS(f.user_ref, "456", "user_ref");
}

static struct str
key_of(struct arena *a, const char *body)
{
	return decode(a, str_from(body)).delivery;
}

static void
test_dedupe(struct arena *a)
{
	test_group("dedupe");
	arena_reset(a);
	struct str ab = key_of(a, "a=1&b=2");
	OK(str_eq(ab, key_of(a, "a=1&b=2&retry_count=2")),
	    "a retry is the same delivery");
	OK(str_eq(ab, key_of(a, "retry_count=1&%61=1&b=%32")),
	    "however it is escaped");
	OK(!str_eq(ab, key_of(a, "b=2&a=1")), "the order counts");
	OK(!str_eq(key_of(a, "ab=c"), key_of(a, "a=bc")),
	    "a byte from key to value");
	OK(!str_eq(key_of(a, "a=b%26c=d"), key_of(a, "a=b&c=d")),
	    "an escaped separator");
	OK(!str_eq(ab, key_of(a, "a=1&b=2&c%5Bretry_count%5D=2")),
	    "retry_count at the top only");
	OK(!str_eq(key_of(a, "a=%"), key_of(a, "a=%25")),
	    "what cannot be decoded is taken as it is");
	OK(!str_eq(key_of(a, "{}"), key_of(a, "{ }")), "JSON: the bytes");
	OK(str_eq(key_of(a, fixture(a, "01-sale-onetime", "body").p),
	       key_of(a, fixture(a, "36-sale-retry-stale", "body").p)),
	    "the recorded retry");
	OK(!str_eq(key_of(a, fixture(a, "01-sale-onetime", "body").p),
	       key_of(a, fixture(a, "32-refund-partial", "body").p)),
	    "a refund is another delivery");
}

static void
test_large(struct arena *a)
{
	struct buf b;
	test_group("large");
	arena_reset(a);
	buf_init(&b, 4 * 1024 * 1024);
	struct str sale = fixture(a, "01-sale-onetime", "body");
	for (int i = 0; i < FORM_PAIRS_MAX; i++)
		buf_addf(&b, "url_params%%5Bk%d%%5D=1&", i);
	buf_adds(&b, sale);
	struct fact f = decode(a, buf_str(&b));
	OK(f.status == FACT_KEPT && strcmp(f.reason, "too_large") == 0,
	    "more than 10,000 pairs");
	buf_reset(&b);
	buf_adds(&b, sale);
	buf_addz(&b, "&url_params%5Bx%5D=");
	for (int i = 0; i < 1024 * 1024; i++)
		buf_addc(&b, 'x');
	f = decode(a, buf_str(&b));
	OK(f.status == FACT_APPLIED, "a long value");
	buf_reset(&b);
	buf_adds(&b, sale);
	for (int i = 0; i < 20; i++)
		buf_addf(&b, "&variants%%5BV%d%%5D=v%d", i, i);
	f = decode(a, buf_str(&b));
	OK(f.n_variants == FACT_VARIANTS_MAX && warned(&f, STR("variants")),
	    "more variants than are looked at");
	buf_reset(&b);
	buf_addz(&b, "{\"resource_name\":\"sale\",\"a\":[");
	for (int i = 0; i < 500000; i++)
		buf_addz(&b, "1,");
	buf_addz(&b, "1]}");
	f = decode(a, buf_str(&b));
	OK(f.status == FACT_KEPT && strcmp(f.reason, "too_large") == 0,
	    "half a million numbers in JSON");
	buf_free(&b);
	int failures = 0;
	for (size_t limit = 64; limit < 64 * 1024; limit += 64) {
		struct arena *small = arena_new(limit);
		struct err e = { .code = ERR_NONE };
		if (gumroad->decode(gumroad, sale, &opts, small, &f, &e) != 0)
			failures += e.code == ERR_MEMORY ? 1 : 1000000;
		else
			limit = 64 * 1024;
		arena_free(small);
	}
	OK(failures > 10 && failures < 1000, "memory may end anywhere");
}

static enum verify_answer
verify(const char *path, const char *authorization, const struct str *secrets,
    size_t n, struct verify_result *out)
{
	struct verify_input in = { .path_token = str_from(path),
		.authorization = str_from(authorization),
		.secrets = secrets,
		.n_secrets = n };
	gumroad->verify(gumroad, &in, NULL, out);
	return out->answer;
}

static void
test_verify(void)
{
	static const struct str two[] = { STR("0123456789abcdef"),
		STR("p:w/\xC3\xA9-0123456789") };
	static const struct str bad[] = { STR("0123456789abcdef"), STR("") };
	struct verify_result r;
	test_group("verify");
	OK(verify("0123456789abcdef", NULL, two, 2, &r) == VERIFY_VALID,
	    "in the path");
	IS(str_from(r.by), "9f9f5111f7b2", "by");
	OK(r.sent_at == FACT_NO_TIME, "nothing signed says a time");
	OK(verify(NULL, "Basic dTowMTIzNDU2Nzg5YWJjZGVm", two, 2, &r) ==
		VERIFY_VALID,
	    "Basic");
	OK(verify(NULL, "bAsIc  OnA6dy/DqS0wMTIzNDU2Nzg5 ", two, 2, &r) ==
		VERIFY_VALID,
	    "no user, a colon in the password, the second secret");
	OK(verify(NULL, "Basic OjAxMjM0NTY3ODlhYmNkZWY=", two, 2, &r) ==
		VERIFY_VALID,
	    "padded");
	OK(verify("wrong", "Basic dTowMTIzNDU2Nzg5YWJjZGVm", two, 2, &r) ==
		VERIFY_VALID,
	    "either may fit");
	OK(verify("0123456789abcdef", "Basic !", two, 2, &r) == VERIFY_VALID,
	    "whatever the other is");
	static const char *const wrong[] = { NULL, "", "Basic", "Basic ",
		"Bearer 0123456789abcdef", "Basic 0123456789abcdef",
		"Basic dTowMTIzNDU2Nzg5YWJjZGV", /* not padded */
		"Basic dTowMTIzNDU2Nzg5YWJjZGVmMA==",
		"Basic dTowMTIzNDU2Nzg5YWJjZGVm====",
		"Basic MDEyMzQ1Njc4OWFiY2RlZg==", /* no colon */
		"Basic OjAxMjM0NTY3ODlhYmNkZWZ=", /* bits left over */
		"Basic ====", "Basic dTo=", "Basic dTp=",
		"BasicdTowMTIzNDU2Nzg5YWJjZGVm" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		OK(verify(NULL, wrong[i], two, 2, &r) == VERIFY_MISMATCH &&
			r.by[0] == '\0',
		    "refused: %s", wrong[i] == NULL ? "nothing" : wrong[i]);
	OK(verify("", NULL, two, 2, &r) == VERIFY_MISMATCH, "empty token");
	OK(verify("0123456789abcdeF", NULL, two, 2, &r) == VERIFY_MISMATCH,
	    "another token");
	OK(verify("x", NULL, two, 0, &r) == VERIFY_CONFIG_ERROR,
	    "nothing configured");
	OK(verify("0123456789abcdef", NULL, bad, 2, &r) == VERIFY_CONFIG_ERROR,
	    "an empty secret");
	char long_header[8192];
	memset(long_header, 'A', sizeof(long_header) - 1);
	memcpy(long_header, "Basic ", 6);
	long_header[sizeof(long_header) - 1] = '\0';
	OK(verify(NULL, long_header, two, 2, &r) == VERIFY_MISMATCH,
	    "a long header");
}

static struct str
sample(struct arena *a, const char *event, const struct sample_opts *o)
{
	struct str body = STR_NONE;
	for (const struct platform_sample *s = gumroad->samples;
	     s->event != NULL; s++)
		if (strcmp(s->event, event) == 0)
			OK(gumroad->sample(gumroad, s, o, a, &body, NULL) == 0,
			    "%s is made", event);
	return body;
}

/* A refund made with a sale's id alone belongs to that sale's membership. */
static void
test_sample_pairs(struct arena *a)
{
	struct str key = STR("sale_id"), value;
	struct sample_opts first = { .now = 1772613506,
		.nonce = STR("00112233445566778899aabbccddeeff") };
	struct sample_opts second = { .keys = &key,
		.values = &value,
		.n_sets = 1,
		.now = 1772613600,
		.nonce = STR("ffeeddccbbaa99887766554433221100") };
	test_group("sample pairs");
	arena_reset(a);
	struct fact sale = decode(a, sample(a, "sale", &first));
	value = sale.sale;
	struct fact refund = decode(a, sample(a, "refund", &second));
	OK(str_eq(sale.subject, refund.subject), "one subject");
	OK(str_eq(sale.sale, refund.sale), "one sale");
}

static void
test_samples(struct arena *a)
{
	static const struct {
		const char *event;
		enum fact_kind kind;
	} want[] = { { "sale", FACT_SALE }, { "renewal", FACT_SALE },
		{ "refund", FACT_REFUND }, { "partial_refund", FACT_REFUND },
		{ "dispute", FACT_DISPUTE },
		{ "dispute_won", FACT_DISPUTE_WON },
		{ "cancellation", FACT_CANCELLATION },
		{ "subscription_updated", FACT_UPDATED },
		{ "subscription_ended", FACT_ENDED },
		{ "subscription_restarted", FACT_RESTARTED },
		{ "test_ping", FACT_UNKNOWN } };
	struct sample_opts o = { .now = 1772613506,
		.nonce = STR("00112233445566778899aabbccddeeff") };
	size_t n = 0;
	test_group("sample");
	arena_reset(a);
	for (const struct platform_sample *s = gumroad->samples;
	     s->event != NULL; s++, n++) {
		struct fact f = decode(a, sample(a, s->event, &o));
		int ping = strcmp(s->event, "test_ping") == 0;
		OK(strcmp(want[n].event, s->event) == 0 &&
			f.kind == want[n].kind &&
			f.status == (ping ? FACT_TEST : FACT_APPLIED),
		    "%s: kind and status", s->event);
		OK(f.n_warnings == 0, "%s: no warnings", s->event);
		OK(f.test && f.subscription.n == 24, "%s: marked as a test",
		    s->event);
	}
	OK(n == sizeof(want) / sizeof(want[0]), "all of them");
}

static void
test_sample_sets(struct arena *a)
{
	struct str keys[] = { STR("url_params[user_id]"), STR("email"),
		STR("variants[Tier]"), STR("sale_id"),
		STR("custom_fields[a%5Bb%5D]") };
	struct str values[] = { STR("4 2&\xC3\xA9"), STR("a+b@example.com"),
		STR("Agency"), STR("S=="), STR("[x]") };
	struct sample_opts o = { .now = 1772613506,
		.nonce = STR("0011223344556677") };
	test_group("sample sets");
	arena_reset(a);
	struct fact plain = decode(a, sample(a, "sale", &o));
	OK(plain.sold_at == o.now - 10 && plain.sale.n == 24 &&
		!str_eq(plain.sale, plain.subscription),
	    "fresh ids, now");
	struct sample_opts other = o;
	other.nonce = STR("0011223344556678");
	OK(!str_eq(plain.sale, decode(a, sample(a, "sale", &other)).sale),
	    "another nonce, another id");
	o.keys = keys;
	o.values = values;
	o.n_sets = sizeof(keys) / sizeof(keys[0]);
	struct str body = sample(a, "refund", &o);
	OK(strstr(str_z(a, body),
	       "&url_params%5Buser_id%5D=4%202%26%C3%A9&"
	       "custom_fields%5Ba%255Bb%255D%5D=%5Bx%5D&resource_name=") !=
		NULL,
	    "escaped as Gumroad does, before resource_name");
	struct fact f = decode(a, body);
	IS(f.user_ref, "4 2&\xC3\xA9", "user_ref");
	IS(f.email, "a+b@example.com", "email");
	IS(f.tier, "Agency", "tier");
	IS(f.sale, "S==", "sale");
	OK(f.refunded && f.kind == FACT_REFUND, "refunded");
	struct str ids[] = { STR("purchase_ids[]"), STR("purchase_ids[]"),
		STR("subscription_id") };
	struct str two[] = { STR("A"), STR("B"), STR("SUB") };
	o = (struct sample_opts){ .keys = ids,
		.values = two,
		.n_sets = 3,
		.now = o.now,
		.nonce = o.nonce };
	f = decode(a, sample(a, "cancellation", &o));
	IS(f.subject, "subscription:SUB", "the given subscription");
	OK(f.cancelled_at == time_add_months(o.now, 1), "a month paid");
	json_t *j = gumroad->describe(gumroad, &f);
	json_t *list = json_object_get(j, "purchase_ids");
	OK(json_array_size(list) == 2 &&
		strcmp(json_string_value(json_array_get(list, 1)), "B") == 0,
	    "both elements, in order");
	json_decref(j);
	o.n_sets = 1;
	o.keys = &(struct str){ "", 0 };
	struct str none;
	struct err e;
	OK(gumroad->sample(gumroad, gumroad->samples, &o, a, &none, &e) == -1 &&
		e.code == ERR_USAGE,
	    "a key without a name");
}

int
main(void)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	crypto_init(NULL);
	test_folders(a);
	test_whole_fact(a);
	test_dedupe(a);
	test_large(a);
	test_verify();
	test_sample_pairs(a);
	test_samples(a);
	test_sample_sets(a);
	arena_free(a);
	return test_end();
}

/* Gank's list of members: what is asked, what the answers mean, and what is
 * stored of an entry. */

#include "test.h"

#include "base/json.h"
#include "platform/platform.h"

enum { ARENA = 4 << 20 };

static struct arena *arena;
static const struct platform *const p = &platform_gank;

#define ENTRY \
	"\"supporter_user_id\":\"u1\",\"supporter_nickname\":\"Ann\"," \
	"\"supporter_avatar\":\"https://img.example/a\"," \
	"\"membership_setting_id\":\"s1\"," \
	"\"subscription_start\":\"2026-01-31T10:00:00.123Z\"," \
	"\"subscription_type_latest\":\"RECURRING\"," \
	"\"subscription_period\":1,\"latest_membership_detail_id\":\"d1\"," \
	"\"latest_membership_detail_month\":1"

static void
test_request(void)
{
	struct platform_request r;
	struct err e = { 0 };
	const struct platform_question q = { .what = ASK_MEMBERS, .number = 3 };
	test_group("request");
	OK(p->api->request(&q, arena, &r, &e) == 0, "%s", e.text);
	IS(str_from(r.path),
	    "/payment/creator/subscribers?active=true&page=3&per_page=100",
	    "path");
	OK(strcmp(r.method, "GET") == 0 && r.body.n == 0, "method");
	OK(p->api->asks == 1U << ASK_MEMBERS, "nothing else is asked");
}

static void
test_judge(void)
{
	static const struct {
		long status;
		const char *body;
		enum platform_said said;
	} cases[] = {
		{ 200, "{\"data\":[],\"total\":0}", SAID_FINE },
		{ 200, "{\"data\":[{}],\"total\":7,\"more\":1}", SAID_FINE },
		{ 200, "{\"data\":{},\"total\":0}", SAID_BROKEN },
		{ 200, "{\"data\":[],\"total\":\"0\"}", SAID_BROKEN },
		{ 200, "{\"data\":[],\"total\":-1}", SAID_BROKEN },
		{ 200, "{\"data\":[]}", SAID_BROKEN },
		{ 200, "{\"total\":0}", SAID_BROKEN },
		{ 200, NULL, SAID_BROKEN },
		{ 201, "{\"data\":[],\"total\":0}", SAID_BROKEN },
		{ 404, "{}", SAID_BROKEN },
		{ 401, "{}", SAID_TOKEN },
		{ 401, NULL, SAID_TOKEN },
		{ 403, "{}", SAID_TOKEN },
		{ 403, NULL, SAID_WAIT },
		{ 408, NULL, SAID_WAIT },
		{ 429, "{}", SAID_WAIT },
		{ 502, NULL, SAID_WAIT },
	};
	const struct platform_question q = { .what = ASK_MEMBERS };
	test_group("judge");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct platform_answer a;
		json_t *body = cases[i].body == NULL
		    ? NULL
		    : json_loads(cases[i].body, 0, NULL);
		OK(p->api->judge(&q, cases[i].status, STR(""), body, &a) ==
			cases[i].said,
		    "%ld, case %zu", cases[i].status, i);
		OK(cases[i].said != SAID_FINE ||
			(json_is_array(a.objects) && a.total >= 0),
		    "objects and total");
		json_decref(body);
	}
}

/* The object as it is stored; creator NULL: not known. */
static struct str
stored(const char *object, const char *creator)
{
	const struct platform_known known = { .account_id = str_from(creator) };
	json_t *o = json_loads(object, 0, NULL);
	json_t *reduced = p->api->reduce(STR(PLATFORM_SUBSCRIBER), o);
	OK(p->api->know(STR(PLATFORM_SUBSCRIBER), reduced, o, &known) == 0,
	    "know");
	json_t *again = p->api->reduce(STR(PLATFORM_SUBSCRIBER), reduced);
	OK(json_equal(reduced, again), "reduced once more: the same");
	char *text = json_dumps(reduced, JSON_COMPACT | JSON_SORT_KEYS);
	struct str out = str_copy(arena, str_from(text));
	free(text);
	json_decref(again);
	json_decref(reduced);
	json_decref(o);
	return out;
}

static void
read_it(struct str body, struct fact *f)
{
	struct err e = { 0 };
	OK(platform_decode(
	       p, STR(PLATFORM_SUBSCRIBER), body, NULL, arena, f, &e) == 0,
	    "decode %s", e.text);
}

static void
test_entry(void)
{
	struct fact f;
	struct str body = stored("{" ENTRY ",\"subscription_end\":"
				 "\"2026-02-28T10:00:00Z\"}",
	    "c1");
	test_group("entry");
	IS(body,
	    "{\"creator_user_id\":\"c1\",\"event\":\"subscriber\","
	    "\"membership_setting_id\":\"s1\",\"subscription_end\":"
	    "\"2026-02-28T10:00:00Z\",\"subscription_start\":"
	    "\"2026-01-31T10:00:00.123Z\",\"supporter_user_id\":\"u1\"}",
	    "no nickname, no picture");
	read_it(body, &f);
	OK(f.status == FACT_APPLIED && f.kind == FACT_MEMBER &&
		f.sale.p == NULL && f.subscription.p == NULL,
	    "kind");
	IS(f.kind_name, PLATFORM_SUBSCRIBER, "word");
	IS(f.buyer, "u1", "payer");
	IS(f.owner, "c1", "creator");
	IS(f.product_id, "s1", "setting");
	IS(f.subject, "membership:c1:u1:", "subject");
	IS(f.entries, "membership:c1:u1:", "entries");
	OK(f.sold_at == 1769853600 && f.ends_at == 1772272800, "times");
	read_it(stored("{" ENTRY ",\"subscription_end\":null}", NULL), &f);
	OK(f.status == FACT_APPLIED && f.ends_at == FACT_NO_TIME, "no end");
	IS(f.subject, "membership::u1:", "no creator");
}

static void
test_odd(void)
{
	static const char *const bodies[] = {
		"{\"subscription_end\":\"2026-02-28T10:00:00Z\"}",
		"{" ENTRY ",\"subscription_end\":\"tomorrow\"}",
		"{" ENTRY ",\"subscription_end\":\"\"}",
		"{" ENTRY ",\"subscription_end\":1772272800}",
		"{\"supporter_user_id\":\"u\\n1\"}",
		"{\"supporter_user_id\":\"\"}",
		"{\"supporter_user_id\":\"u1\",\"membership_setting_id\":7}",
		"{\"supporter_user_id\":\"u1\",\"subscription_start\":{}}",
	};
	struct fact f;
	test_group("odd");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		read_it(stored(bodies[i], "c1"), &f);
		OK(f.status == FACT_KEPT && f.reason != NULL, "%s", bodies[i]);
	}
}

static void
test_id(void)
{
	json_t *good = json_loads("{" ENTRY "}", 0, NULL);
	json_t *bad = json_loads("{\"supporter_user_id\":17}", 0, NULL);
	test_group("id");
	IS(p->api->id(good), "u1", "the payer's");
	OK(p->api->id(bad).p == NULL && p->api->id(NULL).p == NULL, "none");
	json_decref(good);
	json_decref(bad);
}

static void
test_erased(void)
{
	const struct redact_opts opts = { .pseudonym = STR("nobody") };
	struct redacted once, again;
	struct fact f;
	struct err e = { 0 };
	struct str kind = STR(PLATFORM_SUBSCRIBER);
	struct str body = stored(
	    "{" ENTRY ",\"subscription_end\":\"2026-02-28T10:00:00Z\"}", "c1");
	test_group("erased");
	OK(platform_redact(p, kind, body, &opts, arena, &once, &e) == 0 &&
		platform_redact(p, kind, once.body, &opts, arena, &again, &e) ==
		    0 &&
		str_eq(once.body, again.body),
	    "once more changes nothing");
	read_it(once.body, &f);
	OK(f.status == FACT_APPLIED && f.ends_at == 1772272800, "same facts");
	IS(f.buyer, "nobody", "no person");
}

/* The payer's memberships begin with the subject of the entries. */
static void
test_entries(void)
{
	static const char body[] =
	    "{\"event\":\"USER_MEMBERSHIP.TX_SUCCEED\",\"data\":{\"human_id\":"
	    "\"UM-1\",\"payment_status\":\"SUCCEED\",\"usecase_data\":{"
	    "\"data\":{\"billing_period\":1,\"creator_user_id\":\"c1\","
	    "\"membership_title\":\"Fan\",\"subscriber_user_id\":\"u1\"}}}}";
	struct fact f;
	struct err e = { 0 };
	test_group("entries");
	OK(p->decode(p, str_from(body), NULL, arena, &f, &e) == 0, "%s",
	    e.text);
	IS(f.entries, "membership:c1:u1:", "entries");
	IS(f.subject, "membership:c1:u1:Fan", "subject");
	OK(str_starts(f.subject, str_from(p->api->owner_behind)), "owner");
}

int
main(void)
{
	arena = arena_new(ARENA);
	if (arena == NULL)
		return 1;
	test_request();
	test_judge();
	test_entry();
	test_odd();
	test_id();
	test_erased();
	test_entries();
	arena_free(arena);
	return test_end();
}

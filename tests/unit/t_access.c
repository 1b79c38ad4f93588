#include "test.h"

#include "base/time.h"
#include "access/access.h"

/* Who has what, and when: rows in, the access object out. */

enum { DAY = 86400, GONE = -1 };

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}
#define T0 1772000000 /* 2026-02-25T06:13:20Z */

static const struct str reads[] = { NAME("dm.read"), NAME("dm.bulk") };
static const struct str posts[] = { NAME("dm.bulk"), NAME("post") };
static const struct tier tiers[] = {
	{ .name = NAME("basic"), .rank = 5 },
	{ .name = NAME("pro"), .rank = 10, .allows = reads, .n_allows = 2 },
	{ .name = NAME("twin"), .rank = 10, .allows = posts, .n_allows = 2 },
	{ .name = NAME("top"), .rank = 20 },
};
static const struct tier_rules rules = { .tiers = tiers, .n_tiers = 4 };

static struct store *store;
static struct arena *arena;
static int n_rows;

/* Times are days after T0; GONE paid or until: for ever. */
static struct store_purchase
row(const char *user, const char *tier, int since, int paid, int until)
{
	char *sale = arena_printf(arena, "s%02d", n_rows++);
	return (struct store_purchase){ .platform = STR("gumroad"),
		.sale = str_from(sale),
		.product = STR("app"),
		.user_ref = str_from(user),
		.tier = str_from(tier),
		.price = STORE_NULL,
		.quantity = 1,
		.sold_at = T0 + since * DAY,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.refunded_amount = STORE_NULL,
		.revoked_at = STORE_NULL,
		.confirmed_at = STORE_NULL,
		.since = T0 + since * DAY,
		.paid_until = paid == GONE ? STORE_NULL : T0 + paid * DAY,
		.until = until == GONE ? STORE_NULL : T0 + until * DAY,
		.subject = str_from(sale) };
}

static void
put(const struct store_purchase *p)
{
	struct err e = { 0 };
	if (store_purchase_put(store, p, &e) != 0)
		OK(0, "put: %s", e.text);
}

static void
add(const char *user, const char *tier, int since, int paid, int until)
{
	struct store_purchase p = row(user, tier, since, paid, until);
	put(&p);
}

static struct access
ask(enum store_by by, const char *value, int64_t now)
{
	struct access_key key;
	struct access x = { 0 };
	struct err e = { 0 };
	if (access_key_parse(by, str_from(value), arena, &key, &e) != 0 ||
	    access_lookup(store, &rules, &key, now, arena, &x, &e) != 0)
		OK(0, "%s: %s", value, e.text);
	return x;
}

/* "tier status since until" of a user, in days after T0. */
static const char *
seen(const char *user, int64_t now)
{
	struct access x = ask(STORE_BY_USER, user, now);
	if (x.tier.p == NULL)
		return access_status(&x);
	return x.until == STORE_NULL
	    ? arena_printf(arena, "%.*s %s %d ever", STR_ARG(x.tier),
		  access_status(&x), (int)((x.since - T0) / DAY))
	    : arena_printf(arena, "%.*s %s %d %d", STR_ARG(x.tier),
		  access_status(&x), (int)((x.since - T0) / DAY),
		  (int)((x.until - T0) / DAY));
}

#define SEEN(user, now, want, what) IS(str_from(seen(user, now)), want, what)

static void
test_windows(void)
{
	test_group("windows");
	add("one", "pro", 0, 30, 37);
	SEEN("one", T0 - 1, "none", "a second before");
	SEEN("one", T0, "pro active 0 37", "the first second");
	SEEN("one", T0 + 30 * DAY - 1, "pro active 0 37", "the last paid");
	SEEN("one", T0 + 30 * DAY, "pro grace 0 37", "grace");
	SEEN("one", T0 + 37 * DAY - 1, "pro grace 0 37", "its last second");
	SEEN("one", T0 + 37 * DAY, "none", "over");
	SEEN("nobody", T0, "none", "never seen");
	add("ever", "pro", 0, GONE, GONE);
	SEEN("ever", T0 + 40000LL * DAY, "pro active 0 ever", "for ever");
	struct store_purchase p = row("nothing", NULL, 0, 0, 0);
	p.since = p.paid_until = p.until = STORE_NULL;
	put(&p);
	SEEN("nothing", T0, "none", "a row that gives nothing");
}

static void
test_order(void)
{
	test_group("order");
	add("order", "pro", 20, GONE, GONE);
	add("order", "pro", 10, GONE, GONE);
	struct store_purchase p = row("order", "pro", 10, GONE, GONE);
	p.sale = p.subject = STR("s00x");
	put(&p);
	p.platform = STR("gank");
	put(&p);
	struct access x = ask(STORE_BY_USER, "order", T0 + 30 * DAY);
	OK(x.n_grants == 4 && str_eq_z(x.grants[0].row.platform, "gank") &&
		str_eq_z(x.grants[1].row.sale, "s00x") &&
		x.grants[2].row.since == T0 + 10 * DAY &&
		x.grants[3].row.since == T0 + 20 * DAY,
	    "by since, platform and sale");
}

static void
test_since(void)
{
	test_group("since and until");
	add("renewed", "pro", 0, 30, 31);
	add("renewed", "pro", 31, 61, 61);
	add("renewed", "pro", 61, 91, 98);
	SEEN("renewed", T0 + 70 * DAY, "pro active 0 98", "over renewals");
	add("gap", "pro", 0, 30, 37);
	add("gap", "pro", 38, 68, 75);
	SEEN("gap", T0 + 40 * DAY, "pro active 38 75", "a gap ends it");
	add("changed", "basic", 0, 30, 30);
	add("changed", "pro", 30, 60, 67);
	SEEN("changed", T0 + 40 * DAY, "pro active 30 67", "another tier");
	add("ahead", "pro", 0, 30, 30);
	add("ahead", "pro", 30, 60, 67);
	SEEN("ahead", T0 + 5 * DAY, "pro active 0 67", "paid ahead");
	add("both", "pro", 0, 30, 37);
	add("both", "pro", 10, 100, 107);
	SEEN("both", T0 + 35 * DAY, "pro active 0 107",
	    "one in grace, one paid: active");
	add("overlap", "pro", 0, GONE, GONE);
	add("overlap", "pro", 10, 100, 107);
	SEEN("overlap", T0 + 20 * DAY, "pro active 0 ever", "one for ever");
}

static void
test_tiers(void)
{
	test_group("tiers");
	add("two", "basic", 0, GONE, GONE);
	add("two", "top", 0, 30, 37);
	SEEN("two", T0 + DAY, "top active 0 37", "the highest rank");
	SEEN("two", T0 + 31 * DAY, "top grace 0 37", "also in its grace");
	SEEN("two", T0 + 40 * DAY, "basic active 0 ever", "then the other");
	add("tie", "twin", 0, 30, 37);
	add("tie", "pro", 0, 30, 37);
	SEEN("tie", T0, "pro active 0 37", "equal ranks: first in the file");
	struct access x = ask(STORE_BY_USER, "tie", T0);
	OK(x.n_allows == 3 && access_allows(&x, STR("dm.read")) &&
		access_allows(&x, STR("dm.bulk")) &&
		access_allows(&x, STR("post")),
	    "allows of all tiers held, each once");
	OK(!access_allows(&x, STR("dm.rea")) && !access_allows(&x, STR("")),
	    "and no others");
	OK(access_allows_tier(&x, &rules, STR("twin")) &&
		access_allows_tier(&x, &rules, STR("basic")) &&
		!access_allows_tier(&x, &rules, STR("top")),
	    "its rank or higher");
	add("own", "Studio", 0, 30, 37);
	x = ask(STORE_BY_USER, "own", T0);
	IS(x.tier, "Studio", "a tier without a section");
	OK(x.rank == 0 && x.n_allows == 0, "rank 0, allows nothing");
	OK(access_allows_tier(&x, &rules, STR("Studio")) &&
		!access_allows_tier(&x, &rules, STR("studio")) &&
		!access_allows_tier(&x, &rules, STR("basic")) &&
		!access_allows_tier(&x, &rules, STR("Other")),
	    "passes a rule of exactly that name");
	add("own", "basic", 0, 30, 37);
	SEEN("own", T0, "basic active 0 37", "a configured one is higher");
	x = ask(STORE_BY_USER, "own", T0);
	OK(access_allows_tier(&x, &rules, STR("Studio")) &&
		access_allows_tier(&x, &rules, STR("basic")),
	    "both still pass");
	x = ask(STORE_BY_USER, "nobody", T0);
	OK(!access_allows_tier(&x, &rules, STR("basic")) &&
		!access_allows_tier(&x, &rules, STR("")) &&
		!access_allows(&x, STR("post")),
	    "nobody passes nothing");
}

static void
test_identifiers(void)
{
	test_group("identifiers");
	struct store_purchase p = row("u1", "pro", 0, GONE, GONE);
	p.email = STR("a@example.org");
	p.buyer = STR("b1");
	p.license = STR("L-1");
	put(&p);
	p = row("u2", "top", 0, GONE, GONE);
	p.email = STR("a@example.org");
	put(&p);
	p = row("a@example.org", "twin", 0, GONE, GONE);
	put(&p);
	SEEN("u1", T0, "pro active 0 ever", "not by a shared e-mail");
	SEEN("u2", T0, "top active 0 ever", "nor the other");
	SEEN("U1", T0, "none", "case matters");
	SEEN("a@example.org", T0, "twin active 0 ever", "an id like an e-mail");
	struct access x = ask(STORE_BY_EMAIL, " A@Example.ORG ", T0);
	IS(x.tier, "top", "by e-mail, folded");
	OK(x.n_grants == 2, "what carries it");
	IS(ask(STORE_BY_BUYER, "gumroad:b1", T0).tier, "pro", "by buyer");
	OK(ask(STORE_BY_BUYER, "gank:b1", T0).tier.p == NULL,
	    "of another platform");
	IS(ask(STORE_BY_LICENSE, "L-1", T0).tier, "pro", "by licence");
	IS(ask(STORE_BY_LICENSE, "\tl-1 ", T0).tier, "pro", "as it was typed");
	OK(ask(STORE_BY_USER, "L-1", T0).tier.p == NULL, "and no user");
	struct access_key key;
	char large[FACT_ID_MAX + 2];
	memset(large, 'x', sizeof(large));
	large[FACT_ID_MAX + 1] = '\0';
	static const struct {
		enum store_by by;
		const char *value;
	} bad[] = { { STORE_BY_USER, "" }, { STORE_BY_USER, "a\nb" },
		{ STORE_BY_USER, "\xFF" }, { STORE_BY_EMAIL, "nobody" },
		{ STORE_BY_BUYER, "b1" }, { STORE_BY_BUYER, "gumroad:" },
		{ STORE_BY_BUYER, "other:b1" }, { STORE_BY_LICENSE, "  " } };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		OK(access_key_parse(bad[i].by, str_from(bad[i].value), arena,
		       &key, &e) != 0 &&
			e.code == ERR_INPUT,
		    "refused: %s", e.text);
	}
	OK(access_key_parse(
	       STORE_BY_USER, str_from(large), arena, &key, NULL) != 0,
	    "too long");
}

static void
check_json(const char *user, int64_t now, int allowed, const char *want,
    const char *what)
{
	struct access_key key;
	struct access x;
	struct buf b;
	struct err e = { 0 };
	buf_init(&b, 65536);
	access_key_parse(STORE_BY_USER, str_from(user), arena, &key, &e);
	access_lookup(store, &rules, &key, now, arena, &x, &e);
	access_json(&b, &x, &key, allowed);
	IS(buf_str(&b), want, what);
	buf_free(&b);
}

static void
test_object(void)
{
	test_group("object");
	struct store_purchase p = row("js\"on", "twin", 0, 30, 37);
	p.sale = STR("S==");
	p.subscription = STR("SUB");
	p.variant = STR("Twin");
	p.quantity = 3;
	put(&p);
	check_json("js\"on", T0, 1,
	    "{\"key\":{\"user\":\"js\\\"on\"},\"tier\":\"twin\",\"rank\":10,"
	    "\"allows\":[\"dm.bulk\",\"post\"],\"status\":\"active\","
	    "\"since\":\"2026-02-25T06:13:20Z\","
	    "\"until\":\"2026-04-03T06:13:20Z\",\"grants\":[{\"tier\":\"twin\","
	    "\"platform\":\"gumroad\",\"product\":\"app\",\"variant\":\"Twin\","
	    "\"sale\":\"S==\",\"subscription\":\"SUB\",\"status\":\"active\","
	    "\"since\":\"2026-02-25T06:13:20Z\","
	    "\"paid_until\":\"2026-03-27T06:13:20Z\","
	    "\"until\":\"2026-04-03T06:13:20Z\",\"quantity\":3,"
	    "\"confirmed\":null,\"test\":false}],"
	    "\"change\":0,\"allowed\":true}",
	    "a member");
	p = row("forever", "Own", 0, GONE, GONE);
	p.sale = STR("F");
	p.quantity = STORE_NULL;
	p.test = 1;
	put(&p);
	check_json("forever", T0, -1,
	    "{\"key\":{\"user\":\"forever\"},\"tier\":\"Own\",\"rank\":0,"
	    "\"allows\":[],\"status\":\"active\","
	    "\"since\":\"2026-02-25T06:13:20Z\",\"until\":null,"
	    "\"grants\":[{\"tier\":\"Own\",\"platform\":\"gumroad\","
	    "\"product\":\"app\",\"variant\":null,\"sale\":\"F\","
	    "\"subscription\":null,\"status\":\"active\","
	    "\"since\":\"2026-02-25T06:13:20Z\",\"paid_until\":null,"
	    "\"until\":null,\"quantity\":null,\"confirmed\":null,"
	    "\"test\":true}],\"change\":0}",
	    "for ever");
	check_json("stranger", T0, 0,
	    "{\"key\":{\"user\":\"stranger\"},\"tier\":null,\"rank\":0,"
	    "\"allows\":[],\"status\":\"none\",\"since\":null,\"until\":null,"
	    "\"grants\":[],\"change\":0,\"allowed\":false}",
	    "somebody never seen");
}

static void
check_confirmed(
    enum tier_confirm how, int64_t at, const char *platform, int want)
{
	struct tier_rules asked = rules;
	struct store_purchase p = row("confirmed", "pro", 0, GONE, GONE);
	struct rows r = { .v = &p, .n = 1 };
	struct access x;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		asked.confirm[i] = how;
	p.confirmed_at = at;
	p.platform = str_from(platform);
	OK(access_of(&r, &asked, T0, arena, &x, NULL) == 0 && x.n_grants == 1 &&
		x.grants[0].confirmed == want,
	    "%s, %d: %d", platform, (int)how, want);
}

static void
test_confirmed(void)
{
	test_group("confirmed");
	check_confirmed(TIER_CONFIRM_OFF, STORE_NULL, "gumroad", -1);
	check_confirmed(TIER_CONFIRM_AFTER, STORE_NULL, "gumroad", 0);
	check_confirmed(TIER_CONFIRM_BEFORE, T0, "gumroad", 1);
	check_confirmed(TIER_CONFIRM_OFF, T0, "gumroad", 1);
	check_confirmed(TIER_CONFIRM_BEFORE, STORE_NULL, "manual", -1);
}

int
main(void)
{
	struct err e = { 0 };
	arena = arena_new(64 * 1024 * 1024);
	if (!OK(store_open(":memory:", STORE_CREATE, &store, &e) == 0,
		"open %s", e.text))
		return test_end();
	test_windows();
	test_order();
	test_confirmed();
	test_since();
	test_tiers();
	test_identifiers();
	test_object();
	store_close(store);
	arena_free(arena);
	return test_end();
}

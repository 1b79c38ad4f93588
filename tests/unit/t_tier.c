#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "config/tier.h"

static struct arena *a;

static struct tier_grant
parsed(const char *line)
{
	struct tier_grant g = { 0 };
	struct err e = { 0 };
	if (tier_grant_parse(a, str_from(line), &g, &e) != 0)
		OK(0, "%s: %s", line, e.text);
	return g;
}

static void
refused(const char *line, const char *want)
{
	struct tier_grant g;
	struct err e = { 0 };
	OK(tier_grant_parse(a, str_from(line), &g, &e) == -1 &&
		e.code == ERR_CONFIG,
	    "refused");
	IS(str_from(e.text), want, "the reason");
}

static void
test_parse(void)
{
	test_group("parse");
	struct tier_grant g = parsed("gumroad/superdms");
	IS(g.platform, "gumroad", "platform");
	IS(g.product, "superdms", "product");
	OK(g.variant.p == NULL, "no variant");
	g = parsed("GANK/goods/A%2fB %2FC%252F 100%");
	IS(g.platform, "GANK", "as written");
	IS(g.variant, "A/B /C%2F 100%", "escapes undone once");
	g = parsed("g*/x/%2");
	IS(g.variant, "%2", "not an escape");
	refused("superdms",
	    "a grant without a slash; write platform/product or "
	    "platform/product/variant");
	refused("",
	    "a grant without a slash; write platform/product or "
	    "platform/product/variant");
	refused("gumroad/", "a grant with an empty part; write * for anything");
	refused("/x", "a grant with an empty part; write * for anything");
	refused(
	    "gank/goods/", "a grant with an empty part; write * for anything");
	refused("gank/goods/a/b",
	    "a grant of more than three parts; write %2F for a slash inside a "
	    "name");
	refused("nowhere/x",
	    "no platform 'nowhere'; a grant begins with gumroad/ or gank/ or "
	    "kofi/");
	refused("gumroad/a\nb",
	    "a grant with control characters; write ? for each");
	char *big = arena_alloc(a, 2000);
	memset(big, 'x', 1999);
	refused(big, "a grant of more than 1024 bytes; shorten it with *");
}

/* ---- matching ----------------------------------------------------------- */

static struct fact
gumroad_sale(struct str variant)
{
	struct fact f = { .product = STR("superdms"),
		.product_name = STR("Super DMs"),
		.names = { STR("superdms"), STR("pncil"), STR("id==/x"),
		    STR("Super DMs") },
		.n_names = 4 };
	if (variant.p != NULL) {
		f.variants[0] = variant;
		f.n_variants = 1;
		f.variant = variant;
		f.tier = variant;
	}
	return f;
}

static struct fact
gank_payment(const char *kind, const char *title, const char *id)
{
	return (struct fact){ .product = str_from(kind),
		.product_name = str_from(title),
		.names = { str_from(title), str_from(id) },
		.n_names = 2,
		.tier = str_from(title) };
}

static int
fits_with(const char *grant, const char *platform, const struct fact *f,
    struct str variant)
{
	struct tier_grant g = parsed(grant);
	struct tier t = { .name = STR("t"), .grants = &g, .n_grants = 1 };
	struct tier_rules r = { .tiers = &t, .n_tiers = 1 };
	return tier_match(&r, platform_find(str_from(platform)), f, variant) ==
	    &t;
}

static int
fits(const char *grant, const char *platform, const struct fact *f)
{
	return fits_with(grant, platform, f, STR_NONE);
}

static void
test_gumroad(void)
{
	struct fact f = gumroad_sale(STR("Influencer (Yearly)"));
	test_group("gumroad");
	static const char *const yes[] = { "gumroad/superdms", "gumroad/pncil",
		"gumroad/super dms", "gumroad/id==%2Fx", "gumroad/*",
		"GumRoad/SUPERDMS/influencer*", "gumroad/*/*",
		"gumroad/superdm?/Influencer (Yearly)", "*/superdms" };
	static const char *const no[] = { "gumroad/superdm", "gank/superdms",
		"gumroad/superdms/Influencer", "gumroad/superdms/superdms",
		"gumroad/other/Influencer*", "gumroad/[s]uperdms" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		OK(fits(yes[i], "gumroad", &f), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		OK(!fits(no[i], "gumroad", &f), "not %s", no[i]);
	f.variants[1] = STR("Large");
	f.n_variants = 2;
	f.variant = STR("Influencer (Yearly), Large");
	OK(fits("gumroad/superdms/large", "gumroad", &f), "any variant");
	OK(fits("gumroad/superdms/Influencer (Yearly), Large", "gumroad", &f),
	    "all variants as the column has them");
	OK(fits_with("gumroad/*/Pro", "gumroad", &f, STR("Pro")) &&
		!fits_with("gumroad/*/Large", "gumroad", &f, STR("Pro")),
	    "a changed plan stands in for the variants");
	OK(fits_with("gumroad/superdms", "gumroad", &f, STR("Pro")),
	    "a changed plan of a product granted as a whole");
	f = gumroad_sale(STR_NONE);
	OK(fits("gumroad/superdms", "gumroad", &f) &&
		!fits("gumroad/superdms/Influencer", "gumroad", &f),
	    "no variant");
	f = (struct fact){ 0 };
	OK(!fits("gumroad/*", "gumroad", &f) &&
		!fits("gumroad/*/*", "gumroad", &f),
	    "nothing known of the product: nothing granted");
}

static void
test_gank(void)
{
	struct fact m = gank_payment("membership", "Gold/Silver <3", "77aa");
	struct fact g = gank_payment("goods", "Brush pack", "4ae9d5c2-1");
	test_group("gank");
	OK(fits("gank/membership/Gold%2FSilver*", "gank", &m), "title");
	OK(fits("gank/MEMBERSHIP/77AA", "gank", &m), "id");
	OK(fits("gank/membership", "gank", &m), "any membership");
	OK(fits("gank/*/*", "gank", &m) && fits("gank/*", "gank", &g), "any");
	OK(!fits("gank/goods/Gold*", "gank", &m) &&
		!fits("gank/goods", "gank", &m) &&
		!fits("gank/membership", "gank", &g),
	    "memberships and goods are apart");
	OK(fits("gank/goods/4ae9d5c2-*", "gank", &g) &&
		fits("gank/goods/brush?pack", "gank", &g),
	    "goods by id and title");
	OK(!fits("gumroad/goods/brush*", "gank", &g), "another platform");
}

/* ---- choosing ----------------------------------------------------------- */

static void
test_rank(void)
{
	struct tier_grant all = parsed("gumroad/superdms");
	struct tier_grant pro = parsed("gumroad/superdms/Pro");
	const struct platform *p = platform_find(STR("gumroad"));
	const struct tier tiers[] = {
		{ .name = STR("low"),
		    .rank = -5,
		    .grants = &all,
		    .n_grants = 1 },
		{ .name = STR("one"),
		    .rank = 10,
		    .grants = &all,
		    .n_grants = 1 },
		{ .name = STR("two"),
		    .rank = 10,
		    .grants = &all,
		    .n_grants = 1 },
		{ .name = STR("top"), .rank = 90 },
		{ .name = STR("pro"),
		    .rank = 20,
		    .grants = &pro,
		    .n_grants = 1 },
	};
	struct tier_rules r = { .tiers = tiers, .n_tiers = 5 };
	struct fact f = gumroad_sale(STR("Basic"));
	test_group("rank");
	OK(tier_match(&r, p, &f, STR_NONE) == &tiers[1],
	    "highest, of equal ones the first");
	OK(tier_match(&r, p, &f, STR("PRO")) == &tiers[4], "a changed plan");
	IS(tier_name(&r, p, &f), "one", "name");
	r.n_tiers = 1;
	IS(tier_name(&r, p, &f), "low", "a negative rank is a tier too");
	OK(tier_find(&r, STR("low")) == &tiers[0] &&
		tier_find(&r, STR("Low")) == NULL &&
		tier_find(&r, STR("pro")) == NULL,
	    "find");
	r.n_tiers = 0;
	IS(tier_name(&r, p, &f), "Basic", "the platform's own name");
	f = gumroad_sale(STR_NONE);
	IS(tier_name(&r, p, &f), "superdms", "the product's");
	f = gank_payment("membership", "Gold", "1");
	IS(tier_name(&r, platform_find(STR("gank")), &f), "Gold", "title");
	f = (struct fact){ 0 };
	OK(tier_name(&r, p, &f).p == NULL, "nothing known");
}

static void
line_is(struct str product, struct str variant, const char *want)
{
	struct buf b;
	buf_init(&b, 1000);
	OK(tier_grant_line(&b, STR("gumroad"), product, variant) == 0, "line");
	IS(buf_str(&b), want, "line");
	struct str line = buf_str(&b);
	struct tier_grant g;
	struct fact f = { .product = product };
	f.variants[0] = variant;
	f.n_variants = 1;
	line = (struct str){ line.p + 1, line.n - 2 };
	OK(tier_grant_parse(a, line, &g, NULL) == 0, "parses");
	OK(fits(str_z(a, line), "gumroad", &f), "grants what it came from");
	buf_free(&b);
}

static void
test_line(void)
{
	struct buf b;
	test_group("line");
	line_is(STR("superdms"), STR_NONE, "'gumroad/superdms'");
	line_is(STR("x"), STR("Gold/Silver 50%"),
	    "'gumroad/x/Gold%2FSilver 50%25'");
	line_is(STR("x"), STR("%2F"), "'gumroad/x/%252F'");
	line_is(STR("x"), STR("Fan's \"${HOME}\" \\o/"),
	    "'gumroad/x/Fan?s ??{HOME}? ?o%2F'");
	line_is(STR("x"), STR("a\033[2J\n\xFF\xE2\x9C\x93"),
	    "'gumroad/x/a?[2J??\xE2\x9C\x93'");
	buf_init(&b, 5);
	OK(tier_grant_line(&b, STR("gank"), STR("goods"), STR("x")) == -1,
	    "no room");
	buf_free(&b);
	buf_init(&b, 100);
	OK(tier_grant_line(&b, STR("gank"), STR_NONE, STR("x")) == -1 &&
		b.n == 0,
	    "no product");
	buf_free(&b);
}

int
main(void)
{
	a = arena_new(1 << 20);
	test_parse();
	test_gumroad();
	test_gank();
	test_rank();
	test_line();
	arena_free(a);
	return test_end();
}

#include "cases.h"

#include "base/json.h"
#include "platform/gumroad/gumroad.h"

/* What platforms say when they are asked: tests/fixtures/readings. */
enum { ARENA = 16 << 20, CASES_AT_LEAST = 35 };

static struct arena *arena;

/* The facts of the fold are the same without the person; once more changes
 * nothing; what is kept stays so. */
static void
check_erased(const struct fact *f, struct str body, const char *name)
{
	const struct platform *p = &platform_gumroad;
	const struct redact_opts all = { .pseudonym = STR("nobody") };
	struct redacted once, again;
	struct fact g;
	struct err e;
	OK(platform_redact(p, f->kind_name, body, &all, arena, &once, &e) ==
		    0 &&
		platform_redact(
		    p, f->kind_name, once.body, &all, arena, &again, &e) == 0 &&
		str_eq(once.body, again.body) &&
		platform_decode(
		    p, f->kind_name, once.body, NULL, arena, &g, &e) == 0,
	    "%s: erased", name);
	OK(g.status == f->status &&
		memmem(once.body.p, once.body.n, "example.com", 11) == NULL &&
		g.email.p == NULL && g.buyer.p == NULL && g.license.p == NULL,
	    "%s: nobody left", name);
	if (f->status == FACT_APPLIED)
		OK(str_eq(g.subject, f->subject) && g.sold_at == f->sold_at &&
			g.price == f->price && g.listed == f->listed &&
			g.refunded_amount == f->refunded_amount &&
			str_eq(g.variant, f->variant) && g.life == f->life,
		    "%s: the same facts", name);
}

static const char sale[] =
    "{\"id\":\"S1\",\"created_at\":\"2026-03-04T09:12:33Z\",\"product_id\":"
    "\"P1\",\"product_name\":\"For ann@example.com\",\"purchase_email\":"
    "\"Ann@Example.com\",\"giftee_email\":\"bob@example.com\","
    "\"is_gift_sender_purchase\":%s}";

static void
redact_one(const char *sender, const char *address, int is_buyer, int found)
{
	const struct platform *p = &platform_gumroad;
	const struct redact_opts one = { .address = str_from(address) };
	struct redacted out;
	struct err e;
	struct str body = str_from(arena_printf(arena, sale, sender));
	OK(platform_redact(
	       p, STR(PLATFORM_READBACK), body, &one, arena, &out, &e) == 0,
	    "%s", address);
	OK(out.is_buyer == is_buyer, "is the buyer: %d", out.is_buyer);
	OK((out.body.p != NULL) == found, "named: %.*s", STR_ARG(out.body));
	OK(!found ||
		memmem(out.body.p, out.body.n, address, strlen(address)) ==
		    NULL,
	    "taken out");
}

static void
test_redact_one(void)
{
	test_group("one address");
	redact_one("false", "ann@example.com", 1, 1);
	redact_one("false", "bob@example.com", 0, 1);
	redact_one("true", "bob@example.com", 1, 1);
	redact_one("true", "ann@example.com", 0, 1);
	redact_one("false", "joann@example.com", 0, 0);
}

/* What is stored of an answer: no address, no card; ours is set after it. */
static void
test_reduce(void)
{
	json_t *whole = json_pack("{ss ss sn s{ss} ss sb sb}", "id", "S1",
	    "street_address", "1 Main Street", "variants", "card", "visual",
	    "**** 4242", "full_name", "Ann", "listed", 1, "disputed", 0);
	json_t *left = gumroad_reduce(STR(PLATFORM_READBACK), whole);
	json_t *want = json_pack("{ss sb}", "id", "S1", "disputed", 0);
	test_group("reduced");
	OK(json_equal(left, want), "a sale");
	json_decref(left);
	left = gumroad_reduce(STR(PLATFORM_SUBSCRIBER), whole);
	OK(json_object_size(left) == 1, "a membership");
	json_decref(left);
	json_decref(whole);
	json_decref(want);
}

int
main(void)
{
	arena = arena_new(ARENA);
	cases_all(
	    &platform_gumroad, "readings", arena, CASES_AT_LEAST, check_erased);
	test_redact_one();
	test_reduce();
	arena_free(arena);
	return test_end();
}

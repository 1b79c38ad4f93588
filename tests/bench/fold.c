/*
 * What folding a subject costs, by the number of its deliveries: from decoded
 * facts, with decoding, and as the writer does it when one more comes, with
 * the log and the tables in memory. Prints microseconds, asserts nothing.
 *
 *	tests/bench/fold
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/time.h"
#include "config/config_names.h"
#include "fold/fold.h"
#include "commit/intake.h"
#include "commit/project.h"
#include "store/store.h"

enum {
	DAY = 86400,
	BODY_MAX = 2048,
	ARENA_MAX = 512 * 1024 * 1024,
	RUN_NS = 300000000, /* how long each figure is measured */
};

static const size_t sizes[] = { 1, 10, 100, 500, 2000 };
static const int64_t first_day = 1000000000;

static const struct tier_grant grants[] = { { { "gumroad", 7 }, { "app", 3 },
    { "Pro", 3 } } };
static const struct tier tiers[] = { { { "pro", 3 }, 10, NULL, 0, grants, 1,
    TIER_PAID, 0 } };

struct subject {
	struct config config;
	struct arena *arena; /* of what follows */
	struct str *bodies;
	struct fact *facts;
	struct fold_delivery *d;
	size_t n;
	struct arena *work; /* reset by every run */
	struct store *store;
};

static int64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A member for years: renewals, and each tenth delivery a cancellation or
 * its undoing. app/modules/purchase/ping_notification.rb of Gumroad and
 * app/modules/subscription/ping_notification.rb */
static struct str
make_body(struct arena *a, size_t i)
{
	char at[TIME_TEXT_MAX];
	time_text(first_day + (int64_t)i * DAY, at);
	if (i % 10 == 9)
		return str_from(arena_printf(a,
		    "subscription_id=SUB&product_id=Prod%%3D%%3D&product_name="
		    "App&user_id=&user_email=ada%%40example.org&"
		    "purchase_ids%%5B%%5D=S0&created_at=2001-09-09T00:00:00Z&"
		    "charge_occurrence_count=&recurrence=monthly&"
		    "free_trial_ends_at=&resource_name=%s=%s",
		    i % 20 == 9 ? "cancellation&cancelled=true&cancelled_at"
				: "subscription_restarted&restarted_at",
		    at));
	return str_from(arena_printf(a,
	    "seller_id=Seller%%3D%%3D&product_id=Prod%%3D%%3D&product_name=App&"
	    "permalink=app&product_permalink=https%%3A%%2F%%2Fada.gumroad.com"
	    "%%2Fl%%2Fapp&short_product_id=abcde&email=ada%%40example.org&"
	    "price=4900&gumroad_fee=490&currency=usd&quantity=1&"
	    "discover_fee_charged=false&can_contact=true&referrer=direct&"
	    "card%%5Bvisual%%5D=%%2A%%2A%%2A%%2A%%204242&card%%5Btype%%5D=visa&"
	    "order_number=%zu&sale_id=S%zu&sale_timestamp=%s&purchaser_id=3443&"
	    "subscription_id=SUB&variants%%5BTier%%5D=Pro&"
	    "%slicense_key=11111111-22222222-33333333-44444444&"
	    "ip_country=Germany&recurrence=monthly&"
	    "is_gift_receiver_purchase=false&refunded=false&resource_name=sale&"
	    "disputed=false&dispute_won=false",
	    i, i, at,
	    i == 0 ? "url_params%5Buser_id%5D=42&"
		   : "is_recurring_charge=true&"));
}

static int
decode(struct subject *s, size_t i, struct arena *a, struct fact *f)
{
	struct decode_opts opts = project_opts(&s->config, &platform_gumroad);
	return platform_gumroad.decode(
	    &platform_gumroad, s->bodies[i], &opts, a, f, NULL);
}

static int
append(struct subject *s, size_t i, int64_t *event)
{
	const struct fact *f = &s->facts[i];
	struct err e = { 0 };
	enum store_added added;
	struct store_event row = { .platform = STR("gumroad"),
		.kind = f->kind_name,
		.delivery = f->delivery,
		.subject = f->subject,
		.sent_at = STORE_NULL,
		.received_at = first_day + (int64_t)i * DAY,
		.body = s->bodies[i],
		.status = STR("applied") };
	return store_event_add(s->store, &row, event, &added, &e);
}

/* All but the last delivery are in the log, and folded. */
static int
fill_store(struct subject *s)
{
	struct err e = { 0 };
	int64_t event;
	struct project_when when = { .at = first_day, .event = STORE_NULL };
	int bad = store_begin(s->store, &e);
	for (size_t i = 0; i + 1 < s->n; i++)
		bad |= append(s, i, &event);
	bad |= project_subject(s->store, &s->config, &platform_gumroad,
	    s->facts[0].subject, NULL, &when, s->work, &e);
	return bad | store_commit(s->store, &e);
}

static int
make_subject(struct subject *s, size_t n)
{
	struct err e = { 0 };
	*s = (struct subject){ .n = n,
		.arena = arena_new(ARENA_MAX),
		.work = arena_new(ARENA_MAX) };
	s->config.rules.tiers = tiers;
	s->config.rules.n_tiers = 1;
	s->config.platforms[platform_index(&platform_gumroad)].reference =
	    STR("user_id");
	s->bodies = arena_alloc(s->arena, n * sizeof(*s->bodies));
	s->facts = arena_alloc(s->arena, n * sizeof(*s->facts));
	s->d = arena_alloc(s->arena, n * sizeof(*s->d));
	if (s->bodies == NULL || s->facts == NULL || s->d == NULL ||
	    store_open(":memory:", STORE_CREATE, &s->store, &e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		s->bodies[i] = make_body(s->arena, i);
		if (decode(s, i, s->arena, &s->facts[i]) != 0 ||
		    s->facts[i].status != FACT_APPLIED)
			return -1;
	}
	return fill_store(s);
}

static void
free_subject(struct subject *s)
{
	store_close(s->store);
	arena_free(s->work);
	arena_free(s->arena);
}

/* ---- what is measured ---- */

static int
fold(struct subject *s, const struct fact *facts)
{
	struct fold_rows rows;
	struct err e = { 0 };
	for (size_t i = 0; i < s->n; i++)
		s->d[i] = (struct fold_delivery){ .fact = &facts[i],
			.sent_at = first_day + (int64_t)i * DAY };
	return fold_subject(&platform_gumroad, facts[0].subject, s->d, s->n,
	    &s->config.rules, s->work, &rows, &e);
}

static int
from_facts(struct subject *s)
{
	return fold(s, s->facts);
}

static int
from_bodies(struct subject *s)
{
	struct fact *facts = arena_alloc(s->work, s->n * sizeof(*facts));
	int bad = facts == NULL;
	for (size_t i = 0; !bad && i < s->n; i++)
		bad = decode(s, i, s->work, &facts[i]);
	return bad ? -1 : fold(s, facts);
}

/* The last delivery comes; then it is as before. */
static int
from_store(struct subject *s)
{
	struct err e = { 0 };
	size_t last = s->n - 1;
	struct project_known known = { .fact = &s->facts[last] };
	int bad = store_begin(s->store, &e) | append(s, last, &known.event);
	struct project_when when = { .at = first_day + (int64_t)last * DAY,
		.event = known.event };
	bad |= project_subject(s->store, &s->config, &platform_gumroad,
	    s->facts[0].subject, &known, &when, s->work, &e);
	store_rollback(s->store);
	return bad;
}

/* Microseconds of one run. */
static double
measure(int (*run)(struct subject *), struct subject *s)
{
	int64_t begun = now_ns(), spent = 0;
	long runs = 0;
	while (spent < RUN_NS) {
		arena_reset(s->work);
		if (run(s) != 0) {
			fprintf(stderr, "fold: it failed\n");
			exit(1);
		}
		runs++;
		spent = now_ns() - begun;
	}
	return (double)spent / 1000 / (double)runs;
}

int
main(void)
{
	crypto_init(NULL);
	printf("%10s %12s %12s %12s\n", "deliveries", "fold us", "+decode us",
	    "+store us");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct subject s;
		if (make_subject(&s, sizes[i]) != 0) {
			fprintf(stderr, "fold: no subject of %zu\n", sizes[i]);
			return 1;
		}
		double facts = measure(from_facts, &s);
		double bodies = measure(from_bodies, &s);
		double store = measure(from_store, &s);
		printf("%10zu %12.1f %12.1f %12.1f\n", sizes[i], facts, bodies,
		    store);
		free_subject(&s);
	}
	return 0;
}

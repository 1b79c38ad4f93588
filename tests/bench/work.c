/*
 * A fixed amount of work, for tests/bench/instructions to count: requests as
 * they come from the web server, through the router to the database and back.
 * Twice the rounds less once is the work alone, without what starts and ends
 * the program.
 *
 *	tests/bench/work deliver|access|gate ROUNDS FOLDER
 *
 * deliver: in each round 32 new sales of subscriptions, in one transaction.
 * access, gate: in each round 32 people are looked up among 256.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/time.h"
#include "cgi/server/reader.h"
#include "cgi/route.h"
#include "commit/commit.h"
#include "access/pass.h"

enum {
	BATCH = 32,
	ROUNDS_MAX = 16,
	PEOPLE = 256,
	BODY_MAX = 2048,
	DAY = 86400,
	YEAR = 366 * DAY,
};

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}
#define TOKEN "0123456789abcdef0123456789abcdef"

static const struct tier_grant grants[] = { { NAME("gumroad"), NAME("app"),
    NAME("Pro") } };
static const struct str reads[] = { NAME("read") };
static const struct tier tiers[] = { { .name = NAME("pro"),
    .rank = 10,
    .allows = reads,
    .n_allows = 1,
    .grants = grants,
    .n_grants = 1 } };
static const struct str tokens[] = { NAME(TOKEN) };
static const struct str secrets[] = { NAME(TOKEN) };
static const struct str api_keys[] = { NAME(TOKEN) };
static struct config config = { .threads = BATCH,
	.public_url = NAME("https://example.org"),
	.pass_secrets = { secrets, 1 },
	.api_keys = { api_keys, 1 },
	.rules = { .tiers = tiers, .n_tiers = 1 } };
static struct app app = { .config = &config };

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "work: %s: %s\n", what, why);
	exit(1);
}

struct caller {
	struct arena *arena;
	struct reply reply;
	int number; /* in its round */
	struct str body;
};
static struct caller callers[BATCH];

static void
ask(struct caller *c, const char *const *params, struct str body, int want)
{
	struct request r;
	request_init(&r, c->arena, params, body, 0);
	r.worker = c->number;
	reply_reset(&c->reply, c->arena);
	route_serve(&app, &r, &c->reply);
	if (c->reply.status != want)
		die("answer", c->reply.body.p == NULL ? "" : c->reply.body.p);
	arena_reset(c->arena);
}

/* A first payment: app/modules/purchase/ping_notification.rb of Gumroad. */
static struct str
sale(struct arena *a, int n, int64_t at)
{
	char sold[TIME_TEXT_MAX];
	time_text(at, sold);
	return str_from(arena_printf(a,
	    "seller_id=0GtN2dF0VQgG6Plx3DI8Zw%%3D%%3D&product_id="
	    "iiccC-C-t2heNNxQ6TkLhQ%%3D%%3D&product_name=The%%20App&"
	    "permalink=app&product_permalink=https%%3A%%2F%%2Fada.gumroad.com"
	    "%%2Fl%%2Fapp&short_product_id=abcde&email=ada%d%%40example.org&"
	    "price=4900&gumroad_fee=490&currency=usd&quantity=1&"
	    "discover_fee_charged=false&can_contact=true&referrer="
	    "https%%3A%%2F%%2Fada.example.org%%2Fthe-app%%2Fprices%%3Ffrom%%3D"
	    "newsletter&full_name=Ada%%20Lovelace&country=Germany&"
	    "card%%5Bvisual%%5D=%%2A%%2A%%2A%%2A%%20%%2A%%2A%%2A%%2A%%20%%2A"
	    "%%2A%%2A%%2A%%204242&card%%5Btype%%5D=visa&card%%5Bbin%%5D=&"
	    "card%%5Bexpiry_month%%5D=&card%%5Bexpiry_year%%5D=&"
	    "order_number=%d&sale_id=sale%08d%%3D%%3D&sale_timestamp=%s&"
	    "purchaser_id=%d&subscription_id=subs%08d%%3D%%3D&"
	    "url_params%%5Buser_id%%5D=u%d&variants%%5BTier%%5D=Pro&"
	    "license_key=11111111-22222222-33333333-%08d&"
	    "ip_country=Germany&recurrence=yearly&"
	    "is_gift_receiver_purchase=false&refunded=false&resource_name=sale&"
	    "disputed=false&dispute_won=false",
	    n, n, n, sold, n, n, n, n));
}

/* Made before the work, always as many. */
static struct str bodies[ROUNDS_MAX * BATCH];

static void *
deliver(void *arg)
{
	static const char *const params[] = { "REQUEST_METHOD=POST",
		"REQUEST_URI=/hooks/gumroad/" TOKEN,
		"SCRIPT_NAME=/hooks/gumroad/" TOKEN, "QUERY_STRING=",
		"CONTENT_TYPE=application/x-www-form-urlencoded",
		"REMOTE_ADDR=127.0.0.1", "SERVER_PROTOCOL=HTTP/1.1",
		"HTTP_HOST=example.org", NULL };
	struct caller *c = arg;
	ask(c, params, c->body, 200);
	return NULL;
}

/* Holds the writer until all callers wait, so that they are one batch. */
static int
hold(struct store *s, void *arg, struct err *e)
{
	const struct timespec step = { 0, 1000000 };
	pthread_t *threads = arg;
	struct commit_queue queue;
	(void)s;
	for (int i = 0; i < BATCH; i++) {
		int rc =
		    pthread_create(&threads[i], NULL, deliver, &callers[i]);
		if (rc != 0)
			return err_set(e, ERR_SYSTEM, "%s", strerror(rc));
		/* one after the other: they queue in this order */
		do {
			nanosleep(&step, NULL);
			commit_queue(app.commit, &queue);
		} while (queue.waiting <= i);
	}
	return 0;
}

static void
round_of_deliveries(int round)
{
	pthread_t threads[BATCH];
	struct err e = { .code = ERR_NONE };
	for (int i = 0; i < BATCH; i++)
		callers[i].body = bodies[round * BATCH + i];
	if (commit_chore(app.commit, hold, threads, &e) != 0)
		die("deliver", e.text);
	for (int i = 0; i < BATCH; i++)
		pthread_join(threads[i], NULL);
}

static int
someone(int round, int i)
{
	return (round * BATCH + i) * 389 % PEOPLE;
}

static void
round_of_access(int round)
{
	for (int i = 0; i < BATCH; i++) {
		struct caller *c = &callers[0];
		const char *query = arena_printf(
		    c->arena, "QUERY_STRING=user=u%d", someone(round, i));
		const char *const params[] = { "REQUEST_METHOD=GET",
			"REQUEST_URI=/v1/access", "SCRIPT_NAME=/v1/access",
			query, "HTTP_AUTHORIZATION=Bearer " TOKEN,
			"REMOTE_ADDR=127.0.0.1", "HTTP_HOST=example.org",
			NULL };
		ask(c, params, STR(""), 200);
	}
}

static char *passes[PEOPLE];

static void
make_passes(void)
{
	struct err e = { .code = ERR_NONE };
	struct buf b;
	buf_init(&b, PASS_MAX);
	for (int i = 0; i < PEOPLE; i++) {
		struct access_key key;
		char user[16];
		snprintf(user, sizeof(user), "u%d", i);
		buf_reset(&b);
		if (access_key_parse(STORE_BY_USER, str_from(user),
			callers[0].arena, &key, &e) != 0 ||
		    pass_make(&config, &key, time_now(), YEAR, &b, &e) != 0)
			die("pass", e.text);
		size_t n = b.n + sizeof("HTTP_COOKIE=gatepost=");
		passes[i] = malloc(n);
		if (passes[i] == NULL)
			die("pass", "no memory");
		snprintf(
		    passes[i], n, "HTTP_COOKIE=gatepost=%.*s", (int)b.n, b.p);
	}
	buf_free(&b);
}

static void
round_of_gate(int round)
{
	for (int i = 0; i < BATCH; i++) {
		const char *const params[] = { "REQUEST_METHOD=GET",
			"REQUEST_URI=/gate", "SCRIPT_NAME=/gate",
			"QUERY_STRING=tier=pro", passes[someone(round, i)],
			"REMOTE_ADDR=127.0.0.1", "HTTP_HOST=example.org",
			NULL };
		ask(&callers[0], params, STR(""), 204);
	}
}

static void
setup(const char *folder)
{
	static char database[256];
	struct err e = { .code = ERR_NONE };
	snprintf(database, sizeof(database), "%s/work.db", folder);
	config.database = database;
	struct config_platform *gumroad =
	    &config.platforms[platform_index(&platform_gumroad)];
	gumroad->secrets.v = tokens;
	gumroad->secrets.n = 1;
	gumroad->reference = STR("user_id");
	struct arena *a = arena_new(ROUNDS_MAX * BATCH * BODY_MAX);
	int64_t today = time_now() / DAY * DAY;
	for (int i = 0; a != NULL && i < ROUNDS_MAX * BATCH; i++)
		bodies[i] = sale(a, i, today);
	if (a == NULL || arena_failed(a))
		die("start", "no memory");
	if (crypto_init(&e) != 0 || commit_new(&config, &app.commit, &e) != 0 ||
	    commit_prepare(app.commit, &e) != 0)
		die("start", e.text);
	app.readers = readers_new(&config, BATCH);
	if (app.readers == NULL)
		die("start", "no memory");
	for (int i = 0; i < BATCH; i++) {
		callers[i].number = i;
		callers[i].arena = arena_new(REQUEST_ARENA_MAX);
		if (callers[i].arena == NULL)
			die("start", "no memory");
		reply_init(&callers[i].reply);
	}
}

int
main(int argc, char **argv)
{
	int64_t rounds = 0;
	if (argc != 4 ||
	    str_int64(str_from(argv[2]), 1, ROUNDS_MAX, &rounds) != 0) {
		fprintf(stderr, "work deliver|access|gate ROUNDS FOLDER\n");
		return 2;
	}
	setup(argv[3]);
	void (*round)(int) = round_of_deliveries;
	if (strcmp(argv[1], "deliver") != 0) {
		for (int i = 0; i < PEOPLE / BATCH; i++)
			round_of_deliveries(i);
		make_passes();
		round = strcmp(argv[1], "gate") == 0 ? round_of_gate
						     : round_of_access;
	}
	for (int i = 0; i < (int)rounds; i++)
		round(i);
	return 0;
}

#include "test.h"

#include <unistd.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/time.h"
#include "cgi/server/reader.h"
#include "cgi/route.h"
#include "access/pass.h"

/* The gate, through the router: 204, 401 and 403, whatever comes. */

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}
enum { DAY = 86400, PARAMS_MAX = 16 };

static const struct str reads[] = { NAME("read") };
static const struct tier tiers[] = {
	{ .name = NAME("fan"), .rank = 10, .allows = reads, .n_allows = 1 },
	{ .name = NAME("super fan"), .rank = 20 },
};
static const struct str secrets[] = {
	NAME("0123456789abcdef0123456789abcdef"),
};
static const struct str api_keys[] = { NAME("an api key for the tests") };
static struct config config = { .public_url = NAME("https://example.org"),
	.pass_secrets = { secrets, 1 },
	.api_keys = { api_keys, 1 },
	.rules = { .tiers = tiers, .n_tiers = 2 } };
static struct app app = { .config = &config };
static const struct app unconfigured = { .config = NULL };

static struct arena *a, *request_arena;
static struct reply answer;
static char *fan, *super, *none, *late, *email, *visitor;

/* The pass of somebody, in the arena. */
static char *
pass_of(enum store_by by, const char *id, int64_t now)
{
	struct access_key key;
	struct buf b;
	struct err e = { .code = ERR_NONE };
	buf_init(&b, PASS_MAX);
	if (access_key_parse(by, str_from(id), a, &key, &e) != 0 ||
	    pass_make(&config, &key, now, 100, &b, &e) != 0)
		OK(0, "pass: %s", e.text);
	char *z = str_z(a, buf_str(&b));
	buf_free(&b);
	return z;
}

static void
put(struct store *s, const char *user, const char *tier, int64_t until)
{
	struct err e = { .code = ERR_NONE };
	int64_t since = time_now() - DAY;
	const struct store_purchase row = { .platform = STR("gumroad"),
		.sale = str_from(user),
		.product = STR("app"),
		.user_ref = str_from(user),
		.email = STR("me@example.org"),
		.tier = str_from(tier),
		.price = STORE_NULL,
		.quantity = 1,
		.sold_at = since,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.since = since,
		.paid_until = until,
		.until = until,
		.subject = str_from(user) };
	if (store_purchase_put(s, &row, &e) != 0)
		OK(0, "put: %s", e.text);
}

static int as_authorizer; /* the role of the next visits */

static int
visit(const struct app *to, const char *const *params, int too_large)
{
	struct request r;
	arena_reset(request_arena);
	request_init(&r, request_arena, params, STR(""), 0);
	r.body_too_large = too_large;
	r.is_authorizer = as_authorizer;
	reply_reset(&answer, request_arena);
	route_serve(to, &r, &answer);
	return answer.status;
}

/* The status for these parameters beside the path. */
#define GATE(...) \
	visit(&app, \
	    (const char *const[]){ \
		"REQUEST_METHOD=GET", "PATH_INFO=/gate", __VA_ARGS__, NULL }, \
	    0)
#define COOKIE(value) arena_printf(a, "HTTP_COOKIE=%s", value)
#define MINE(p) arena_printf(a, "HTTP_COOKIE=gatepost=%s", p)
#define BEARER(p) arena_printf(a, "HTTP_AUTHORIZATION=Bearer %s", p)

static struct str
header(const char *name)
{
	for (size_t i = 0; i < answer.n_headers; i++)
		if (strcmp(answer.headers[i].name, name) == 0)
			return str_from(answer.headers[i].value);
	return STR_NONE;
}

static void
test_rule(void)
{
	static const char *const closed[] = { "QUERY_STRING=",
		"QUERY_STRING=tier", "QUERY_STRING=tier=",
		"QUERY_STRING=allow=", "QUERY_STRING=tier=fan&tier=fan",
		"QUERY_STRING=tier=fan&allow=read", "QUERY_STRING=Tier=fan",
		"QUERY_STRING=tier=fan&allow=", "QUERY_STRING=tier=Fan",
		"QUERY_STRING=tier=nobody", "QUERY_STRING=allow=write",
		"QUERY_STRING=allow=fan", "GATEPOST_GATE=", "GATEPOST_GATE=fan",
		"GATEPOST_GATE=tier=fan&tier=fan", "GATEPOST_GATE=super+fan",
		"X=1" };
	test_group("rule");
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		OK(GATE(closed[i], MINE(super)) == 403, "closed: %s",
		    closed[i]);
	OK(GATE("QUERY_STRING=tier=fan", MINE(fan)) == 204, "tier");
	OK(GATE("QUERY_STRING=tier=fan", MINE(super)) == 204, "a higher one");
	OK(GATE("QUERY_STRING=tier=super%20fan", MINE(super)) == 204,
	    "encoded");
	OK(GATE("QUERY_STRING=tier=super+fan", MINE(fan)) == 403, "a lower");
	OK(GATE("QUERY_STRING=allow=read", MINE(fan)) == 204, "allow");
	OK(GATE("QUERY_STRING=allow=read", MINE(super)) == 403,
	    "allowed by a tier not held");
	OK(GATE("QUERY_STRING=a=b&tier=fan&c", MINE(fan)) == 204,
	    "beside something else");
	OK(GATE("GATEPOST_GATE=tier=super fan", "QUERY_STRING=tier=fan",
	       MINE(fan)) == 403,
	    "the parameter alone decides");
	OK(GATE("GATEPOST_GATE=tier=fan", "QUERY_STRING=tier=super fan",
	       MINE(fan)) == 204,
	    "also to open");
	OK(GATE("GATEPOST_GATE=tier=super fan", "GATEPOST_GATE=tier=fan",
	       MINE(fan)) == 403,
	    "the first of two");
	OK(GATE("GATEPOST_GATE=", "GATEPOST_GATE=tier=fan", MINE(fan)) == 403,
	    "an empty first one");
}

static void
test_passes(void)
{
	static const char rule[] = "QUERY_STRING=tier=fan";
	test_group("pass");
	OK(GATE(rule) == 401, "none");
	IS(header("WWW-Authenticate"), "Bearer", "what is missing");
	OK(GATE(rule, MINE(none)) == 403, "no access");
	OK(GATE(rule, MINE(late)) == 401, "over");
	OK(GATE(rule, MINE("x")) == 401 && GATE(rule, MINE("")) == 401,
	    "no pass");
	OK(GATE(rule, BEARER(fan)) == 204, "Bearer");
	OK(GATE(rule, arena_printf(a, "HTTP_AUTHORIZATION=bearer  %s ", fan)) ==
		204,
	    "bearer");
	OK(GATE(rule,
	       arena_printf(a, "REDIRECT_HTTP_AUTHORIZATION=Bearer %s", fan)) ==
		204,
	    "renamed");
	OK(GATE(rule, arena_printf(a, "HTTP_AUTHORIZATION=Basic %s", fan)) ==
		401,
	    "not Basic");
	OK(GATE(rule, BEARER("the app's own"), MINE(fan)) == 204,
	    "the app's own Authorization");
	OK(GATE(rule, "HTTP_AUTHORIZATION=Basic eDp5", MINE(fan)) == 204,
	    "Basic beside");
	OK(GATE(rule, BEARER(fan), MINE("x")) == 204, "a spoilt cookie");
	OK(GATE(rule, BEARER(fan), MINE(none)) == 204, "an other's cookie");
	OK(GATE(rule, BEARER(none), MINE("x")) == 403, "known, no access");
	OK(GATE(rule,
	       COOKIE(arena_printf(
		   a, "a=b; gatepost=x; gatepost=%s; gatepost", fan))) == 204,
	    "the second of the name");
	OK(GATE(rule, COOKIE(arena_printf(a, "a=b;\tgatepost=%s ;c", fan))) ==
		204,
	    "blanks");
	const char *const bad[] = { "gatepost=\"%s\"", "Gatepost=%s",
		"xgatepost=%s", "gatepost =%s", "gatepost=%s.", "%s",
		"a=gatepost=%s", "gatepost=%%65%s", "gatepost=x gatepost=%s" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str head, tail;
		str_cut(str_from(bad[i]), '%', &head, &tail);
		const char *z = arena_printf(
		    a, "HTTP_COOKIE=%.*s%s%s", STR_ARG(head), fan, tail.p + 1);
		OK(GATE(rule, z) == 401, "not %s", bad[i]);
	}
	OK(GATE(rule, COOKIE("a=b"), MINE(fan)) == 204, "two Cookie lines");
	OK(GATE(rule, MINE(none), MINE("x"), COOKIE(""), MINE(fan)) == 204,
	    "four Cookie lines");
	OK(GATE(rule, MINE(fan), COOKIE("a=b")) == 204, "ours first");
	OK(GATE(rule, COOKIE(arena_printf(a, "a=b, gatepost=%s,c", fan))) ==
		204,
	    "lines joined by a comma");
	OK(GATE(rule, MINE("x"), MINE("y")) == 401, "two that are none");
	const char *junk = "gatepost=x.y.z";
	for (int i = 0; i < 8; i++)
		junk = arena_printf(a, "%s; %s", junk, junk);
	OK(GATE(rule, COOKIE(arena_printf(a, "%s; gatepost=%s", junk, fan))) ==
		204,
	    "after 256 that are none");
	const char *many = arena_printf(a, "gatepost=%s", none);
	for (int i = 0; i < 4; i++)
		many = arena_printf(a, "%s; %s", many, many);
	OK(GATE(rule, COOKIE(arena_printf(a, "%s; gatepost=%s", many, fan))) ==
		403,
	    "the seventeenth pass is not looked up");
}

static void
test_headers(void)
{
	test_group("headers");
	OK(GATE("QUERY_STRING=tier=fan", MINE(super)) == 204, "open");
	IS(header("X-Gatepost-User"), "m%C3%A9%25%20x", "user");
	IS(header("X-Gatepost-By"), "user", "by");
	IS(header("X-Gatepost-Tier"), "super%20fan", "tier");
	IS(header("X-Gatepost-Until"), "", "for ever");
	OK(GATE("QUERY_STRING=tier=fan", MINE(fan)) == 204, "open");
	OK(header("X-Gatepost-Until").n == 20, "until");
	OK(GATE("QUERY_STRING=tier=fan", MINE(email)) == 204, "by e-mail");
	IS(header("X-Gatepost-User"), "me@example.org", "user");
	IS(header("X-Gatepost-By"), "email", "by");
	GATE("QUERY_STRING=tier=fan", MINE(none));
	OK(header("X-Gatepost-User").p == NULL, "none when closed");
}

static void
test_whatever(void)
{
	static const char *const methods[] = { "HEAD", "POST", "PUT", "DELETE",
		"OPTIONS", "PROPFIND", "", "G\x01" };
	test_group("whatever comes");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *const params[] = {
			arena_printf(a, "REQUEST_METHOD=%s", methods[i]),
			"REQUEST_URI=/gate/?tier=fan", "CONTENT_LENGTH=99",
			MINE(fan), NULL
		};
		OK(visit(&app, params, 0) == 204 &&
			visit(&app, params, 1) == 204 &&
			visit(&unconfigured, params, 0) == 403 &&
			visit(&unconfigured, params, 1) == 403,
		    "method number %zu", i);
	}
	struct arena *big = request_arena;
	int other = 0;
	for (size_t n = 1; n < 6000; n += 7) {
		request_arena = arena_new(n);
		int status =
		    GATE("GATEPOST_GATE=tier=fan", BEARER(fan), MINE(fan));
		other += status != 204 && status != 403 && status != 401;
		arena_free(request_arena);
	}
	request_arena = big;
	OK(other == 0, "no memory: %d other answers", other);
}

static void
test_no_database(const char *folder)
{
	static const char rule[] = "QUERY_STRING=tier=fan";
	test_group("no database");
	readers_free(app.readers);
	config.database = arena_printf(a, "%s/none/db", folder);
	app.readers = readers_new(&config, 1);
	OK(GATE(rule, MINE(fan)) == 403, "closed");
	OK(GATE(rule) == 401, "no pass");
	config.gate_open_on_error = 1;
	OK(GATE(rule, MINE(none)) == 204, "open: any pass");
	OK(header("X-Gatepost-User").n == 3 &&
		header("X-Gatepost-Tier").p == NULL,
	    "a user, no tier");
	OK(GATE(rule) == 401 && GATE(rule, MINE(late)) == 401,
	    "open: not without one");
	OK(GATE(rule, MINE(visitor)) == 403, "open: not a visitor's");
	OK(GATE(rule, MINE(visitor), BEARER(none)) == 204,
	    "open: another pass beside a visitor's");
	OK(GATE("QUERY_STRING=allow=write", MINE(fan)) == 403 &&
		GATE("QUERY_STRING=", MINE(fan)) == 403,
	    "open: not without a rule");
}

/* What an authorizer is asked by a page of a visitor. */
#define ASK(...) \
	visit(&app, \
	    (const char *const[]){ "REQUEST_METHOD=POST", \
		"REQUEST_URI=/members/x%ZZ?tier=fan&allow=read", \
		"QUERY_STRING=tier=fan", __VA_ARGS__, NULL }, \
	    0)

static void
test_authorizer(void)
{
	static const char rule[] = "GATEPOST_GATE=tier=fan";
	struct buf head;
	test_group("authorizer");
	buf_init(&head, REPLY_HEAD_MAX);
	as_authorizer = 1;
	OK(ASK(rule, MINE(super)) == 200, "open");
	IS(header("Variable-GATEPOST_USER"), "m%C3%A9%25%20x", "user");
	IS(header("Variable-GATEPOST_BY"), "user", "by");
	IS(header("Variable-GATEPOST_TIER"), "super%20fan", "tier");
	IS(header("Variable-GATEPOST_UNTIL"), "", "until");
	OK(answer.n_headers == 4 && reply_head(&answer, &head) == 0, "no more");
	OK(str_starts(buf_str(&head), STR("Status: 200 OK\r\nVariable-")),
	    "nothing that would be the visitor's");
	OK(ASK(rule) == 401 && answer.n_headers == 1, "no pass");
	OK(ASK(rule, MINE(none)) == 403 && answer.n_headers == 0, "no access");
	OK(ASK(rule, MINE(late)) == 401, "over");
	OK(ASK("GATEPOST_GATE=tier=super fan", MINE(fan)) == 403, "a lower");
	OK(ASK("GATEPOST_GATE=tier=none", MINE(fan)) == 403, "unknown");
	OK(ASK(MINE(fan)) == 403, "the query is no rule");
	OK(ASK("GATEPOST_GATE=", MINE(fan)) == 403, "nor is nothing");
	OK(ASK(rule, rule, MINE(fan)) == 403, "nor are two");
	OK(ASK("GATEPOST_GATE=tier=fan&tier=fan", MINE(fan)) == 403,
	    "nor one twice");
	const char *const healthz[] = { "REQUEST_METHOD=GET",
		"PATH_INFO=/healthz", NULL };
	OK(visit(&app, healthz, 0) == 403, "whatever the path");
	const char *const params[] = { rule, MINE(fan), NULL };
	OK(visit(&unconfigured, params, 0) == 403, "no settings");
	OK(visit(&app, params, 1) == 200, "no body, no path, no method");
	as_authorizer = 0;
	OK(GATE(rule, "FCGI_ROLE=AUTHORIZER", MINE(fan)) == 204,
	    "no parameter makes one");
	buf_free(&head);
}

static int
post(const char *body, const char *authorization)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
		"PATH_INFO=/v1/passes", authorization, NULL };
	struct request r;
	arena_reset(request_arena);
	request_init(&r, request_arena, params, str_from(body), 0);
	reply_reset(&answer, request_arena);
	route_serve(&app, &r, &answer);
	return answer.status;
}

static void
test_post(void)
{
	static const char key[] =
	    "HTTP_AUTHORIZATION=Bearer an api key for the tests";
	static const char *const bad[] = { "", "[]", "{}", "{\"for\":\"1d\"}",
		"{\"user\":42}", "{\"user\":\"\"}", "{\"user\":null}",
		"{\"user\":\"42\",\"email\":\"a@b.c\"}",
		"{\"user\":\"42\",\"user\":\"42\"}",
		"{\"user\":\"42\",\"tier\":\"fan\"}",
		"{\"user\":\"42\",\"For\":\"1d\"}",
		"{\"user\":\"42\",\"for\":\"x\"}",
		"{\"user\":\"42\",\"for\":\"0\"}",
		"{\"user\":\"42\",\"for\":30}",
		"{\"user\":\"42\",\"for\":\"-1d\"}",
		"{\"user\":\"42\",\"for\":\"9999999999w\"}",
		"{\"user\":\"a\\u0000b\"}", "{\"email\":\"nobody\"}" };
	test_group("POST /v1/passes");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(post(bad[i], key) == 400, "not %s", bad[i]);
	OK(post("{\"user\":\"42\"}", "X=") == 401, "no key");
	OK(post("{\"user\":\"42\"}", key) == 200, "made");
	struct pass p;
	struct str s = buf_str(&answer.body);
	OK(str_starts(s, STR("{\"pass\":\"")) && s.n > 11, "pass");
	s = (struct str){ s.p + 9, s.n - 11 };
	int64_t now = time_now();
	OK(pass_verify(&config, s, now, a, &p) == 0 &&
		p.expires >= now + 30 * DAY - 5 && p.expires <= now + 30 * DAY,
	    "30 days");
	OK(post("{\"for\":\"1h\",\"buyer\":\"gumroad:7\"}", key) == 200,
	    "for a buyer");
	config.pass_secrets.n = 0;
	OK(post("{\"user\":\"42\"}", key) == 503 &&
		strcmp(answer.error, "not_configured") == 0,
	    "no pass_secret");
	config.pass_secrets.n = 1;
}

static int
open_all(const char *folder)
{
	struct store *s = NULL;
	struct err e = { .code = ERR_NONE };
	int64_t now = time_now();
	config.database = arena_printf(a, "%s/db", folder);
	if (crypto_init(&e) != 0 ||
	    store_open(config.database, STORE_CREATE, &s, &e) != 0)
		return OK(0, "open: %s", e.text);
	put(s, "1", "fan", now + DAY);
	put(s, "m\xC3\xA9% x", "super fan", STORE_NULL);
	store_close(s);
	app.readers = readers_new(&config, 1);
	fan = pass_of(STORE_BY_USER, "1", now);
	super = pass_of(STORE_BY_USER, "m\xC3\xA9% x", now);
	none = pass_of(STORE_BY_USER, "777", now);
	visitor = pass_of(STORE_BY_USER, "visitor-0123", now);
	late = pass_of(STORE_BY_USER, "1", now - 200);
	email = pass_of(STORE_BY_EMAIL, "ME@example.org", now);
	return 1;
}

int
main(void)
{
	char folder[] = "/tmp/gatepost-t_gate.XXXXXX";
	a = arena_new(16 << 20);
	request_arena = arena_new(REQUEST_ARENA_MAX);
	reply_init(&answer);
	if (!OK(mkdtemp(folder) != NULL, "a folder"))
		return test_end();
	if (open_all(folder)) {
		test_rule();
		test_passes();
		test_headers();
		test_whatever();
		test_authorizer();
		test_post();
		unlink(config.database);
		test_no_database(folder);
	}
	readers_free(app.readers);
	reply_free(&answer);
	unlink(arena_printf(a, "%s/db", folder));
	unlink(arena_printf(a, "%s/db-wal", folder));
	unlink(arena_printf(a, "%s/db-shm", folder));
	rmdir(folder);
	arena_free(request_arena);
	arena_free(a);
	return test_end();
}

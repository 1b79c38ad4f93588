/* Follow-ups: rules, placeholders, addresses, signatures, the schedule. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/address.h"
#include "action/place.h"
#include "base/base64.h"
#include "base/crypto.h"
#include "config/config_names.h"
#include "follow/effect.h"
#include "follow/outbox.h"
#include "tests/unit/test.h"

static struct arena *arena;

static void
rules_match(void)
{
	const struct rule_case sale = { .event = RULE_PURCHASE,
		.platform = STR("gumroad"),
		.product = STR("pencil"),
		.product_name = STR("Pencil Icon"),
		.tier = STR("supporter") };
	const struct rule all = { .events = 1U << RULE_PURCHASE };
	struct rule r = all;
	test_group("rule");
	OK(rule_fits(&r, &sale), "without filters");
	r.events = 1U << RULE_RENEWAL;
	OK(strcmp(rule_refusal(&r, &sale), "event") == 0, "another event");
	r = all;
	r.product = STR("PEN*");
	OK(rule_fits(&r, &sale), "a pattern, case folded");
	r.product = STR("pencil icon");
	OK(rule_fits(&r, &sale), "or the title");
	r.product = STR("pen");
	OK(strcmp(rule_refusal(&r, &sale), "product") == 0, "another product");
	r = all;
	r.platform = STR("gank");
	OK(strcmp(rule_refusal(&r, &sale), "platform") == 0, "platform");
	r = all;
	r.tier = STR("none");
	OK(strcmp(rule_refusal(&r, &sale), "tier") == 0, "tier");
	struct rule_case test = sale;
	test.test = 1;
	OK(strcmp(rule_refusal(&all, &test), "test") == 0, "test: not asked");
	r = all;
	r.test = 1;
	OK(rule_fits(&r, &test) && rule_fits(&r, &sale), "test: both");
	const struct rule_case up = { .event = RULE_TIER_CHANGED,
		.platform = STR("gank"),
		.to = STR("gold") };
	struct rule change = { .events = 1U << RULE_TIER_CHANGED,
		.from = STR("none"),
		.to = STR("gold") };
	OK(rule_fits(&change, &up), "from none to gold");
	change.to = STR("none");
	OK(strcmp(rule_refusal(&change, &up), "to") == 0, "to none");
}

static void
schedule(void)
{
	static const int64_t steps[] = { 5, 300, 1800, 7200, 18000, 36000,
		50400, 72000, 86400 };
	test_group("schedule");
	for (int64_t n = 1; n < OUTBOX_ATTEMPTS_MAX; n++) {
		int64_t least = outbox_delay(n, 0), most = outbox_delay(n, 999);
		OK(least == steps[n - 1] && most >= least &&
			most <= least + least / 5,
		    "attempt %d", (int)n);
	}
	OK(outbox_delay(OUTBOX_ATTEMPTS_MAX, 0) == -1, "the last");
	OK(outbox_delay(0, 0) == -1, "none");
}

static void
fill(const char *text, enum place_where where, const char *value,
    const char *want)
{
	const struct action_fact facts[] = { { "email", str_from(value) },
		{ "none", STR_NONE } };
	const struct action_effect effect = { .facts = facts, .n_facts = 2 };
	struct buf b;
	buf_init(&b, 4096);
	buf_add(&b, "", 0);
	place_fill(&b, str_from(text), where, 1, &effect);
	IS(buf_str(&b), want, text);
	buf_free(&b);
}

static void
places(void)
{
	static const char *const names[] = { "email", "none", NULL };
	struct str word;
	test_group("place");
	fill("{\"a\":\"{email}\"}", PLACE_JSON, "a\"\\\n",
	    "{\"a\":\"a\\\"\\\\\\u000a\"}");
	fill("a={email}&b", PLACE_FORM, "a&b=c d", "a=a%26b%3Dc%20d&b");
	fill("/{email}/", PLACE_URL, "a b", "/a%20b/");
	fill("/{email}/", PLACE_URL, "../x", "/..%2Fx/");
	fill(
	    "<{email}>", PLACE_HTML, "<b>&'\"", "<&#60;b&#62;&#38;&#39;&#34;>");
	fill("x {email}", PLACE_TEXT, "a\r\nB: c", "x a  B: c");
	fill("{none}{other}{ email }{", PLACE_TEXT, "x", "{other}{ email }{");
	fill("{email}", PLACE_TEXT, "{email}", "{email}");
	fill("{email}", PLACE_TEXT, "@here a@here.org <!all>",
	    "@\xE2\x80\x8Bhere a@here.org <\xE2\x80\x8B!all>");
	/* Slack, Google Chat; Discord, Mattermost, Telegram; HTML */
	fill("{email}", PLACE_JSON, "<https://evil.example/|Pay now>",
	    "<\xE2\x80\x8Bhttps://evil.example/|Pay now>");
	fill("{email}", PLACE_FORM, "<mailto:a@b|x>",
	    "%3C%E2%80%8Bmailto%3Aa%40b%7Cx%3E");
	fill("{email}", PLACE_TEXT, "[Pay](https://evil.example/) ![x][1]",
	    "[Pay]\xE2\x80\x8B(https://evil.example/) "
	    "![x]\xE2\x80\x8B[1]");
	fill("{email}", PLACE_JSON, "[1]: https://evil.example/",
	    "[1]\xE2\x80\x8B: https://evil.example/");
	fill("{email}", PLACE_TEXT, "<<a href=x>",
	    "<\xE2\x80\x8B<\xE2\x80\x8B"
	    "a href=x>");
	fill("{email}", PLACE_TEXT, "a < b [pdf] (2) <", "a < b [pdf] (2) <");
	/* a NUL becomes a blank, so it stands before a mention like one */
	const struct action_fact fact = { "email", STR("a\0@here") };
	const struct action_effect effect = { .facts = &fact, .n_facts = 1 };
	struct buf b;
	buf_init(&b, 4096);
	place_fill(&b, STR("{email}"), PLACE_TEXT, 1, &effect);
	IS(buf_str(&b), "a @\xE2\x80\x8Bhere", "NUL before a mention");
	buf_free(&b);
	OK(place_unknown(STR("{\"a\":{}} {x}"), names, &word), "unknown");
	IS(word, "x", "which");
	OK(!place_unknown(STR("{email} { x } {X} {}"), names, &word), "known");
}

static void
path(const char *url, const char *value, const char *want)
{
	const struct action_fact facts[] = { { "email", str_from(value) },
		{ "none", STR_NONE } };
	const struct action_effect effect = { .facts = facts, .n_facts = 2 };
	struct str word = STR("?");
	const char *got =
	    place_path_fault(str_from(url), &effect, arena, &word);
	OK((got == NULL) == (want == NULL) &&
		(want == NULL || strcmp(got, want) == 0),
	    "%s with %s: %.*s %s", url, value == NULL ? "nothing" : value,
	    STR_ARG(word), got == NULL ? "fits" : got);
}

static void
paths(void)
{
	static const char folder[] = "holds / or \\";
	static const char url[] = "https://a.example/users/{email}/end";
	test_group("path");
	path(url, "42", NULL);
	path(url, "a b%c@example.org", NULL);
	path(url, "100%", NULL);
	path(url, "...", NULL);
	path(url, NULL, "is empty");
	path(url, "", "is empty");
	path(url, ".", "is . or ..");
	path(url, "..", "is . or ..");
	path(url, "../admin/delete", folder);
	path(url, "a\\b", folder);
	path(url, "%2e.", "is . or ..");
	path(url, "%252E%252E", "is . or ..");
	path(url, "a%2Fb", folder);
	path(url, "a%25252fb", folder);
	path(url, "a%5Cb", folder);
	path(url, "a%c0%afb", "is no text");
	path(url, "..%00", "is no text");
	path(url, "%2525252525252541", "is encoded too often");
	path("/{email}{email}", ".", "is . or ..");
	path("/.{email}", ".", "is . or ..");
	path("/%2{email}x", "f", folder);
	path("/u-{email}.json", "42", NULL);
	path("/u-{email}.json", "..", "is . or ..");
	path("/a?user={email}&to={none}", "../x", NULL);
	path("/a%2Fb/{email}", "42", NULL);
}

static int
is_public(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&in);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return -1;
	return address_is_public((const struct sockaddr *)&in6);
}

static void
addresses(void)
{
	static const char *const inside[] = { "127.0.0.1", "10.1.2.3",
		"172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
		"255.255.255.255", "198.18.0.1", "::", "::1", "fe80::1",
		"fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "2002:7f00:1::1", "2001::1" };
	static const char *const outside[] = { "1.1.1.1", "172.32.0.1",
		"172.15.0.1", "100.128.0.1", "192.0.2.1", "2606:4700::1111",
		"::ffff:8.8.8.8", "2002:808:808::1" };
	struct sockaddr_in loop = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr *to = (const struct sockaddr *)&loop;
	test_group("address");
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		OK(is_public(inside[i]) == 0, "%s", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		OK(is_public(outside[i]) == 1, "%s", outside[i]);
	OK(address_may_connect("http://127.0.0.1:80/x", to), "by number");
	OK(address_may_connect("http://localhost/x", to), "localhost");
	OK(!address_may_connect("https://rebind.example/127.0.0.1", to),
	    "another name");
	OK(!address_may_connect("https://localhost.example.org/", to),
	    "a longer name");
	int port;
	IS(address_host("https://[::1]:8443/x", &port), "::1", "brackets");
	OK(port == 8443, "the port");
}

/* The vectors that are signed with the right key sign the same here. */
static void
vectors(void)
{
	size_t n;
	char *text =
	    test_file("tests/fixtures/standard_webhooks_vectors.json", &n);
	json_t *all = text == NULL ? NULL : json_loads(text, 0, NULL);
	size_t i, used = 0;
	json_t *v;
	test_group("signature");
	json_array_foreach(all, i, v)
	{
		unsigned char key[128];
		uint8_t mac[CRYPTO_SHA256];
		struct buf b;
		const json_t *h = json_object_get(v, "headers");
		struct str secret =
		    str_from(json_string_value(json_object_get(v, "secret")));
		const char *want =
		    json_string_value(json_object_get(h, "webhook-signature"));
		const json_t *body = json_object_get(v, "body");
		if (strcmp(json_string_value(json_object_get(v, "expect")),
			"valid") != 0 ||
		    want == NULL || body == NULL ||
		    !str_starts(secret, STR("whsec_")))
			continue;
		secret = (struct str){ secret.p + 6, secret.n - 6 };
		while (secret.n > 0 && secret.p[secret.n - 1] == '=')
			secret.n--;
		int k = base64_bytes(secret, '+', '/', key);
		const struct str pieces[] = {
			str_from(json_string_value(
			    json_object_get(h, "webhook-id"))),
			STR("."),
			str_from(json_string_value(
			    json_object_get(h, "webhook-timestamp"))),
			STR("."),
			{ json_string_value(body), json_string_length(body) },
		};
		crypto_hmac_sha256((struct str){ (const char *)key, (size_t)k },
		    pieces, 5, mac);
		buf_init(&b, 256);
		buf_addz(&b, "v1,");
		base64_add(&b, (struct str){ (const char *)mac, sizeof(mac) });
		OK(strstr(want, b.p) != NULL, "%s",
		    json_string_value(json_object_get(v, "name")));
		buf_free(&b);
		used++;
	}
	OK(used >= 4, "%zu vectors", used);
	json_decref(all);
	free(text);
}

static void
effects(void)
{
	const struct store_purchase row = { .platform = STR("gumroad"),
		.sale = STR("S"),
		.email = STR("a@b.c"),
		.price = 1205,
		.currency = STR("USD"),
		.quantity = STORE_NULL,
		.sold_at = 0,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.since = 0,
		.paid_until = STORE_NULL,
		.until = STORE_NULL };
	struct effect f = { .what = RULE_PURCHASE,
		.at = 0,
		.event = 7,
		.platform = STR("gumroad"),
		.row = &row,
		.once = STR("sale gumroad/S") };
	struct action_fact facts[ACTION_FACTS_MAX];
	struct action_effect effect = { .facts = facts };
	struct buf b;
	char id[EFFECT_ID_MAX], other[EFFECT_ID_MAX];
	test_group("effect");
	buf_init(&b, EFFECT_PAYLOAD_MAX);
	OK(effect_write(&b, &f, NULL, NULL, NULL) == 0, "written");
	OK(effect_read(arena, buf_str(&b), &effect.type, facts, &effect.n_facts,
	       NULL) == 0,
	    "read");
	IS(effect.type, "purchase", "type");
	IS(action_fact(&effect, "price"), "12.05", "price");
	IS(action_fact(&effect, "email"), "a@b.c", "email");
	IS(action_fact(&effect, "event"), "7", "event");
	OK(action_fact(&effect, "user").p == NULL, "no user");
	size_t n = 0;
	while (effect_names[n] != NULL && n < effect.n_facts &&
	    strcmp(effect_names[n], facts[n].name) == 0)
		n++;
	OK(n == effect.n_facts && effect_names[n] != NULL &&
		strcmp(effect_names[n], "download") == 0,
	    "facts have the names of the list, in its order, up to what is "
	    "made when it goes out");
	buf_free(&b);
	effect_id(&f, ACTION_HTTP, STR("app"), id, NULL);
	f.what = RULE_RENEWAL;
	effect_id(&f, ACTION_HTTP, STR("app"), other, NULL);
	OK(strcmp(id, other) == 0, "a sale is told of once, whatever it is");
	effect_id(&f, ACTION_HTTP, STR("app2"), other, NULL);
	OK(strcmp(id, other) != 0, "to each target");
	OK(strlen(id) == 44 && strchr(id, '.') == NULL, "no dot in an id");
}

/* What gatepost.conf says; want NULL: it is fine. */
static void
config(const char *text, const char *want)
{
	char folder[] = "t_outbox.XXXXXX", path[64], mail[64];
	struct err e = { .code = ERR_NONE };
	struct config *c = NULL;
	OK(mkdtemp(folder) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/conf", folder);
	snprintf(mail, sizeof(mail), "%s/m.txt", folder);
	FILE *f = fopen(mail, "w");
	if (f == NULL)
		return;
	fprintf(f, "Subject: m\n\nm\n");
	fclose(f);
	f = fopen(path, "w");
	if (f == NULL)
		return;
	fprintf(f, "mail { from = 'a@b.c' templates = '.' }\n%s", text);
	fclose(f);
	int rc = config_load(path, &c, &e);
	OK(want == NULL ? rc == 0 : rc != 0 && strstr(e.text, want) != NULL,
	    "%.60s: %s", text, want == NULL ? "taken" : want);
	if (want == NULL ? rc != 0 : rc == 0 || strstr(e.text, want) == NULL)
		printf("# %s\n", e.text);
	config_free(c);
	unlink(path);
	unlink(mail);
	rmdir(folder);
}

#define URL "url = 'https://x.org/'"
#define HTTP(x) "on 'purchase' { http 'a' { " x " } }"

static void
configs(void)
{
	test_group("config");
	config(HTTP(URL), NULL);
	config(HTTP("url = 'https://x.org/{user}?a={email}'"), NULL);
	config(HTTP("url = 'http://10.0.0.1:8080/'"), NULL);
	config(HTTP("url = 'http://[::1]:80/'"), NULL);
	config(HTTP("url = 'http://localhost/'"), NULL);
	config(HTTP(URL) "\n" HTTP("url = 'https://y.org/'"), ":3: http 'a'");
	config(HTTP(URL) "\non 'refunded' { http 'a' { } }", NULL);
	config(
	    HTTP(URL) "\non 'refunded' { http 'a' { url = 'https://y.org' } }",
	    "another url");
	config(HTTP(""), ":2: http 'a' has no url");
	config(HTTP("url = 'https://{user}.x.org/'"), "host and port");
	config(HTTP("url = '{user}'"), "begins with");
	config(HTTP("url = 'https://x.org:{user}/'"), "host and port");
	config(HTTP("url = 'https://a:b@x.org/'"), "host and port");
	config(HTTP("url = 'http://x.org/'"), "only for localhost");
	config(HTTP("url = 'http://10.0.0.1.x.org/'"), "only for localhost");
	config(HTTP("url = 'https://x.org/{nobody}'"), "{nobody} is no");
	config(HTTP(URL " body = 'x'"), "goes with format");
	config(HTTP(URL " format = 'form'"), "goes with format");
	config(HTTP(URL " format = 'xml'"), "format is");
	config(HTTP(URL " format = 'form' body = 'a={mail}'"), "{mail} is no");
	config(HTTP(URL " format = 'template' body = '{\"a\":\"{email}\"}'"),
	    NULL);
	config(HTTP(URL " format = 'template' body = '{\"a\":{price}}'"),
	    "outside of quotes");
	config(HTTP(URL " format = 'template' body = 'hi {email}' "
			"headers = { 'Content-Type: text/plain' }"),
	    NULL);
	config(HTTP(URL " headers = { 'webhook-id: x' }"), "a header is");
	config(HTTP(URL " headers = { 'X{email}: x' }"), "a header is");
	config(HTTP(URL " timeout = '2m'"), "timeout goes");
	config("on 'purchas' { http 'a' { " URL " } }",
	    "on 'purchas': there is no such event; did you mean 'purchase'?");
	config("on 'PURCHASE' { http 'a' { " URL " } }",
	    "on 'PURCHASE': there is no such event; did you mean 'purchase'?");
	config("on 'Kx9QzzzTTTp' { http 'a' { " URL " } }", "on '…': there");
	config("on '' { http 'a' { " URL " } }", "on: its name has");
	config(HTTP(URL " secrets = { 'whsec_abc' }"), "base64 of 24 to 64");
	config(HTTP(URL " body = '{download}' format = 'form'"),
	    "add download = ");
	config("on 'purchase' { }", "does nothing");
	config(
	    "on 'purchase' { from = 'x' http 'a' { " URL " } }", "from and to");
	config("on 'purchase' { before = '1d' http 'a' { " URL " } }",
	    "before is for");
	config("on 'expiring' { before = '1d' http 'a' { " URL " } }", NULL);
	config("on 'purchase' { platform = 'nowhere' http 'a' { " URL " } }",
	    "platform is");
	config("on 'purchase' { http 'a b' { " URL " } }", "the name of a");
	config("on 'purchase' { http 'a' { " URL " } http 'a' { " URL " } }",
	    "stands twice");
	config("on 'purchase' { url = 'x' }", "put it inside http");
	config("on 'purchase' { mail 'm' { template = 'm' } }", NULL);
	config(
	    "on 'purchase' { mail 'm' { template = '../m' } }", "template is");
	config("on 'purchase' { mail 'm' { to = '-oQ/x@y' } }", "to is");
	config("on 'purchase' { mail 'm' { to = '{email},x@y.z' } }", "to is");
	config("on 'purchase' { mail 'alert' { } }", "the name of a");
	config("on 'purchase' { exec 'x' { argv = { 'run', 'a' } } }", NULL);
	config("on 'purchase' { exec 'x' { argv = { 'run', '{email}' } } }",
	    "no placeholders");
	config("on 'purchase' { exec 'x' { } }", "needs argv");
	config("on 'delivery' { forward 'f' { " URL " } }", NULL);
	config("on 'delivery' { forward 'f' { url = 'https://x.org/{sale}' } }",
	    "no URL has");
	config("alert_mail = 'me'", "alert_mail is");
	config("alert_mail = 'me@example.org'", NULL);
}

int
main(void)
{
	arena = arena_new(1 << 20);
	if (arena == NULL || crypto_init(NULL) != 0)
		return 2;
	umask(077);
	rules_match();
	schedule();
	places();
	paths();
	addresses();
	vectors();
	effects();
	configs();
	arena_free(arena);
	return test_end();
}

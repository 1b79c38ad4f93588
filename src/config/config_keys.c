#include "config/config_keys.h"

#include <string.h>

enum { DISTANCE_MAX = 32 }; /* bytes of a name that is compared */
#define YEAR (INT64_C(366) * 86400) /* seconds */
#define TEN_YEARS (INT64_C(3660) * 86400)

/* ---- the table ----------------------------------------------------------- */

/* Each row: name, type, where it goes, least, most, and the rest by name.
 * tests/lint/config-keys reads the names and presets. */
#define AT(type, field) (1 + offsetof(struct type, field))
#define TEN_YEARS_ADVICE(example) \
	"is a time of at most ten years; write a number and one of s, m, h, " \
	"d, w, such as '" example "'"

static const struct config_key mail_keys[] = {
	/* the sender */
	{ "from", CONFIG_TEXT, .at = AT(config, follow_ups.mail_from) },
	{ "sendmail", .preset = "/usr/sbin/sendmail" }, /* or smtp://… */
	{ "templates", .type = CONFIG_TEXT }, /* a folder */
	{ .name = NULL },
};

_Static_assert(ACTION_TIMEOUT_MAX_MS == 60000, "the advice of timeout");
#define TIMEOUT_ADVICE "goes from '1s' to '60s'"

static const struct config_key on_http_keys[] = {
	{ "url", .type = CONFIG_TEXT },
	{ "secrets", CONFIG_SECRETS, .least = 1 }, /* whsec_…: they sign it */
	{ "secrets_file", .type = CONFIG_LIST },
	{ "format", CONFIG_WORD, AT(action, u.http.format), ACTION_JSON,
	    .words = "json form template" },
	{ "body", .type = CONFIG_TEXT }, /* of form and template */
	{ "headers", .type = CONFIG_LIST }, /* 'Name: value' */
	{ "download", .type = CONFIG_TEXT }, /* what {download} leads to */
	{ "timeout", CONFIG_TIME, 0, 1, 60, .advice = TIMEOUT_ADVICE },
	{ "order", CONFIG_BOOL, .at = AT(action, order) }, /* one by one */
	{ .name = NULL },
};

static const struct config_key on_mail_keys[] = {
	{ "to", .preset = "{email}" }, /* the buyer, or an address */
	{ "template", .type = CONFIG_TEXT }, /* a file without its suffix */
	{ "download", .type = CONFIG_TEXT }, /* what {download} leads to */
	{ "timeout", CONFIG_TIME, 0, 1, 60, .advice = TIMEOUT_ADVICE },
	{ "order", CONFIG_BOOL, .at = AT(action, order) }, /* one by one */
	{ .name = NULL },
};

static const struct config_key on_exec_keys[] = {
	{ "argv", .type = CONFIG_LIST }, /* a program and its words */
	{ "timeout", CONFIG_TIME, 0, 1, 60, .advice = TIMEOUT_ADVICE },
	{ "order", CONFIG_BOOL, .at = AT(action, order) }, /* one by one */
	{ .name = NULL },
};

static const struct config_key on_forward_keys[] = {
	{ "url", .type = CONFIG_TEXT }, /* of the old handler */
	{ "secret", CONFIG_SECRETS, .least = 1 }, /* it verifies with this */
	{ "secret_file", .type = CONFIG_LIST },
	{ "timeout", CONFIG_TIME, 0, 1, 60, .advice = TIMEOUT_ADVICE },
	{ "order", CONFIG_BOOL, .at = AT(action, order) }, /* one by one */
	{ .name = NULL },
};

static const struct config_key on_keys[] = {
	/* patterns of what it is about */
	{ "platform", CONFIG_TEXT, .at = AT(rule, platform) },
	{ "product", CONFIG_TEXT, .at = AT(rule, product) },
	{ "tier", CONFIG_TEXT, .at = AT(rule, tier) },
	{ "from", CONFIG_TEXT, .at = AT(rule, from) }, /* the tier before */
	{ "to", CONFIG_TEXT, .at = AT(rule, to) }, /* and after */
	{ "test", CONFIG_BOOL, .at = AT(rule, test) }, /* purchases too */
	{ "before", CONFIG_TIME, AT(rule, before), 1, YEAR, .preset = "3d",
	    .advice = "is a time of at most a year, such as '3d'" },
	{ "http", CONFIG_TITLED, .keys = on_http_keys },
	{ "mail", CONFIG_TITLED, .keys = on_mail_keys },
	{ "exec", CONFIG_TITLED, .keys = on_exec_keys },
	{ "forward", CONFIG_TITLED, .keys = on_forward_keys },
	{ .name = NULL },
};

static const struct config_key buy_keys[] = {
	{ "url", .type = CONFIG_TEXT }, /* of the shop */
	{ "parameter", .type = CONFIG_TEXT }, /* of it: the visitor's id */
	/* a pass made on the way */
	{ "for", CONFIG_TIME, AT(config_buy, seconds), 1, TEN_YEARS,
	    .preset = "30d", .advice = TEN_YEARS_ADVICE("30d") },
	{ .name = NULL },
};

static const struct config_key tier_keys[] = {
	{ "rank", CONFIG_INT, AT(tier, rank), -1000000000, 1000000000,
	    .preset = "0" },
	{ "allows", .type = CONFIG_LIST }, /* words an app asks for */
	{ "grants", .type = CONFIG_LIST }, /* platform/product[/variant] */
	{ "lasts", CONFIG_WORD, AT(tier, lasts), TIER_FOREVER,
	    .words = "forever always",
	    .advice = "; take the line out for a tier that ends with its "
		      "payments" },
	/* that pay a plan off */
	{ "payments", CONFIG_INT, AT(tier, payments), 0, 1000, .preset = "0" },
	{ .name = NULL },
};

static const struct config_key files_keys[] = {
	{ "root", .type = CONFIG_TEXT }, /* the folder */
	{ "tier", CONFIG_TEXT, .at = AT(config_files, tier) }, /* who may */
	{ "allow", CONFIG_TEXT, .at = AT(config_files, allow) }, /* the same */
	{ "serve", CONFIG_WORD, AT(config_files, serve), CONFIG_DIRECT,
	    .words = "direct accel sendfile", .preset = "direct" },
	{ "accel", CONFIG_TEXT, .at = AT(config_files, accel) },
	/* the page for who is turned away */
	{ "join", CONFIG_TEXT, .at = AT(config_files, join) },
	{ "attachment", CONFIG_BOOL, .at = AT(config_files, attachment) },
	{ "scripts", CONFIG_BOOL, .at = AT(config_files, scripts) },
	/* a personal link */
	{ "link_for", CONFIG_TIME, AT(config_files, link_seconds), 1, TEN_YEARS,
	    .preset = "7d", .advice = TEN_YEARS_ADVICE("7d") },
	{ .name = NULL },
};

static const struct config_key signin_keys[] = {
	/* a pass got by a mailed link */
	{ "for", CONFIG_TIME, AT(config, signin_seconds), 1, TEN_YEARS,
	    .preset = "30d", .advice = TEN_YEARS_ADVICE("30d") },
	{ .name = NULL },
};

static const struct config_key top_keys[] = {
	{ "database", .preset = "gatepost.db" }, /* or postgresql://… */
	{ "listen_url", .type = CONFIG_TEXT }, /* tells of changes */
	{ "standby_url", .type = CONFIG_TEXT }, /* while that is away */
	{ "public_url", .type = CONFIG_TEXT }, /* of the web server */
	{ "cookie_domain", .type = CONFIG_TEXT },
	{ "allow_origin", .type = CONFIG_LIST }, /* whose pages may ask */
	{ "api_keys", CONFIG_SECRETS, AT(config, api_keys), .least = 16 },
	{ "api_keys_file", .type = CONFIG_LIST },
	/* RFC 7518 3.2: as long as the hash */
	{ "pass_secret", CONFIG_SECRETS, AT(config, pass_secrets),
	    .least = 32 },
	{ "pass_secret_file", .type = CONFIG_LIST },
	/* after a missed renewal */
	{ "grace", CONFIG_TIME, AT(config, grace), 0, INT64_MAX,
	    .preset = "7d" },
	{ "quiet", .preset = "auto" }, /* a time, 'auto' or 'off' */
	{ "threads", CONFIG_INT, AT(config, threads), 1, 256, .preset = "16" },
	{ "streams", CONFIG_INT, AT(config, streams), 1, 100000,
	    .preset = "5000" },
	{ "gate_on_error", CONFIG_WORD, AT(config, gate_open_on_error),
	    .words = "closed open", .preset = "closed" },
	{ "listen_group", .type = CONFIG_REAL_TEXT }, /* may reach the socket */
	{ "alert_mail", CONFIG_TEXT, .at = AT(config, follow_ups.alert_mail) },
	{ "mail", CONFIG_SECTION, .keys = mail_keys },
	{ "on", CONFIG_REPEATED, .keys = on_keys },
	{ "buy", CONFIG_TITLED, .keys = buy_keys },
	{ "tier", CONFIG_TITLED, .keys = tier_keys },
	{ "files", CONFIG_TITLED, .keys = files_keys },
	{ "signin", CONFIG_SECTION, .keys = signin_keys },
};

enum { TOP_KEYS = sizeof(top_keys) / sizeof(top_keys[0]) };

/* ---- platforms ----------------------------------------------------------- */

#define OF(field) AT(config_platform_values, field)

/* A row without a name is one that this platform has not. */
static const struct config_key *
platform_keys(struct arena *a, const struct platform *p)
{
	const char *reference = p->reference_default;
	const struct platform_api *api = p->api;
	const char *token = api == NULL ? NULL : api->token_key;
	const struct config_key all[] = {
		{ p->secrets_key, CONFIG_SECRETS, OF(platform.secrets),
		    (int64_t)p->secret_min, .most = (int64_t)p->secret_short },
		{ arena_printf(a, "%s_file", p->secrets_key),
		    .type = CONFIG_LIST },
		{ p->owner_key, CONFIG_REAL_TEXT, .at = OF(platform.owner) },
		{ reference == NULL ? NULL : "reference", CONFIG_REAL_TEXT,
		    OF(platform.reference), .preset = reference },
		/* how old a delivery may be */
		{ p->tolerance_default == 0 ? NULL : "tolerance", CONFIG_TIME,
		    OF(platform.tolerance), 1, .most = INT64_MAX },
		{ "grace", CONFIG_TIME, .at = OF(grace), .most = INT64_MAX },
		{ "accept_test", CONFIG_BOOL, .at = OF(accept_test) },
		/* what it knows is read with this */
		{ token, CONFIG_SECRET, OF(platform.api_token), .least = 1 },
		{ token == NULL ? NULL : arena_printf(a, "%s_file", token),
		    .type = CONFIG_LIST },
		{ api == NULL || !api->confirms ? NULL : "confirm", CONFIG_WORD,
		    OF(confirm), .words = "off after before",
		    .preset = "after" },
		{ token == NULL ? NULL : "reconcile", CONFIG_TIME,
		    OF(platform.reconcile), 0, INT64_MAX,
		    .preset = api == NULL ? NULL : api->reconcile },
		{ token == NULL ? NULL : "api", CONFIG_TEXT, OF(platform.api),
		    .preset = api == NULL ? NULL : api->address },
	};
	size_t n = sizeof(all) / sizeof(all[0]);
	struct config_key *keys = arena_alloc(a, (n + 1) * sizeof(*keys));
	struct config_key *end = keys;
	for (size_t i = 0; keys != NULL && i < n; i++)
		if (all[i].name != NULL)
			*end++ = all[i];
	return keys;
}

const struct config_key *
config_keys(struct arena *a)
{
	const size_t size =
	    (TOP_KEYS + PLATFORM__MAX + 1) * sizeof(top_keys[0]);
	struct config_key *keys = arena_alloc(a, size);
	if (keys == NULL)
		return NULL;
	memcpy(keys, top_keys, sizeof(top_keys));
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		keys[TOP_KEYS + i] =
		    (struct config_key){ platforms[i]->name, CONFIG_SECTION,
			    .keys = platform_keys(a, platforms[i]) };
	return arena_failed(a) ? NULL : keys;
}

/* ---- looking up ---------------------------------------------------------- */

const struct config_key *
config_key_find(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

size_t
config_distance(const char *a, const char *b)
{
	size_t row[DISTANCE_MAX + 1], n = strlen(b);
	if (n > DISTANCE_MAX)
		return DISTANCE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1,
			    diagonal + (a[i] == b[j] ? 0 : 1));
			diagonal = above;
		}
	}
	return row[n];
}

const char *
config_key_nearest(
    const struct config_key *keys, const char *name, size_t limit)
{
	size_t best = limit + 1;
	const char *found = NULL;
	for (; keys->name != NULL; keys++) {
		size_t d = config_distance(name, keys->name);
		if (d < best) {
			best = d;
			found = keys->name;
		}
	}
	return found;
}

const char *
config_key_home(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (keys->keys != NULL &&
		    config_key_find(keys->keys, name) != NULL)
			return keys->name;
	return NULL;
}

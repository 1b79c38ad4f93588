#include "config/config_tree.h"

#include <string.h>

#include "config/config_files.h"
#include "config/config_on.h"
#include "config/config_secret.h"
#include "config/config_token.h"
#include "config/config_web.h"
#include "store/store.h"

enum {
	API_KEY_MIN = 16, /* bytes */
	PASS_SECRET_MIN = 32, /* RFC 7518 3.2: as long as the hash */
	THREADS_MAX = 256,
	STREAMS_MAX = 100000,
	RANK_MAX = 1000000000,
	PAYMENTS_MAX = 1000,
	WORD_MAX = 255, /* bytes of an allowed word */
};

/* Where a value stands in the file, for errors and for the tree. */
struct place {
	cfg_t *cfg;
	const char *section; /* NULL: outside of all */
	size_t nth;
};

#define BAD(r, at, key, value, ...) \
	config_bad((r)->e, (r)->file, \
	    config_line((r), (at)->section, (at)->nth, (key), (value)), \
	    __VA_ARGS__)

static int
read_int(struct config_reader *r, const struct place *at, const char *key,
    long min, long max, int *out)
{
	long v = cfg_getint(at->cfg, key);
	if (v < min || v > max)
		return BAD(
		    r, at, key, 0, "%s goes from %ld to %ld", key, min, max);
	*out = (int)v;
	return 0;
}

/* Absent: *out stays. */
static int
read_duration(struct config_reader *r, const struct place *at, const char *key,
    int64_t min, int64_t *out)
{
	const char *z = cfg_getstr(at->cfg, key);
	if (z == NULL)
		return 0;
	if (str_duration(str_from(z), out) != 0)
		return BAD(r, at, key, 0,
		    "%s is not a time; write a number and one of s, m, h, d, "
		    "w, such as '7d'",
		    key);
	if (*out < min)
		return BAD(r, at, key, 0, "%s is too short; write '5m'", key);
	return 0;
}

/* Empty or absent: STR_NONE. */
static int
read_text(struct config_reader *r, const struct place *at, const char *key,
    struct str *out)
{
	struct str s = str_from(cfg_getstr(at->cfg, key));
	*out = STR_NONE;
	if (s.n == 0)
		return 0;
	if (config_is_placeholder(s))
		return BAD(r, at, key, 0,
		    "%s still holds a placeholder; put the real value there "
		    "or take the line out",
		    key);
	out->p = str_z(r->arena, s);
	out->n = s.n;
	return out->p != NULL ? 0 : config_no_memory(r);
}

static int
is_url_char(char c)
{
	return c > 0x20 && c < 0x7F && strchr("\"'<>\\^`{|}?#@", c) == NULL;
}

static int
read_public_url(struct config_reader *r, const struct place *at)
{
	static const char key[] = "public_url";
	struct str s = str_from(cfg_getstr(at->cfg, key));
	if (s.p == NULL)
		return 0;
	size_t scheme = str_starts(s, STR("https://")) ? 8
	    : str_starts(s, STR("http://"))	       ? 7
						       : 0;
	if (scheme == 0)
		return BAD(r, at, key, 0,
		    "public_url begins with https:// or http://");
	while (s.n > scheme && s.p[s.n - 1] == '/')
		s.n--;
	int good = s.n > scheme && s.p[scheme] != '/';
	for (size_t i = scheme; i < s.n; i++)
		if (!is_url_char(s.p[i]) ||
		    (s.p[i] == '.' && s.p[i - 1] == '.'))
			good = 0;
	if (!good)
		return BAD(r, at, key, 0,
		    "public_url is not the address of a site; write it like "
		    "'https://example.org'");
	r->config->public_url = (struct str){ str_z(r->arena, s), s.n };
	return r->config->public_url.p != NULL ? 0 : config_no_memory(r);
}

/* postgresql://user:password@host/…, or password=… among its parameters. */
static int
url_has_password(struct str s)
{
	struct str head, user, rest;
	if (!str_cut(s, '@', &head, &rest))
		return strstr(s.p, "password=") != NULL;
	str_cut(head, ':', &user, &rest);
	return str_has_byte(rest, ':') || strstr(s.p, "password=") != NULL;
}

/* A password that stands in the file makes it one that holds a secret. */
static const char *
take_url(struct config_reader *r, const char *key, struct str s)
{
	const struct config_key *k = config_scan_find(&r->scan, NULL, 0, key);
	if (k != NULL && k->values[0].literal && url_has_password(s))
		r->secret_line = k->values[0].line;
	return str_z(r->arena, s);
}

/* A second URL beside that of the database; a file needs none. */
static int
read_url(struct config_reader *r, const struct place *at, const char *key,
    const char **out)
{
	struct str s = str_from(cfg_getstr(at->cfg, key));
	if (s.p == NULL)
		return 0;
	if (!str_starts(s, STR("postgresql://")))
		return BAD(r, at, key, 0, "this URL begins with postgresql://");
	if (strstr(r->config->database, "://") == NULL)
		return 0;
	*out = take_url(r, key, s);
	return *out != NULL ? 0 : config_no_memory(r);
}

static int
read_database(struct config_reader *r, const struct place *at)
{
	static const char key[] = "database";
	const char *z = cfg_getstr(at->cfg, key);
	struct str s = str_from(z);
	if (str_starts(s, STR("postgresql://"))) {
		r->config->database = take_url(r, key, s);
	} else if (s.n == 0 || strstr(z, "://") != NULL) {
		return BAD(r, at, key, 0,
		    "database is the path of a file, or postgresql://…");
	} else if (store_is_words(z)) {
		return BAD(r, at, key, 0,
		    "database: PostgreSQL is named by a URL, "
		    "'postgresql://user:password@host/name', not by host=… "
		    "dbname=…");
	} else if (str_starts(s, STR("~/"))) {
		return BAD(r, at, key, 0,
		    "database: ~ is not filled in here; write "
		    "'${HOME}/…' or the whole path");
	} else {
		r->config->database = config_path(r, z);
	}
	return r->config->database != NULL ? 0 : config_no_memory(r);
}

static int
read_top(struct config_reader *r, cfg_t *cfg, int64_t *grace)
{
	static const struct config_secret_kind api = { NULL, "api_keys",
		API_KEY_MIN, 0, 0 };
	static const struct config_secret_kind pass = { NULL, "pass_secret",
		PASS_SECRET_MIN, 0, 0 };
	const struct place top = { cfg, NULL, 0 };
	struct config *c = r->config;
	const char *on_error = cfg_getstr(cfg, "gate_on_error");
	struct str group;
	if (read_database(r, &top) != 0 ||
	    read_url(r, &top, "listen_url", &c->listen_url) != 0 ||
	    read_url(r, &top, "standby_url", &c->standby_url) != 0 ||
	    read_public_url(r, &top) != 0 ||
	    config_secret_read(r, cfg, &api, &c->api_keys) != 0 ||
	    config_secret_read(r, cfg, &pass, &c->pass_secrets) != 0 ||
	    read_duration(r, &top, "grace", 0, grace) != 0 ||
	    read_int(r, &top, "threads", 1, THREADS_MAX, &c->threads) != 0 ||
	    read_int(r, &top, "streams", 1, STREAMS_MAX, &c->streams) != 0 ||
	    read_text(r, &top, "listen_group", &group) != 0)
		return -1;
	c->listen_group = group.p;
	c->gate_open_on_error = strcmp(on_error, "open") == 0;
	if (!c->gate_open_on_error && strcmp(on_error, "closed") != 0)
		return BAD(r, &top, "gate_on_error", 0,
		    "gate_on_error is 'closed' or 'open'");
	return 0;
}

static int
read_platform(struct config_reader *r, cfg_t *root, size_t i, int64_t grace)
{
	const struct platform *p = platforms[i];
	const struct place at = { cfg_getsec(root, p->name), p->name, 0 };
	const struct config_secret_kind kind = { p->name, p->secrets_key,
		p->secret_min, p->secret_short, 0 };
	struct config_platform *out = &r->config->platforms[i];
	struct tier_rules *rules = &r->config->rules;
	rules->grace[i] = grace;
	out->tolerance = p->tolerance_default;
	if (config_secret_read(r, at.cfg, &kind, &out->secrets) != 0 ||
	    (p->owner_key != NULL &&
		read_text(r, &at, p->owner_key, &out->owner) != 0) ||
	    read_duration(r, &at, "grace", 0, &rules->grace[i]) != 0)
		return -1;
	if (p->tolerance_default != 0 &&
	    read_duration(r, &at, "tolerance", 1, &out->tolerance) != 0)
		return -1;
	if (p->reference_default != NULL) {
		if (read_text(r, &at, "reference", &out->reference) != 0)
			return -1;
		if (out->reference.p == NULL)
			return BAD(r, &at, "reference", 0,
			    "reference is empty; take the line out for '%s'",
			    p->reference_default);
	}
	rules->accept_test[i] = cfg_getbool(at.cfg, "accept_test") == cfg_true;
	return 0;
}

/* ---- tiers -------------------------------------------------------------- */

static int
read_allows(struct config_reader *r, const struct place *at, struct tier *t)
{
	size_t n = cfg_size(at->cfg, "allows");
	struct str *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < n; i++) {
		v[i] = str_from(cfg_getnstr(at->cfg, "allows", (unsigned)i));
		if (v[i].n == 0 || v[i].n > WORD_MAX)
			return BAD(r, at, "allows", i,
			    "a word of allows has 1 to %d bytes", WORD_MAX);
		v[i].p = str_z(r->arena, v[i]);
		if (v[i].p == NULL)
			return config_no_memory(r);
	}
	t->allows = v;
	t->n_allows = n;
	return 0;
}

static int
read_grants(struct config_reader *r, const struct place *at, struct tier *t)
{
	size_t n = cfg_size(at->cfg, "grants");
	struct tier_grant *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < n; i++) {
		struct err why = { 0 };
		struct str line =
		    str_from(cfg_getnstr(at->cfg, "grants", (unsigned)i));
		if (tier_grant_parse(r->arena, line, &v[i], &why) == 0)
			continue;
		if (why.code == ERR_MEMORY)
			return config_no_memory(r);
		return BAD(r, at, "grants", i, "%s", why.text);
	}
	t->grants = v;
	t->n_grants = n;
	return 0;
}

static int
read_lasts(struct config_reader *r, const struct place *at, struct tier *t)
{
	const char *lasts = cfg_getstr(at->cfg, "lasts");
	if (lasts == NULL)
		t->lasts = TIER_PAID;
	else if (strcmp(lasts, "forever") == 0)
		t->lasts = TIER_FOREVER;
	else if (strcmp(lasts, "always") == 0)
		t->lasts = TIER_ALWAYS;
	else
		return BAD(r, at, "lasts", 0,
		    "lasts is 'forever' or 'always'; take the line out for a "
		    "tier that ends with its payments");
	return read_int(r, at, "payments", 0, PAYMENTS_MAX, &t->payments);
}

static int
read_tiers(struct config_reader *r, cfg_t *root)
{
	size_t n = cfg_size(root, "tier");
	struct tier *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < n; i++) {
		const struct place at = {
			cfg_getnsec(root, "tier", (unsigned)i), "tier", i
		};
		struct str title = str_from(cfg_title(at.cfg));
		int rank = 0;
		v[i].name = (struct str){ str_z(r->arena, title), title.n };
		if (v[i].name.p == NULL)
			return config_no_memory(r);
		if (read_int(r, &at, "rank", -RANK_MAX, RANK_MAX, &rank) != 0 ||
		    read_lasts(r, &at, &v[i]) != 0 ||
		    read_allows(r, &at, &v[i]) != 0 ||
		    read_grants(r, &at, &v[i]) != 0)
			return -1;
		v[i].rank = rank;
	}
	r->config->rules.tiers = v;
	r->config->rules.n_tiers = n;
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

int
config_tree_read(struct config_reader *r, cfg_t *cfg)
{
	int64_t grace = 0;
	if (read_top(r, cfg, &grace) != 0)
		return -1;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (read_platform(r, cfg, i, grace) != 0)
			return -1;
	if (read_tiers(r, cfg) != 0 || config_web_read(r, cfg) != 0 ||
	    config_files_read(r, cfg) != 0)
		return -1;
	return config_on_read(r, cfg);
}

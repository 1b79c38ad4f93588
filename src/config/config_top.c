#include <string.h>

#include "config/config_reader.h"
#include "config/config_token.h"
#include "store/store.h"

enum { WORD_MAX = 255 }; /* bytes of an allowed word */

/* ---- outside of all sections --------------------------------------------- */

static int
is_url_char(char c)
{
	return c > 0x20 && c < 0x7F && strchr("\"'<>\\^`{|}?#@", c) == NULL;
}

const char *
config_site_fault(struct str *s)
{
	size_t scheme = str_starts(*s, STR("https://")) ? 8
	    : str_starts(*s, STR("http://"))		? 7
							: 0;
	if (scheme == 0)
		return "begins with https:// or http://";
	while (s->n > scheme && s->p[s->n - 1] == '/')
		s->n--;
	int good = s->n > scheme && s->p[scheme] != '/';
	for (size_t i = scheme; i < s->n; i++)
		if (!is_url_char(s->p[i]) ||
		    (s->p[i] == '.' && s->p[i - 1] == '.'))
			good = 0;
	return good ? NULL
		    : "is not the address of a site; write it like "
		      "'https://example.org'";
}

static int
read_public_url(struct config_reader *r)
{
	static const char key[] = "public_url";
	struct str s = config_text(r, key);
	if (s.p == NULL)
		return 0;
	const char *fault = config_site_fault(&s);
	if (fault != NULL)
		return config_refuse(r, key, "public_url %s", fault);
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
	const struct config_entry *entry = config_tree_find(r->root, key);
	if (entry != NULL && entry->values->literal && url_has_password(s))
		r->secret_line = entry->values->line;
	return s.p;
}

/* A second URL beside that of the database; a file needs none. */
static int
read_url(struct config_reader *r, const char *key, const char **out)
{
	struct str s = config_text(r, key);
	if (s.p == NULL)
		return 0;
	if (!str_starts(s, STR("postgresql://")))
		return config_refuse(
		    r, key, "this URL begins with postgresql://");
	if (strstr(r->config->database, "://") != NULL)
		*out = take_url(r, key, s);
	return 0;
}

static int
read_database(struct config_reader *r)
{
	static const char key[] = "database";
	struct str s = config_text(r, key);
	if (str_starts(s, STR("postgresql://"))) {
		r->config->database = take_url(r, key, s);
		return 0;
	}
	if (s.n == 0 || strstr(s.p, "://") != NULL)
		return config_refuse(r, key,
		    "database is the path of a file, or postgresql://…");
	if (store_is_words(s.p))
		return config_refuse(r, key,
		    "database: PostgreSQL is named by a URL, "
		    "'postgresql://user:password@host/name', not by host=… "
		    "dbname=…");
	if (str_starts(s, STR("~/")))
		return config_refuse(r, key,
		    "database: ~ is not filled in here; write "
		    "'${HOME}/…' or the whole path");
	r->config->database = config_path(r, s.p);
	return r->config->database != NULL ? 0 : config_no_memory(r);
}

static int
read_quiet(struct config_reader *r, int64_t *out)
{
	struct str s = config_text(r, "quiet");
	*out = str_eq_z(s, "off") ? CONFIG_QUIET_OFF : CONFIG_QUIET_AUTO;
	if (str_eq_z(s, "off") || str_eq_z(s, "auto") ||
	    (str_duration(s, out) == 0 && *out > 0))
		return 0;
	return config_refuse(
	    r, "quiet", "quiet is 'auto', 'off', or a time such as '3d'");
}

static int
read_keys(struct config_reader *r)
{
	struct config *c = r->config;
	struct str group = STR_NONE;
	if (read_database(r) != 0 ||
	    read_url(r, "listen_url", &c->listen_url) != 0 ||
	    read_url(r, "standby_url", &c->standby_url) != 0 ||
	    read_public_url(r) != 0 || config_fill(r, c) != 0 ||
	    read_quiet(r, &c->quiet) != 0 ||
	    config_fill_key(r, "listen_group", &group) != 0)
		return -1;
	c->listen_group = group.p;
	return 0;
}

/* ---- platforms ----------------------------------------------------------- */

/* The token goes there: not in clear but to this machine. */
static int
is_here(struct str api)
{
	static const char *const here[] = { "http://127.0.0.1", "http://[::1]",
		"http://localhost" };
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		size_t n = strlen(here[i]);
		if (str_starts(api, str_from(here[i])) &&
		    (api.n == n || api.p[n] == ':' || api.p[n] == '/'))
			return 1;
	}
	return 0;
}

static int
read_api(struct config_reader *r, struct str *api)
{
	if (!is_here(*api) && !str_starts(*api, STR("https://")))
		return config_refuse(r, "api",
		    "api begins with https://; http:// is only for this "
		    "machine");
	while (api->n > 0 && api->p[api->n - 1] == '/')
		api->n--;
	api->p = str_z(r->arena, *api);
	return api->p != NULL ? 0 : config_no_memory(r);
}

static int
read_platform(struct config_reader *r, size_t i)
{
	const struct platform *p = platforms[i];
	struct config_platform_values v = { .grace = r->config->grace,
		.platform.tolerance = p->tolerance_default };
	r->in = config_section(r, p->name);
	if (config_fill(r, &v) != 0)
		return -1;
	if (p->reference_default != NULL && v.platform.reference.p == NULL)
		return config_refuse(r, "reference",
		    "reference is empty; take the line out for '%s'",
		    p->reference_default);
	if (v.platform.api.p != NULL && read_api(r, &v.platform.api) != 0)
		return -1;
	r->config->platforms[i] = v.platform;
	r->config->rules.grace[i] = v.grace;
	r->config->rules.accept_test[i] = v.accept_test;
	/* without a token nothing is ever confirmed */
	if (v.platform.api_token.p != NULL)
		r->config->rules.confirm[i] = (enum tier_confirm)v.confirm;
	return 0;
}

/* ---- tiers --------------------------------------------------------------- */

static int
read_allows(struct config_reader *r, struct tier *t)
{
	const struct config_entry *list = config_values(r, "allows");
	struct str *v = config_texts(r, list);
	for (size_t i = 0; v != NULL && i < list->n; i++)
		if (v[i].n == 0 || v[i].n > WORD_MAX)
			return config_bad(r->e, r->file, list->values[i].line,
			    "a word of allows has 1 to %d bytes", WORD_MAX);
	t->allows = v;
	t->n_allows = list->n;
	return v != NULL ? 0 : config_no_memory(r);
}

static int
read_grants(struct config_reader *r, struct tier *t)
{
	const struct config_entry *list = config_values(r, "grants");
	struct tier_grant *to =
	    arena_alloc(r->arena, (list->n + 1) * sizeof(*to));
	if (to == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < list->n; i++) {
		const struct config_value *v = &list->values[i];
		struct err why = { 0 };
		if (tier_grant_parse(r->arena, v->text, &to[i], &why) == 0)
			continue;
		if (why.code == ERR_MEMORY)
			return config_no_memory(r);
		return config_bad(r->e, r->file, v->line, "%s", why.text);
	}
	t->grants = to;
	t->n_grants = list->n;
	return 0;
}

static int
read_tiers(struct config_reader *r)
{
	const struct config_section *s = config_section(r, "tier");
	size_t n = 0, max = config_tree_count(s, "tier");
	struct tier *v = arena_alloc(r->arena, (max + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (; s != NULL; s = config_tree_next(s->next, "tier")) {
		struct tier *t = &v[n++];
		r->in = s;
		t->name = s->title;
		if (config_fill(r, t) != 0 || read_allows(r, t) != 0 ||
		    read_grants(r, t) != 0)
			return -1;
	}
	r->config->rules.tiers = v;
	r->config->rules.n_tiers = n;
	return 0;
}

/* ---- all of it ----------------------------------------------------------- */

int
config_top_read(struct config_reader *r)
{
	r->in = r->root;
	if (read_keys(r) != 0)
		return -1;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (read_platform(r, i) != 0)
			return -1;
	if (read_tiers(r) != 0 || config_web_read(r) != 0 ||
	    config_files_read(r) != 0)
		return -1;
	return config_on_read(r);
}

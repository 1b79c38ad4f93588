#include "core/config.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config_scan.h"
#include "core/config_secret.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define GRACE_DEFAULT "7d"

enum {
	ARENA_MAX = 32 << 20, /* the texts before and after, and the values */
	PLATFORM_KEYS_MAX = 7,
	API_KEY_MIN = 16, /* bytes */
	PASS_SECRET_MIN = 32, /* RFC 7518 3.2: as long as the hash */
	THREADS_MAX = 256,
	STREAMS_MAX = 100000,
	RANK_MAX = 1000000000,
	WORD_MAX = 255, /* bytes of an allowed word */
};

/* ---- where it is -------------------------------------------------------- */

/* Anything but absence is left to config_load, which says what is wrong. */
static int
is_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* ../gatepost/gatepost.conf seen from the program's own folder. */
static char *
beside_program(struct arena *a)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
	if (n <= 0 || n >= (ssize_t)sizeof(exe))
		return NULL;
	while (n > 0 && exe[n - 1] != '/')
		n--;
	return arena_printf(a, "%.*s../gatepost/gatepost.conf", (int)n, exe);
}

char *
config_locate(
    struct arena *a, const char *option, enum config_door door, struct err *e)
{
	const char *env = getenv("GATEPOST_CONFIG");
	/* what was named is taken at its word, or a slip would pick another */
	if (option == NULL && env != NULL && env[0] != '\0')
		option = env;
	char *path = option != NULL ? str_z(a, str_from(option))
	    : door == CONFIG_CLI    ? str_z(a, STR("gatepost.conf"))
				    : beside_program(a);
	char *system = str_z(a, STR(SYSCONFDIR "/gatepost/gatepost.conf"));
	if (arena_failed(a)) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	if (option != NULL || (path != NULL && is_there(path)))
		return path;
	if (is_there(system))
		return system;
	err_set(e, ERR_CONFIG,
	    "no configuration: looked at %s%s%s; name it with -c or "
	    "GATEPOST_CONFIG, or make one with gatepost init",
	    path == NULL ? "" : path, path == NULL ? "" : " and ", system);
	return NULL;
}

/* ---- the keys ----------------------------------------------------------- */

static cfg_opt_t *
platform_options(struct arena *a, const struct platform *p)
{
	cfg_opt_t *o = arena_alloc(a, (PLATFORM_KEYS_MAX + 1) * sizeof(*o));
	const char *file_key = arena_printf(a, "%s_file", p->secrets_key);
	size_t n = 0;
	if (o == NULL || file_key == NULL)
		return NULL;
	o[n++] = (cfg_opt_t)CFG_STR_LIST(p->secrets_key, NULL, CFGF_NONE);
	o[n++] = (cfg_opt_t)CFG_STR_LIST(file_key, NULL, CFGF_NONE);
	o[n++] = (cfg_opt_t)CFG_STR(p->owner_key, "", CFGF_NONE);
	if (p->reference_default != NULL)
		o[n++] = (cfg_opt_t)CFG_STR(
		    "reference", p->reference_default, CFGF_NONE);
	if (p->tolerance_default != 0)
		o[n++] = (cfg_opt_t)CFG_STR("tolerance", NULL, CFGF_NONE);
	o[n++] = (cfg_opt_t)CFG_STR("grace", NULL, CFGF_NONE);
	o[n++] = (cfg_opt_t)CFG_BOOL("accept_test", cfg_false, CFGF_NONE);
	o[n] = (cfg_opt_t)CFG_END();
	return o;
}

static cfg_opt_t *
options(struct arena *a)
{
	const cfg_opt_t tier[] = {
		CFG_INT("rank", 0, CFGF_NONE),
		CFG_STR_LIST("allows", NULL, CFGF_NONE),
		CFG_STR_LIST("grants", NULL, CFGF_NONE),
		CFG_STR("lasts", NULL, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t *tier_options = arena_alloc(a, sizeof(tier));
	if (tier_options == NULL)
		return NULL;
	memcpy(tier_options, tier, sizeof(tier));
	const cfg_opt_t top[] = {
		CFG_STR("database", "gatepost.db", CFGF_NONE),
		CFG_STR("public_url", NULL, CFGF_NONE),
		CFG_STR_LIST("api_keys", NULL, CFGF_NONE),
		CFG_STR_LIST("api_keys_file", NULL, CFGF_NONE),
		CFG_STR_LIST("pass_secret", NULL, CFGF_NONE),
		CFG_STR_LIST("pass_secret_file", NULL, CFGF_NONE),
		CFG_STR("grace", GRACE_DEFAULT, CFGF_NONE),
		CFG_INT("threads", 16, CFGF_NONE),
		CFG_INT("streams", 5000, CFGF_NONE),
		CFG_STR("gate_on_error", "closed", CFGF_NONE),
		CFG_STR("listen_group", "", CFGF_NONE),
		CFG_SEC("tier", tier_options, CFGF_MULTI | CFGF_TITLE),
	};
	size_t n = sizeof(top) / sizeof(top[0]);
	cfg_opt_t *o =
	    arena_alloc(a, sizeof(top) + (PLATFORM__MAX + 1) * sizeof(*o));
	if (o == NULL)
		return NULL;
	memcpy(o, top, sizeof(top));
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		cfg_opt_t *sub = platform_options(a, platforms[i]);
		if (sub == NULL)
			return NULL;
		o[n++] = (cfg_opt_t)CFG_SEC(platforms[i]->name, sub, CFGF_NONE);
	}
	o[n] = (cfg_opt_t)CFG_END();
	return o;
}

/* ---- values ------------------------------------------------------------- */

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
no_memory(struct config_reader *r)
{
	return err_set(r->e, ERR_MEMORY, "out of memory");
}

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
	return out->p != NULL ? 0 : no_memory(r);
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
	return r->config->public_url.p != NULL ? 0 : no_memory(r);
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

static int
read_database(struct config_reader *r, const struct place *at)
{
	static const char key[] = "database";
	const char *z = cfg_getstr(at->cfg, key);
	const struct config_key *k = config_scan_find(&r->scan, NULL, 0, key);
	struct str s = str_from(z);
	if (str_starts(s, STR("postgresql://"))) {
		if (k != NULL && k->values[0].literal && url_has_password(s))
			r->secret_line = k->values[0].line;
		r->config->database = str_z(r->arena, s);
	} else if (s.n == 0 || strstr(z, "://") != NULL) {
		return BAD(r, at, key, 0,
		    "database is the path of a file, or postgresql://…");
	} else if (str_starts(s, STR("~/"))) {
		return BAD(r, at, key, 0,
		    "database: ~ is not filled in here; write "
		    "'${HOME}/…' or the whole path");
	} else {
		r->config->database = config_path(r, z);
	}
	return r->config->database != NULL ? 0 : no_memory(r);
}

static int
read_top(struct config_reader *r, cfg_t *cfg, int64_t *grace)
{
	static const struct config_secret_kind api = { NULL, "api_keys",
		API_KEY_MIN, 0 };
	static const struct config_secret_kind pass = { NULL, "pass_secret",
		PASS_SECRET_MIN, 0 };
	const struct place top = { cfg, NULL, 0 };
	struct config *c = r->config;
	const char *on_error = cfg_getstr(cfg, "gate_on_error");
	struct str group;
	if (read_database(r, &top) != 0 || read_public_url(r, &top) != 0 ||
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
		p->secret_min, p->secret_short };
	struct config_platform *out = &r->config->platforms[i];
	struct tier_rules *rules = &r->config->rules;
	rules->grace[i] = grace;
	out->tolerance = p->tolerance_default;
	if (config_secret_read(r, at.cfg, &kind, &out->secrets) != 0 ||
	    read_text(r, &at, p->owner_key, &out->owner) != 0 ||
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
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		v[i] = str_from(cfg_getnstr(at->cfg, "allows", (unsigned)i));
		if (v[i].n == 0 || v[i].n > WORD_MAX)
			return BAD(r, at, "allows", i,
			    "a word of allows has 1 to %d bytes", WORD_MAX);
		v[i].p = str_z(r->arena, v[i]);
		if (v[i].p == NULL)
			return no_memory(r);
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
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		struct err why = { 0 };
		struct str line =
		    str_from(cfg_getnstr(at->cfg, "grants", (unsigned)i));
		if (tier_grant_parse(r->arena, line, &v[i], &why) == 0)
			continue;
		if (why.code == ERR_MEMORY)
			return no_memory(r);
		return BAD(r, at, "grants", i, "%s", why.text);
	}
	t->grants = v;
	t->n_grants = n;
	return 0;
}

static int
read_tiers(struct config_reader *r, cfg_t *root)
{
	size_t n = cfg_size(root, "tier");
	struct tier *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		const struct place at = {
			cfg_getnsec(root, "tier", (unsigned)i), "tier", i
		};
		struct str title = str_from(cfg_title(at.cfg));
		const char *lasts = cfg_getstr(at.cfg, "lasts");
		int rank = 0;
		v[i].name = (struct str){ str_z(r->arena, title), title.n };
		if (v[i].name.p == NULL)
			return no_memory(r);
		if (read_int(r, &at, "rank", -RANK_MAX, RANK_MAX, &rank) != 0 ||
		    read_allows(r, &at, &v[i]) != 0 ||
		    read_grants(r, &at, &v[i]) != 0)
			return -1;
		v[i].rank = rank;
		v[i].forever = lasts != NULL && strcmp(lasts, "forever") == 0;
		if (lasts != NULL && !v[i].forever)
			return BAD(r, &at, "lasts", 0,
			    "lasts is 'forever'; take the line out for a "
			    "tier that ends with its payments");
	}
	r->config->rules.tiers = v;
	r->config->rules.n_tiers = n;
	return 0;
}

/* ---- the file ----------------------------------------------------------- */

static int
read_tree(struct config_reader *r, cfg_t *cfg)
{
	int64_t grace = 0;
	if (read_top(r, cfg, &grace) != 0)
		return -1;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (read_platform(r, cfg, i, grace) != 0)
			return -1;
	return read_tiers(r, cfg);
}

/* libConfuse's own messages quote what they found, which may be a secret. */
static void
say_nothing(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	(void)fmt;
	(void)ap;
}

static int
parse(struct config_reader *r, cfg_opt_t *opts)
{
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return no_memory(r);
	cfg_set_error_function(cfg, say_nothing);
	errno = 0; /* libConfuse 3.3 takes an old ERANGE for its own */
	int failed = cfg_parse_buf(cfg, r->scan.text) == CFG_SUCCESS
	    ? read_tree(r, cfg)
	    : config_bad(r->e, r->file, cfg->line,
		  "not understood from here on; compare it with "
		  "gatepost.conf(5)");
	cfg_free(cfg);
	return failed;
}

/* The folder of the file, absolute. */
static int
find_folder(struct config_reader *r)
{
	char real[PATH_MAX];
	const char *slash = strrchr(r->file, '/');
	const char *folder = slash == NULL ? "."
	    : slash == r->file
	    ? "/"
	    : arena_dup(r->arena, r->file, (size_t)(slash - r->file));
	if (folder == NULL)
		return no_memory(r);
	if (realpath(folder, real) == NULL)
		return err_set(r->e, ERR_CONFIG, "%s: cannot be read: %s",
		    r->file, strerror(errno));
	r->folder = str_z(r->arena, str_from(real));
	return r->folder != NULL ? 0 : no_memory(r);
}

static int
load(struct config_reader *r)
{
	struct err why = { 0 };
	struct str text;
	unsigned mode = 0;
	if (config_slurp(
		r->arena, r->file, CONFIG_BYTES_MAX, &text, &mode, &why) != 0)
		return err_set(r->e, ERR_CONFIG, "%s: cannot be read: %s",
		    r->file, why.text);
	cfg_opt_t *opts = options(r->arena);
	if (opts == NULL)
		return no_memory(r);
	if (find_folder(r) != 0 ||
	    config_scan_text(r->arena, r->file, text, opts, &r->scan, r->e) !=
		0 ||
	    parse(r, opts) != 0)
		return -1;
	if (r->secret_line > 0 && (mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		return config_bad(r->e, r->file, r->secret_line,
		    "holds a secret, and others can %s the file; run: "
		    "chmod go-w,o-r %s",
		    (mode & S_IROTH) != 0 ? "read" : "change", r->file);
	return 0;
}

int
config_load(const char *file, struct config **out, struct err *e)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct config *c = a == NULL ? NULL : arena_alloc(a, sizeof(*c));
	*out = NULL;
	if (c == NULL) {
		arena_free(a);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	c->arena = a;
	c->file = str_z(a, str_from(file));
	struct config_reader r = {
		.config = c, .arena = a, .file = c->file, .e = e
	};
	if ((c->file == NULL ? no_memory(&r) : load(&r)) != 0) {
		arena_free(a);
		return -1;
	}
	*out = c;
	return 0;
}

void
config_free(struct config *c)
{
	if (c != NULL)
		arena_free(c->arena);
}

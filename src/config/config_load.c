#include "config/config.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_on.h"
#include "config/config_reader.h"
#include "config/config_token.h"
#include "config/config_tree.h"
#include "config/site.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define GRACE_DEFAULT "7d"

enum {
	ARENA_MAX = 32 << 20, /* the texts before and after, and the values */
	PLATFORM_KEYS_MAX = 7,
};

/* ---- where it is -------------------------------------------------------- */

/* Anything but absence is left to config_load, which says what is wrong. */
static int
is_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* ../gatepost/gatepost.conf seen from the program's folder, or else seen from
 * the web root. NULL: unknown, or no memory. */
static char *
beside_program(struct arena *a)
{
	struct site_opts o;
	struct site site;
	if (site_process(a, &o, NULL) != 0 ||
	    site_find(a, &o, &site, NULL) != 0 || site.near == NULL)
		return NULL;
	return str_z(
	    a, str_from(is_there(site.near) ? site.near : site.config));
}

/* So that an error names one file wherever it is read; but where a folder above
 * is closed to this user, only the short name leads there. */
static char *
absolute(struct arena *a, const char *path)
{
	char folder[PATH_MAX];
	if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL ||
	    access(folder, X_OK) != 0)
		return str_z(a, str_from(path));
	return arena_printf(a, "%s/%s", folder, path);
}

char *
config_locate(
    struct arena *a, const char *option, enum config_door door, struct err *e)
{
	const char *env = getenv("GATEPOST_CONFIG");
	/* what was named is taken at its word, or a slip would pick another */
	if (option == NULL && env != NULL && env[0] != '\0')
		option = env;
	/* sudo keeps the folder one stands in, and it may be closed to the
	 * user one has become */
	int lost =
	    option == NULL && door == CONFIG_CLI && access(".", X_OK) != 0;
	char *path = option != NULL ? absolute(a, option)
	    : lost		    ? NULL
	    : door == CONFIG_CLI    ? absolute(a, "gatepost.conf")
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
	if (p->owner_key != NULL)
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
tier_options(struct arena *a)
{
	const cfg_opt_t tier[] = {
		CFG_INT("rank", 0, CFGF_NONE),
		CFG_STR_LIST("allows", NULL, CFGF_NONE),
		CFG_STR_LIST("grants", NULL, CFGF_NONE),
		CFG_STR("lasts", NULL, CFGF_NONE),
		CFG_INT("payments", 0, CFGF_NONE),
		CFG_END(),
	};
	return (cfg_opt_t *)arena_dup(a, tier, sizeof(tier));
}

static cfg_opt_t *
buy_options(struct arena *a)
{
	const cfg_opt_t buy[] = {
		CFG_STR("url", NULL, CFGF_NONE),
		CFG_STR("parameter", NULL, CFGF_NONE),
		CFG_STR("for", "30d", CFGF_NONE),
		CFG_END(),
	};
	return (cfg_opt_t *)arena_dup(a, buy, sizeof(buy));
}

static cfg_opt_t *
signin_options(struct arena *a)
{
	const cfg_opt_t signin[] = {
		CFG_STR("for", "30d", CFGF_NONE),
		CFG_END(),
	};
	return (cfg_opt_t *)arena_dup(a, signin, sizeof(signin));
}

static cfg_opt_t *
files_options(struct arena *a)
{
	const cfg_opt_t files[] = {
		CFG_STR("root", NULL, CFGF_NONE),
		CFG_STR("tier", NULL, CFGF_NONE),
		CFG_STR("allow", NULL, CFGF_NONE),
		CFG_STR("serve", "direct", CFGF_NONE),
		CFG_STR("accel", NULL, CFGF_NONE),
		CFG_STR("join", NULL, CFGF_NONE),
		CFG_BOOL("attachment", cfg_false, CFGF_NONE),
		CFG_BOOL("scripts", cfg_false, CFGF_NONE),
		CFG_STR("link_for", "7d", CFGF_NONE),
		CFG_END(),
	};
	return (cfg_opt_t *)arena_dup(a, files, sizeof(files));
}

static cfg_opt_t *
options(struct arena *a)
{
	cfg_opt_t *tier = tier_options(a), *buy = buy_options(a);
	cfg_opt_t *files = files_options(a), *signin = signin_options(a);
	cfg_opt_t *on = config_on_options(a), *mail = config_mail_options(a);
	if (tier == NULL || buy == NULL || files == NULL || signin == NULL ||
	    on == NULL || mail == NULL)
		return NULL;
	const cfg_opt_t top[] = {
		CFG_STR("database", "gatepost.db", CFGF_NONE),
		CFG_STR("listen_url", NULL, CFGF_NONE),
		CFG_STR("standby_url", NULL, CFGF_NONE),
		CFG_STR("public_url", NULL, CFGF_NONE),
		CFG_STR("cookie_domain", NULL, CFGF_NONE),
		CFG_STR_LIST("allow_origin", NULL, CFGF_NONE),
		CFG_STR_LIST("api_keys", NULL, CFGF_NONE),
		CFG_STR_LIST("api_keys_file", NULL, CFGF_NONE),
		CFG_STR_LIST("pass_secret", NULL, CFGF_NONE),
		CFG_STR_LIST("pass_secret_file", NULL, CFGF_NONE),
		CFG_STR("grace", GRACE_DEFAULT, CFGF_NONE),
		CFG_INT("threads", 16, CFGF_NONE),
		CFG_INT("streams", 5000, CFGF_NONE),
		CFG_STR("gate_on_error", "closed", CFGF_NONE),
		CFG_STR("listen_group", "", CFGF_NONE),
		CFG_STR("alert_mail", NULL, CFGF_NONE),
		CFG_SEC("mail", mail, CFGF_NONE),
		CFG_SEC("on", on, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("buy", buy, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("tier", tier, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("files", files, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("signin", signin, CFGF_NONE),
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

/* ---- the file ----------------------------------------------------------- */

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
		return config_no_memory(r);
	cfg_set_error_function(cfg, say_nothing);
	errno = 0; /* libConfuse 3.3 takes an old ERANGE for its own */
	int failed = cfg_parse_buf(cfg, r->scan.text) == CFG_SUCCESS
	    ? config_tree_read(r, cfg)
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
		return config_no_memory(r);
	if (realpath(folder, real) == NULL)
		return err_set(r->e, ERR_CONFIG, "%s: cannot be read: %s",
		    r->file, strerror(errno));
	r->folder = str_z(r->arena, str_from(real));
	return r->folder != NULL ? 0 : config_no_memory(r);
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
		return config_no_memory(r);
	if (find_folder(r) != 0 ||
	    config_scan_text(r->arena, r->file, text, opts, &r->scan, r->e) !=
		0 ||
	    parse(r, opts) != 0)
		return -1;
	/* emptied, or cut short: it would be a site that knows nobody */
	if (r->scan.n_keys == 0 && r->scan.n_sections == 0)
		return config_bad(r->e, r->file, 1,
		    "holds no setting; put back your copy, or make a new one "
		    "with gatepost init");
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
	if ((c->file == NULL ? config_no_memory(&r) : load(&r)) != 0) {
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

#include "config/config_files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "config/config_token.h"

#define SECTION "files"
#define LINK_FOR_MAX (INT64_C(3660) * 86400) /* seconds: ten years */

#define BAD(r, nth, key, ...) \
	config_bad((r)->e, (r)->file, line((r), (nth), (key)), __VA_ARGS__)

/* The key's; for NULL, and where it is absent, the section's first one's. */
static int
line(const struct config_reader *r, size_t nth, const char *key)
{
	const struct config_key *k =
	    key == NULL ? NULL : config_scan_find(&r->scan, SECTION, nth, key);
	for (size_t i = 0; k == NULL && i < r->scan.n_keys; i++)
		if (r->scan.keys[i].section != NULL &&
		    r->scan.keys[i].nth == nth &&
		    strcmp(r->scan.keys[i].section, SECTION) == 0)
			k = &r->scan.keys[i];
	return k == NULL ? 1 : k->line;
}

/* A copy; empty or absent: STR_NONE. */
static int
read_text(struct config_reader *r, cfg_t *cfg, const char *key, struct str *out)
{
	struct str s = str_from(cfg_getstr(cfg, key));
	*out = STR_NONE;
	if (s.n == 0)
		return 0;
	*out = (struct str){ str_z(r->arena, s), s.n };
	return out->p != NULL ? 0 : config_no_memory(r);
}

/* A path from the top: names with single slashes, none at the end. */
static int
is_path(struct str s)
{
	struct str name, rest = { s.p + 1, s.n - 1 };
	if (s.n < 2 || s.n > CONFIG_FILES_TITLE_MAX || s.p[0] != '/')
		return 0;
	while (rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		if (!beneath_is_name(name))
			return 0;
	}
	return 1;
}

/* ---- what may not lie in a root ------------------------------------------ */

/* Is path the folder itself or below it? Both absolute and plain. */
static int
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/* Links followed as far as the path is there. */
static const char *
real_path(struct config_reader *r, const char *path)
{
	char real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (realpath(path, real) != NULL)
		return str_z(r->arena, str_from(real));
	const char *folder = slash == NULL || slash == path
	    ? "/"
	    : arena_dup(r->arena, path, (size_t)(slash - path));
	if (folder == NULL || realpath(folder, real) == NULL)
		return str_z(r->arena, str_from(path));
	return arena_printf(r->arena, "%s/%s",
	    strcmp(real, "/") == 0 ? "" : real,
	    slash == NULL ? path : slash + 1);
}

/* As written and as it really is: a link can stand on either way. */
static int
holds(struct config_reader *r, const char *root, const char *path)
{
	const char *real = real_path(r, path);
	return real == NULL || is_below(real, root) || is_below(path, root);
}

/* The files that secrets are read from, of all sections: keys in _file. */
static int
holds_secret(struct config_reader *r, cfg_t *cfg, const char *root)
{
	for (cfg_opt_t *o = cfg->opts; o != NULL && o->name != NULL; o++) {
		size_t n = strlen(o->name);
		unsigned count = cfg_opt_size(o);
		if (o->type == CFGT_SEC) {
			for (unsigned i = 0; i < count; i++)
				if (holds_secret(
					r, cfg_opt_getnsec(o, i), root))
					return 1;
			continue;
		}
		if (o->type != CFGT_STR || n < 5 ||
		    strcmp(o->name + n - 5, "_file") != 0)
			continue;
		for (unsigned i = 0; i < count; i++) {
			const char *path =
			    config_path(r, cfg_opt_getnstr(o, i));
			if (path == NULL || holds(r, root, path))
				return 1;
		}
	}
	return 0;
}

static int
check_contents(
    struct config_reader *r, cfg_t *top, size_t nth, const char *root)
{
	const char *slash = strrchr(r->file, '/');
	const char *own = arena_printf(
	    r->arena, "%s/%s", r->folder, slash == NULL ? r->file : slash + 1);
	const char *what = NULL;
	if (own == NULL || holds(r, root, own))
		what = "these settings";
	else if (strstr(r->config->database, "://") == NULL &&
	    holds(r, root, r->config->database))
		what = "the database";
	else if (holds_secret(r, top, root))
		what = "a secret's file";
	if (arena_failed(r->arena))
		return config_no_memory(r);
	if (what != NULL)
		return BAD(r, nth, "root",
		    "root holds %s; name a folder that holds members' files "
		    "alone",
		    what);
	return 0;
}

/* One root inside another lets its files out by the other's rule, unless the
 * URL is the same: the longer title is looked at first. */
static int
check_overlap(struct config_reader *r, size_t nth, const struct config_files *v)
{
	const struct config_files *new = &v[nth];
	for (size_t i = 0; i < nth; i++) {
		const struct config_files *in = new, *out = &v[i];
		if (is_below(v[i].root, new->root)) {
			in = &v[i];
			out = new;
		} else if (!is_below(new->root, v[i].root)) {
			continue;
		}
		const char *way = in->root + strlen(out->root);
		struct str head = { in->title.p,
			in->title.n -
			    (in->title.n < strlen(way) ? 0 : strlen(way)) };
		struct str tail = { head.p + head.n, in->title.n - head.n };
		if (way[0] != '\0' && str_eq(head, out->title) &&
		    str_eq_z(tail, way))
			continue;
		return BAD(r, nth, "root",
		    "root and that of files '%.*s' lie in one another, and "
		    "one's rule would let the other's files out; give each a "
		    "folder of its own",
		    STR_ARG(v[i].title));
	}
	return 0;
}

static int
read_root(struct config_reader *r, cfg_t *top, cfg_t *cfg, size_t nth,
    struct config_files *out)
{
	const char *z = cfg_getstr(cfg, "root");
	char real[PATH_MAX];
	struct stat st;
	if (z == NULL || z[0] == '\0')
		return BAD(r, nth, z == NULL ? NULL : "root",
		    "files '%.*s' has no root; write root = "
		    "'/srv/members'",
		    STR_ARG(out->title));
	if (z[0] == '~')
		return BAD(r, nth, "root",
		    "root: ~ is not filled in here; write '${HOME}/…' or the "
		    "whole path");
	const char *path = config_path(r, z);
	if (path == NULL)
		return config_no_memory(r);
	if (realpath(path, real) != NULL)
		path = str_z(r->arena, str_from(real));
	else
		config_warn(r, "%s:%d: root of files '%.*s': %s", r->file,
		    line(r, nth, "root"), STR_ARG(out->title), strerror(errno));
	if (path == NULL)
		return config_no_memory(r);
	if (strcmp(path, "/") == 0)
		return BAD(r, nth, "root", "root is the whole machine");
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		config_problem(r, "%s:%d: root of files '%.*s': not a folder",
		    r->file, line(r, nth, "root"), STR_ARG(out->title));
	out->root = path;
	return check_contents(r, top, nth, path);
}

/* ---- the other keys ------------------------------------------------------ */

static int
is_allowed_somewhere(const struct tier_rules *rules, struct str word)
{
	for (size_t i = 0; i < rules->n_tiers; i++)
		for (size_t k = 0; k < rules->tiers[i].n_allows; k++)
			if (str_eq(rules->tiers[i].allows[k], word))
				return 1;
	return 0;
}

static int
read_rule(
    struct config_reader *r, cfg_t *cfg, size_t nth, struct config_files *out)
{
	const struct tier_rules *rules = &r->config->rules;
	if (read_text(r, cfg, "tier", &out->tier) != 0 ||
	    read_text(r, cfg, "allow", &out->allow) != 0)
		return -1;
	if ((out->tier.p == NULL) == (out->allow.p == NULL))
		return BAD(r, nth, out->tier.p == NULL ? NULL : "allow",
		    "files '%.*s' takes one of tier and allow",
		    STR_ARG(out->title));
	if (out->allow.p != NULL && !is_allowed_somewhere(rules, out->allow))
		return BAD(r, nth, "allow",
		    "no tier allows this word; put it into the allows of one");
	if (out->tier.p != NULL && tier_find(rules, out->tier) == NULL)
		config_warn(r,
		    "%s:%d: files '%.*s': there is no such tier here; only a "
		    "purchase that has just that name opens it",
		    r->file, line(r, nth, "tier"), STR_ARG(out->title));
	return 0;
}

static int
read_serve(
    struct config_reader *r, cfg_t *cfg, size_t nth, struct config_files *out)
{
	static const char *const words[] = {
		[CONFIG_DIRECT] = "direct",
		[CONFIG_ACCEL] = "accel",
		[CONFIG_SENDFILE] = "sendfile",
	};
	enum { N_WORDS = sizeof(words) / sizeof(words[0]) };
	const char *z = cfg_getstr(cfg, "serve");
	size_t i = 0;
	while (i < N_WORDS && strcmp(z, words[i]) != 0)
		i++;
	if (i == N_WORDS)
		return BAD(r, nth, "serve",
		    "serve is 'direct', 'accel' or 'sendfile'");
	out->serve = (enum config_serve)i;
	if (read_text(r, cfg, "accel", &out->accel) != 0)
		return -1;
	if ((out->accel.p != NULL) != (out->serve == CONFIG_ACCEL))
		return BAD(r, nth, out->accel.p == NULL ? "serve" : "accel",
		    "serve = 'accel' and accel = '/…', the path of nginx's "
		    "internal location, go together");
	if (out->accel.p != NULL && !is_path(out->accel))
		return BAD(
		    r, nth, "accel", "accel is a path like '/internal/guides'");
	return 0;
}

static int
read_join(
    struct config_reader *r, cfg_t *cfg, size_t nth, struct config_files *out)
{
	if (read_text(r, cfg, "join", &out->join) != 0)
		return -1;
	struct str s = out->join;
	/* "//" begins a host's name */
	int good = s.n > 0 &&
	    ((s.p[0] == '/' && !str_starts(s, STR("//"))) ||
		str_starts(s, STR("https://")) ||
		str_starts(s, STR("http://")));
	for (size_t i = 0; good && i < s.n; i++)
		good = s.p[i] > 0x20 && s.p[i] < 0x7F && s.p[i] != '\\';
	if (s.p != NULL && (!good || s.n > CONFIG_FILES_TITLE_MAX))
		return BAD(r, nth, "join",
		    "join is the address of a page: '/join.html' or "
		    "'https://…'");
	return 0;
}

static int
read_link_for(
    struct config_reader *r, cfg_t *cfg, size_t nth, struct config_files *out)
{
	struct str s = str_from(cfg_getstr(cfg, "link_for"));
	if (str_duration(s, &out->link_seconds) != 0 || out->link_seconds < 1 ||
	    out->link_seconds > LINK_FOR_MAX)
		return BAD(r, nth, "link_for",
		    "link_for is a time of at most ten years; write a number "
		    "and one of s, m, h, d, w, such as '7d'");
	return 0;
}

static int
read_one(
    struct config_reader *r, cfg_t *top, size_t nth, struct config_files *v)
{
	cfg_t *cfg = cfg_getnsec(top, SECTION, (unsigned)nth);
	struct str title = str_from(cfg_title(cfg));
	struct config_files *out = &v[nth];
	out->title = (struct str){ str_z(r->arena, title), title.n };
	if (out->title.p == NULL)
		return config_no_memory(r);
	if (!is_path(title))
		return BAD(r, nth, "root",
		    "a files section is named by its path, like files "
		    "'/guides', without a slash at the end");
	out->attachment = cfg_getbool(cfg, "attachment") == cfg_true;
	out->scripts = cfg_getbool(cfg, "scripts") == cfg_true;
	if (read_root(r, top, cfg, nth, out) != 0 ||
	    read_rule(r, cfg, nth, out) != 0 ||
	    read_serve(r, cfg, nth, out) != 0 ||
	    read_join(r, cfg, nth, out) != 0 ||
	    read_link_for(r, cfg, nth, out) != 0)
		return -1;
	return check_overlap(r, nth, v);
}

int
config_files_read(struct config_reader *r, cfg_t *root)
{
	size_t n = cfg_size(root, SECTION);
	if (n > CONFIG_FILES_MAX)
		return BAD(r, CONFIG_FILES_MAX, "root",
		    "more than %d files sections", CONFIG_FILES_MAX);
	struct config_files *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < n; i++)
		if (read_one(r, root, i, v) != 0)
			return -1;
	r->config->files = v;
	r->config->n_files = n;
	return 0;
}

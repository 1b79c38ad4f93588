#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_reader.h"
#include "config/config_token.h"
#include "config/site.h"

#define SECTION "files"

enum { FILES_MAX = 64, TITLE_MAX = 255 }; /* sections; bytes */

#define BAD(r, key, ...) \
	config_bad((r)->e, (r)->file, line((r), (key)), __VA_ARGS__)

/* The key's; for NULL, and where it is absent, the section's first one's. */
static int
line(const struct config_reader *r, const char *key)
{
	const struct config_entry *e =
	    key == NULL ? NULL : config_tree_find(r->in, key);
	if (e == NULL)
		e = r->in->entries;
	return e == NULL ? 1 : e->line;
}

/* ---- what may not lie in a root ------------------------------------------ */

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
	return real == NULL || site_is_below(real, root) ||
	    site_is_below(path, root);
}

/* The files that secrets are read from, of all sections: keys in _file. */
static int
holds_secret(
    struct config_reader *r, const struct config_section *s, const char *root)
{
	for (const struct config_entry *e = s->entries; e != NULL;
	     e = e->next) {
		size_t n = strlen(e->key->name);
		if (n < 5 || strcmp(e->key->name + n - 5, "_file") != 0)
			continue;
		for (size_t i = 0; i < e->n; i++) {
			const char *path = config_path(r, e->values[i].text.p);
			if (path == NULL || holds(r, root, path))
				return 1;
		}
	}
	for (const struct config_section *in = s->sections; in != NULL;
	     in = in->next)
		if (holds_secret(r, in, root))
			return 1;
	return 0;
}

static int
check_contents(struct config_reader *r, const char *root)
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
	else if (holds_secret(r, r->root, root))
		what = "a secret's file";
	if (arena_failed(r->arena))
		return config_no_memory(r);
	if (what != NULL)
		return BAD(r, "root",
		    "root holds %s; name a folder that holds members' files "
		    "alone",
		    what);
	return 0;
}

/* One root inside another lets its files out by the other's rule, unless the
 * URL is the same: the longer title is looked at first. */
static int
check_overlap(struct config_reader *r, const struct config_files *v,
    const struct config_files *new)
{
	for (size_t i = 0; &v[i] < new; i++) {
		const struct config_files *in = new, *out = &v[i];
		if (site_is_below(v[i].root, new->root)) {
			in = &v[i];
			out = new;
		} else if (!site_is_below(new->root, v[i].root)) {
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
		return BAD(r, "root",
		    "root and that of files '%.*s' lie in one another, and "
		    "one's rule would let the other's files out; give each a "
		    "folder of its own",
		    STR_ARG(v[i].title));
	}
	return 0;
}

static int
read_root(struct config_reader *r, struct config_files *out)
{
	const char *z = config_text(r, "root").p;
	char real[PATH_MAX];
	struct stat st;
	if (z == NULL || z[0] == '\0')
		return BAD(r, "root",
		    "files '%.*s' has no root; write root = "
		    "'/srv/members'",
		    STR_ARG(out->title));
	if (z[0] == '~')
		return BAD(r, "root",
		    "root: ~ is not filled in here; write '${HOME}/…' or the "
		    "whole path");
	const char *path = config_path(r, z);
	if (path == NULL)
		return config_no_memory(r);
	if (realpath(path, real) != NULL)
		path = str_z(r->arena, str_from(real));
	else
		config_warn(r, line(r, "root"), "root of files '%.*s': %s",
		    STR_ARG(out->title), strerror(errno));
	if (path == NULL)
		return config_no_memory(r);
	if (strcmp(path, "/") == 0)
		return BAD(r, "root", "root is the whole machine");
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		config_problem(r, line(r, "root"),
		    "root of files '%.*s': not a folder", STR_ARG(out->title));
	out->root = path;
	return check_contents(r, path);
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
check_rule(struct config_reader *r, const struct config_files *f)
{
	const struct tier_rules *rules = &r->config->rules;
	if ((f->tier.p == NULL) == (f->allow.p == NULL))
		return BAD(r, f->tier.p == NULL ? NULL : "allow",
		    "files '%.*s' takes one of tier and allow",
		    STR_ARG(f->title));
	if (f->allow.p != NULL && !is_allowed_somewhere(rules, f->allow))
		return BAD(r, "allow",
		    "no tier allows this word; put it into the allows of one");
	if (f->tier.p != NULL && tier_find(rules, f->tier) == NULL)
		config_warn(r, line(r, "tier"),
		    "files '%.*s': there is no such tier here; only a "
		    "purchase that has just that name opens it",
		    STR_ARG(f->title));
	return 0;
}

static int
check_accel(struct config_reader *r, const struct config_files *f)
{
	if ((f->accel.p != NULL) != (f->serve == CONFIG_ACCEL))
		return BAD(r, f->accel.p == NULL ? "serve" : "accel",
		    "serve = 'accel' and accel = '/…', the path of nginx's "
		    "internal location, go together");
	if (f->accel.p != NULL && !config_is_path(f->accel, TITLE_MAX))
		return BAD(
		    r, "accel", "accel is a path like '/internal/guides'");
	return 0;
}

static int
check_join(struct config_reader *r, struct str join)
{
	/* "//" begins a host's name */
	int good = join.n > 0 &&
	    ((join.p[0] == '/' && !str_starts(join, STR("//"))) ||
		str_starts(join, STR("https://")) ||
		str_starts(join, STR("http://")));
	for (size_t i = 0; good && i < join.n; i++)
		good =
		    join.p[i] > 0x20 && join.p[i] < 0x7F && join.p[i] != '\\';
	if (join.p != NULL && (!good || join.n > TITLE_MAX))
		return BAD(r, "join",
		    "join is the address of a page: '/join.html' or "
		    "'https://…'");
	return 0;
}

static int
read_one(struct config_reader *r, const struct config_files *v,
    struct config_files *out)
{
	out->title = r->in->title;
	if (!config_is_path(out->title, TITLE_MAX))
		return BAD(r, "root",
		    "a files section is named by its path, like files "
		    "'/guides', without a slash at the end");
	if (read_root(r, out) != 0 || config_fill(r, out) != 0 ||
	    check_rule(r, out) != 0 || check_accel(r, out) != 0 ||
	    check_join(r, out->join) != 0)
		return -1;
	return check_overlap(r, v, out);
}

int
config_files_read(struct config_reader *r)
{
	const struct config_section *s = config_section(r, SECTION);
	size_t n = 0, max = config_tree_count(s, SECTION);
	struct config_files *v = arena_alloc(r->arena, (max + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (; s != NULL; s = config_tree_next(s->next, SECTION)) {
		r->in = s;
		if (n == FILES_MAX)
			return BAD(r, "root", "more than %d files sections",
			    FILES_MAX);
		if (read_one(r, v, &v[n++]) != 0)
			return -1;
	}
	r->config->files = v;
	r->config->n_files = n;
	return 0;
}

#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_reader.h"
#include "config/config_token.h"
#include "config/site.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

enum { ARENA_MAX = 32 << 20 }; /* the file, its values, and what they name */

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

/* ---- the file ----------------------------------------------------------- */

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
	if (find_folder(r) != 0)
		return -1;
	r->root = config_tree_parse(r->arena, r->file, text, r->e);
	if (r->root == NULL || config_top_read(r) != 0)
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

#include "config/site.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const web_names[] = { "public_html", "htdocs", "httpdocs" };

static int
no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

int
site_process(struct arena *a, struct site_opts *out, struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	const char *started;
	*out = (struct site_opts){ .program = NULL };
	if (n > 0 && n < (ssize_t)sizeof(path)) {
		out->program = arena_dup(a, path, (size_t)n);
	} else {
		/* getauxval(3): a pointer, as a number */
		started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
		if (started != NULL && realpath(started, path) != NULL)
			out->program = str_z(a, str_from(path));
	}
	if (getenv("GATEWAY_INTERFACE") != NULL) {
		out->document_root = getenv("DOCUMENT_ROOT");
		out->context_root = getenv("CONTEXT_DOCUMENT_ROOT");
	}
	return arena_failed(a) ? no_memory(e) : 0;
}

/* ---- folders ------------------------------------------------------------ */

/* The folder that holds path; "" is /. */
static const char *
parent(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	return arena_dup(a, path, slash == NULL ? 0 : (size_t)(slash - path));
}

int
site_is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

static void
add_root(struct arena *a, struct site *s, const char *folder)
{
	char real[PATH_MAX];
	if (folder == NULL || folder[0] != '/' ||
	    realpath(folder, real) == NULL || s->n_roots == SITE_ROOTS_MAX)
		return;
	s->roots[s->n_roots++] =
	    str_z(a, str_from(strcmp(real, "/") == 0 ? "" : real));
}

/* The outermost folder on the way to path that has a web root's name. */
static const char *
find_named(struct arena *a, const char *path)
{
	struct str rest = str_from(path), name;
	while (rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		for (size_t i = 0; i < sizeof(web_names) / sizeof(web_names[0]);
		     i++)
			if (str_eq_z(name, web_names[i]))
				return arena_dup(
				    a, path, (size_t)(name.p + name.n - path));
	}
	return NULL;
}

static const char *
config_beside(struct arena *a, const char *folder)
{
	const char *up = parent(a, folder);
	return up == NULL ? NULL
			  : arena_printf(a, "%s/gatepost/gatepost.conf", up);
}

int
site_find(
    struct arena *a, const struct site_opts *o, struct site *out, struct err *e)
{
	char real[PATH_MAX];
	*out = (struct site){ .program = NULL };
	if (o->program != NULL && realpath(o->program, real) != NULL)
		out->program = str_z(a, str_from(real));
	const char *folder =
	    out->program == NULL ? NULL : parent(a, out->program);
	if (folder != NULL) {
		out->roots[out->n_roots++] = folder;
		add_root(a, out, find_named(a, folder));
	}
	add_root(a, out, o->document_root);
	add_root(a, out, o->context_root);
	if (arena_failed(a))
		return no_memory(e);
	const char *outermost = folder;
	for (size_t i = 0; folder != NULL && i < out->n_roots; i++)
		if (site_is_below(folder, out->roots[i]) &&
		    strlen(out->roots[i]) < strlen(outermost))
			outermost = out->roots[i];
	if (folder != NULL) {
		out->near =
		    arena_printf(a, "%s/../gatepost/gatepost.conf", folder);
		out->config = config_beside(a, outermost);
	}
	return arena_failed(a) ? no_memory(e) : 0;
}

/* ---- what speaks against serving ---------------------------------------- */

static const char *
root_of(const struct site *s, const char *path)
{
	for (size_t i = 0; i < s->n_roots; i++)
		if (site_is_below(path, s->roots[i]))
			return s->roots[i];
	return NULL;
}

/* The served folder that holds the file, or NULL. */
static const char *
served_by(const struct site *s, const char *path)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (slash == NULL || strlen(path) >= sizeof(folder))
		return NULL;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	const char *found =
	    realpath(path, real) == NULL ? NULL : root_of(s, real);
	/* not there yet, or a link that is served itself */
	if (found == NULL &&
	    realpath(folder[0] != '\0' ? folder : "/", real) != NULL)
		found = root_of(s, real);
	return found;
}

int
site_serves(const struct site *s, const char *path)
{
	return served_by(s, path) != NULL;
}

static int
refuse_served(
    const struct site *s, const char *what, const char *path, struct err *e)
{
	const char *root = served_by(s, path);
	if (root == NULL)
		return 0;
	const char *to = s->config == NULL ? "" : s->config;
	const char *slash = strrchr(to, '/');
	return err_set(e, ERR_CONFIG,
	    "%s %s lies in %s/, which the web server serves to everybody: "
	    "move it to %.*s",
	    what, path, root,
	    slash == NULL ? (int)sizeof("another folder") - 1
			  : (int)(slash - to),
	    slash == NULL ? "another folder" : to);
}

static int
refuse_owner(const char *path, struct err *e)
{
	struct stat st;
	uid_t me = geteuid();
	/* what is root's was put there by who runs the machine */
	if (me == 0 || stat(path, &st) != 0 || st.st_uid == me ||
	    st.st_uid == 0)
		return 0;
	return err_set(e, ERR_CONFIG,
	    "the web server runs this program as user %lu, and %s belongs to "
	    "user %lu: programs of other customers could read it as well; ask "
	    "the host to run CGI programs as their owner (suEXEC)",
	    (unsigned long)me, path, (unsigned long)st.st_uid);
}

int
site_check_owner(const struct site *s, const char *path, struct err *e)
{
	if (s->program != NULL && refuse_owner(s->program, e) != 0)
		return -1;
	return path == NULL ? 0 : refuse_owner(path, e);
}

static int
refuse_mode(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) != 0 || (st.st_mode & S_IWOTH) == 0)
		return 0;
	return err_set(e, ERR_CONFIG,
	    "everybody on this machine may write %s, of mode %04o: run chmod "
	    "o-w %s",
	    path, (unsigned)(st.st_mode & 07777), path);
}

int
site_check_modes(const struct config *config, struct err *e)
{
	static const char *const files[] = { "", "-wal", "-journal", "-shm" };
	char path[PATH_MAX];
	const char *db = config->database;
	const char *slash = strrchr(db, '/');
	if (db[0] != '/')
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)(slash - db + 1), db);
	if (refuse_mode(path, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", db, files[i]);
		if (refuse_mode(path, e) != 0)
			return -1;
	}
	return 0;
}

int
site_check(const struct site *s, const struct config *config, struct err *e)
{
	char folder[PATH_MAX];
	const char *db = config->database;
	const char *slash = strrchr(db, '/');
	if (refuse_served(s, "the configuration", config->file, e) != 0)
		return -1;
	if (site_check_owner(s, config->file, e) != 0)
		return -1;
	if (db[0] != '/')
		return 0;
	if (refuse_served(s, "the database", db, e) != 0)
		return -1;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - db + 1), db);
	return refuse_owner(folder, e) != 0 ? -1 : refuse_owner(db, e);
}

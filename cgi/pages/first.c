#include "cgi/pages/first.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

/* ---- is there a configuration? ------------------------------------------ */

static int
is_absent(const char *path)
{
	return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Who runs a site has settings: what a visitor could see while they are away for
 * a moment is not shown any more. */
static int
is_new(const char *program)
{
	struct stat st;
	return program != NULL && stat(program, &st) == 0 &&
	    time_now() < st.st_ctim.tv_sec + FIRST_SECONDS;
}

/* No file: says where it belongs, and whether this is a place to go on. *e is
 * for the log, the refusal for everybody: it names no path. */
static void
begin(const struct site *site, struct first *first, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	const char *named = getenv("GATEPOST_CONFIG");
	int is_named = named != NULL && named[0] != '\0';
	/* seen from where the web server starts programs: nobody knows */
	if (is_named && named[0] != '/')
		return;
	first->file = is_named ? named : site->config;
	if (first->file == NULL)
		return;
	if (site_check_owner(site, NULL, &why) != 0)
		first->refusal =
		    "Do not go on here: the host runs programs of all its "
		    "customers as one user, so others could read your data. "
		    "Ask it to run CGI programs as their owner (suEXEC).";
	else if (is_named && site_serves(site, named))
		first->refusal =
		    "Do not go on here: GATEPOST_CONFIG names a place that the "
		    "web server serves to everybody. Name one beside the web "
		    "folder.";
	else if (!is_new(site->program))
		first->refusal =
		    "How to begin is shown for a day after the program was "
		    "uploaded, and that day is over. Upload the program again, "
		    "then open this page again.";
	*e = why;
	if (why.code == ERR_NONE)
		err_set(e, ERR_CONFIG, "%s: no configuration there; %s",
		    first->file,
		    first->refusal != NULL
			? first->refusal
			: "open this program's folder, as "
			  "https://YOUR-SITE/gatepost/, in a browser: it shows "
			  "what to save");
}

struct config *
first_config(struct arena *a, struct first *first, struct err *e)
{
	struct site_opts o;
	struct site site;
	struct config *config;
	*first = (struct first){ .file = NULL };
	if (site_process(a, &o, e) != 0 || site_find(a, &o, &site, e) != 0)
		return NULL;
	const char *file = config_locate(a, NULL, CONFIG_WEB, e);
	if (file == NULL || is_absent(file)) {
		if (file != NULL)
			err_set(e, ERR_CONFIG, "%s: no such file", file);
		if (file != NULL || e->code == ERR_CONFIG)
			begin(&site, first, e);
		return NULL;
	}
	/* whose it is, before it is read: that fails for others as well */
	if (site_check_owner(&site, file, e) != 0 ||
	    config_load(file, &config, e) != 0)
		return NULL;
	if (site_check(&site, config, e) == 0)
		return config;
	config_free(config);
	return NULL;
}

/* ---- where it was asked ------------------------------------------------- */

static struct str
last_segment(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return (struct str){ path.p + i, path.n - i };
	return path;
}

int
first_asked(const struct request *r)
{
	if (!str_eq_z(r->method, "GET") && !r->is_head &&
	    !str_eq_z(r->method, "POST"))
		return 0;
	if (r->path_ok && r->n_segments == 0)
		return 1;
	/* the program's file itself, or the folder it is the index of */
	struct str file = request_param(r, "SCRIPT_FILENAME");
	return request_param(r, "PATH_INFO").n == 0 && file.n > 0 &&
	    str_eq(last_segment(request_param(r, "SCRIPT_NAME")),
		last_segment(file));
}

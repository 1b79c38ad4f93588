#ifndef CONFIG_SITE_H
#define CONFIG_SITE_H

#include <stddef.h>

#include "base/arena.h"
#include "config/config.h"

/*
 * Where a web program stands among the folders its web server serves, where
 * its configuration belongs, and what speaks against serving with it. Made for
 * shared hosting, where the database is one careless folder away from the web.
 *
 * Served are the program's own folder, DOCUMENT_ROOT (RFC 3875 leaves it to the
 * server; Apache, nginx and LiteSpeed set it), CONTEXT_DOCUMENT_ROOT (Apache,
 * for ~user and aliases), and what lies in a folder called public_html, htdocs
 * or httpdocs: the root of a further domain often is a folder inside another's.
 */
enum { SITE_ROOTS_MAX = 4 };

struct site_opts {
	const char *program; /* path of the running program; NULL: unknown */
	const char *document_root; /* NULL: not told */
	const char *context_root;
};

struct site {
	const char *program; /* without symbolic links; NULL: unknown */
	const char *roots[SITE_ROOTS_MAX]; /* the same; "" is / */
	size_t n_roots;
	/* ../gatepost/gatepost.conf seen from the program's folder, and seen
	 * from the outermost served folder that holds it: one path unless the
	 * program is in a sub-folder. NULL: unknown. */
	const char *near;
	const char *config;
};

/* What this process knows: /proc/self/exe, or the path it was started by where
 * there is no /proc; the environment only where a web server started it. */
int site_process(struct arena *a, struct site_opts *out, struct err *e);

int site_find(struct arena *a, const struct site_opts *o, struct site *out,
    struct err *e);

/* Is path the folder itself or below it? Both absolute and plain. */
int site_is_below(const char *path, const char *folder);

/* Would the web server hand out the file at this path? Where it is a symbolic
 * link, its target counts as well. */
int site_serves(const struct site *s, const char *path);

/* Whether other customers' programs run as the same user: the file and the
 * program belong to somebody who is neither this process's user nor root.
 * path may be NULL. 0, or -1 with ERR_CONFIG: what is wrong, what to do. */
int site_check_owner(const struct site *s, const char *path, struct err *e);

/* All of it for a configuration: not served, nor its database, and the owner
 * of both runs the program. 0, or -1 with ERR_CONFIG. */
int
site_check(const struct site *s, const struct config *config, struct err *e);

/* May everybody on this machine write the database, a file of SQLite's beside
 * it, or its folder? Then what is stored there may be somebody else's. 0 where
 * nobody may; else -1 with ERR_CONFIG: which mode is wrong, what to do. */
int site_check_modes(const struct config *config, struct err *e);

#endif

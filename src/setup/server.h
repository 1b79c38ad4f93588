#ifndef SETUP_SERVER_H
#define SETUP_SERVER_H

#include "base/err.h"
#include "base/str.h"

/*
 * The web server's files, made of those that are shipped: the parts whose names
 * stand in brackets there, with this site's host, port and paths. Each begins
 * with the digest of what follows; one that says another digest than it has was
 * changed by a person, or is none of ours, and stays.
 */
enum server_state {
	FILE_NEW, /* not there yet */
	FILE_SAME,
	FILE_OLDER, /* ours, and says something else */
	FILE_THEIRS,
};

struct server_file {
	const char *path, *what; /* what it is for */
	struct str text; /* as it is to be */
	struct str old; /* as it was; STR_NONE: not there */
	enum server_state state;
	int is_written; /* by this run */
};

enum { SERVER_FILES_MAX = 4, SERVER_LINES_MAX = 8 };

struct server_kind;

struct server {
	const struct server_kind *kind; /* NULL: none that files are for */
	struct arena *arena;
	const char *folder; /* "/etc/nginx", or beside the settings */
	int is_system; /* the first: root's */
	/* of public_url */
	const char *host;
	int port;
	int is_https, has_port; /* another than the scheme's own */
	int has_certificate;
	const char *certificates; /* the folder with them */
	const char *socket; /* "unix:/run/gatepost/gatepost.sock" */
	const char *logs; /* "/var/log/nginx/gatepost" */
	struct server_file files[SERVER_FILES_MAX];
	size_t n_files;
	/* the file with a block of that host which is not ours, or NULL; and
	 * the line that is missing there, or NULL */
	const char *block_in, *include;
	int by_hand; /* Gatepost was put in without us */
};

/* A kind of web server: what it is called, asked and told. */
struct server_kind {
	const char *name; /* "nginx", as --server has it */
	const char *process, *program; /* "nginx", "/usr/sbin/nginx" */
	const char *folder;
	const char *const *test; /* argv */
	/* without systemd */
	const char *const *reload_plain, *const *start_plain;
	const char *unit; /* "nginx.service" */
	const char *certbot; /* its plugin */
	void (*make)(struct server *v); /* the files */
};
extern const struct server_kind server_nginx, server_apache;
/* The texts they are made of, embedded by the build. */
extern const char server_nginx_text[], server_apache_text[];

/* Which of them runs here, or else is installed: its name; NULL: none. */
const char *server_guess(void);

int server_runs(const struct server_kind *k);

/* All but kind, arena, folder, is_system, socket are found out. url has been
 * checked. 0, or -1 for a site below a path. */
int server_plan(struct server *v, const char *url, struct err *e);

/* Writes what is new or older. -1: what was written is undone. */
int server_write(struct server *v, struct err *e);
void server_undo(struct server *v);

/* ---- for the kinds ---------------------------------------------------------- */

/* Adds a file below the folder. text is what follows the line of the digest. */
void server_add(
    struct server *v, const char *path, const char *what, const char *text);
/* The line with the first of these that it holds replaced; the list is ended by
 * from NULL. */
struct server_pair {
	const char *from, *to;
};
struct str server_replace(
    const struct server *v, struct str line, const struct server_pair *pairs);
/* The lines of the part, up to the next name in brackets. */
struct str server_part(const char *text, const char *name);

#endif

#ifndef HEALTH_NGINX_H
#define HEALTH_NGINX_H

#include <stdint.h>

#include "base/arena.h"

/* What nginx's settings say, as far as somebody without its rights may read
 * them. */
struct nginx {
	int is_ours; /* a fastcgi_pass or upstream names gatepost */
	int64_t connections; /* worker_connections, nginx's own 512 without */
	int64_t files; /* worker_rlimit_nofile; 0: not set */
};

/* Reads file and what it includes. 0, or -1: it cannot be read. */
int nginx_read(const char *file, struct arena *a, struct nginx *out);

/* Looked for in the same. */
struct nginx_wanted {
	const char *host; /* a server_name, */
	const char *except; /* but not in that file; NULL: in any */
	const char *path; /* a file to be included there */
	const char *host_in; /* out: the first file with that name, or NULL */
	int is_included; /* out: in a server block with that name */
};
int nginx_look(const char *file, struct arena *a, struct nginx_wanted *w);

/* worker_connections for so many streams, as nginx/gatepost-nginx.conf says: two
 * for each stream, download and long poll, and a thousand for all else. */
int64_t nginx_needed(int streams);

#endif

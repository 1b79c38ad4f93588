#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/config_reader.h"
#include "setup/server.h"

enum { TEXT_MAX = 256 * 1024 };

static const char *const test[] = { "apache2ctl", "configtest", NULL };
static const char *const reload[] = { "apache2ctl", "graceful", NULL };
static const char *const start[] = { "apache2ctl", "start", NULL };

static void
add_line(const struct server *v, struct buf *b, struct str line, int port)
{
	const struct server_pair pairs[] = {
		{ "/etc/letsencrypt/live/example.org", v->certificates },
		{ "example.org", v->host },
		{ "unix:/run/gatepost/gatepost.sock", v->socket },
		{ "${APACHE_LOG_DIR}/gatepost", v->logs },
		{ "/usr/share/gatepost/site", PKGDATADIR "/site" },
		{ "*:80", arena_printf(v->arena, "*:%d", port) },
		{ NULL, NULL },
	};
	if (str_starts(str_trim(line), STR("# CHANGE")))
		return;
	line = server_replace(v, line, pairs);
	buf_addf(b, "%.*s\n", STR_ARG(line));
}

/* A virtual host on that port: with TLS, or with the redirect to it. */
static void
add_host(const struct server *v, struct buf *b, int port, int tls,
    const char *locations)
{
	struct str line, rest = server_part(server_apache_text, "host");
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str word = str_trim(line);
		int of_tls = str_starts(word, STR("#SSL")) ||
		    str_starts(word, STR("#Protocols"));
		int of_redirect = str_starts(word, STR("#Rewrite"));
		if ((of_tls && tls) ||
		    (of_redirect && !tls && v->has_certificate))
			line = str_from(arena_printf(
			    v->arena, "\t%.*s", (int)word.n - 1, word.p + 1));
		add_line(v, b, line, port);
	}
	buf_addf(b, "\tInclude %s\n\n", locations);
	rest = server_part(server_apache_text, "rest");
	while (str_cut(rest, '\n', &line, &rest))
		add_line(v, b, line, port);
}

/* The first file with a virtual host of that name. */
static const char *
host_in(const struct server *v, const char *except)
{
	glob_t found;
	const char *in = NULL,
		   *pattern = arena_printf(
		       v->arena, "%s/sites-enabled/*.conf", v->folder);
	if (glob(pattern, 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc && in == NULL; i++) {
		struct str text, line;
		unsigned mode;
		if (strstr(found.gl_pathv[i], except) != NULL ||
		    config_slurp(v->arena, found.gl_pathv[i], TEXT_MAX, &text,
			&mode, NULL) != 0)
			continue;
		while (in == NULL && str_cut(text, '\n', &line, &text)) {
			struct str key, names, name;
			line = str_trim(line);
			if (!str_cut(line, ' ', &key, &names) ||
			    (!str_eq_fold(key, STR("ServerName")) &&
				!str_eq_fold(key, STR("ServerAlias"))))
				continue;
			do {
				str_cut(names, ' ', &name, &names);
				if (str_eq_fold(name, str_from(v->host)))
					in = str_z(v->arena,
					    str_from(found.gl_pathv[i]));
			} while (names.n > 0);
		}
	}
	globfree(&found);
	return in;
}

static int
does_include(const struct server *v, const char *file, const char *path)
{
	struct str text;
	unsigned mode;
	return config_slurp(v->arena, file, TEXT_MAX, &text, &mode, NULL) ==
	    0 &&
	    memmem(text.p, text.n, path, strlen(path)) != NULL;
}

static void
make(struct server *v)
{
	struct arena *a = v->arena;
	const char *own = arena_printf(a, "gatepost-%s.conf", v->host);
	const char *locations =
	    arena_printf(a, "%s/gatepost-locations.conf", v->folder);
	struct buf parts, site;
	buf_init(&parts, TEXT_MAX);
	buf_init(&site, TEXT_MAX);
	struct str line, rest = server_part(server_apache_text, "locations");
	while (str_cut(rest, '\n', &line, &rest))
		add_line(v, &parts, line, 80);
	add_host(v, &site, v->is_https ? 80 : v->port, 0, locations);
	if (v->has_certificate)
		add_host(v, &site, v->port, 1, locations);

	server_add(v, "gatepost-locations.conf", "for <VirtualHost>",
	    buf_take(&parts, a).p);
	v->block_in = host_in(v, own);
	if (v->block_in == NULL)
		server_add(v, arena_printf(a, "sites-available/%s", own),
		    "the <VirtualHost> of this host", buf_take(&site, a).p);
	else if (!does_include(v, v->block_in, locations))
		v->include = arena_printf(a, "Include %s", locations);
	buf_free(&site);
}

const struct server_kind server_apache = {
	.name = "apache",
	.process = "apache2",
	.program = "/usr/sbin/apache2",
	.folder = "/etc/apache2",
	.test = test,
	.reload_plain = reload,
	.start_plain = start,
	.unit = "apache2.service",
	.certbot = "--apache",
	.make = make,
};

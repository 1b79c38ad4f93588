#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "health/nginx.h"
#include "setup/server.h"

enum { TEXT_MAX = 256 * 1024 };

#define LISTEN "listen 80;"
#define LISTEN_6 "listen [::]:80;"

static const char *const test[] = { "nginx", "-t", "-q", NULL };
static const char *const reload[] = { "nginx", "-s", "reload", NULL };
static const char *const start[] = { "nginx", NULL };

/* Commented lines that a certificate makes good. */
static int
is_of_tls(struct str line)
{
	return str_starts(line, STR("#listen ")) ||
	    str_starts(line, STR("#ssl_certificate")) ||
	    str_starts(line, STR("#if ($gatepost_plain)"));
}

static int
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One line of the shipped file, as this site has it. */
static void
add_line(const struct server *v, struct buf *b, struct str line)
{
	const struct server_pair pairs[] = {
		{ "/etc/letsencrypt/live/example.org", v->certificates },
		{ "example.org", v->host },
		{ "unix:/run/gatepost/gatepost.sock", v->socket },
		{ "/var/log/nginx/gatepost", v->logs },
		{ "/usr/share/gatepost/site", PKGDATADIR "/site" },
		{ NULL, NULL },
	};
	const char *change = memmem(line.p, line.n, "# CHANGE", 8);
	if (change != NULL)
		line.n = (size_t)(change - line.p);
	while (line.n > 0 && strchr(" \t", line.p[line.n - 1]) != NULL)
		line.n--;
	line = server_replace(v, line, pairs);
	buf_addf(b, "%.*s\n", STR_ARG(line));
}

/* The line that says where it listens, or STR_NONE: not at all. */
static struct str
listen_line(const struct server *v, struct str line)
{
	int six = memmem(line.p, line.n, "[::]", 4) != NULL;
	int tls = memmem(line.p, line.n, " ssl", 4) != NULL;
	int port = tls || !v->is_https ? v->port : 80;
	if (six && !has_ipv6())
		return STR_NONE;
	return str_from(arena_printf(v->arena, "\tlisten %s%d%s;",
	    six ? "[::]:" : "", port, tls ? " ssl" : ""));
}

static void
add_server(const struct server *v, struct buf *b)
{
	struct str line, rest = server_part(server_nginx_text, "server");
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str word = str_trim(line);
		if (v->has_certificate && is_of_tls(word))
			word = (struct str){ word.p + 1, word.n - 1 };
		if (str_starts(word, STR("listen ")))
			line = listen_line(v, word);
		else if (v->has_certificate && word.p != str_trim(line).p)
			line = str_from(
			    arena_printf(v->arena, "\t%.*s", STR_ARG(word)));
		if (line.p != NULL)
			add_line(v, b, line);
	}
}

/* A log of its own for each location: the block may be somebody else's, and a
 * ping URL is a password. */
static void
add_locations(const struct server *v, struct buf *b)
{
	struct str line, rest = server_part(server_nginx_text, "locations");
	while (str_cut(rest, '\n', &line, &rest)) {
		add_line(v, b, line);
		if (str_starts(line, STR("\tlocation ")) &&
		    !str_starts(str_trim(rest), STR("access_log")))
			buf_addf(b, "\t\taccess_log %s.access.log gatepost;\n",
			    v->logs);
	}
}

static void
make(struct server *v)
{
	struct arena *a = v->arena;
	struct nginx all;
	struct nginx_wanted w = { .host = v->host };
	const char *main = arena_printf(a, "%s/nginx.conf", v->folder);
	const char *block = arena_printf(a, "conf.d/gatepost-%s.conf", v->host);
	const char *locations =
	    arena_printf(a, "%s/snippets/gatepost.conf", v->folder);
	struct buf http, parts, site;
	buf_init(&http, TEXT_MAX);
	buf_init(&parts, TEXT_MAX);
	buf_init(&site, TEXT_MAX);
	struct str line, rest = server_part(server_nginx_text, "http");
	while (str_cut(rest, '\n', &line, &rest))
		add_line(v, &http, line);
	add_locations(v, &parts);
	add_server(v, &site);
	buf_addf(&site, "\tinclude %s;\n\n", locations);
	rest = server_part(server_nginx_text, "rest");
	while (str_cut(rest, '\n', &line, &rest))
		add_line(v, &site, line);

	/* read before all that use it */
	server_add(
	    v, "conf.d/00-gatepost.conf", "for http { }", buf_take(&http, a).p);
	server_add(v, "snippets/gatepost.conf", "for server { }",
	    buf_take(&parts, a).p);
	w.except = arena_printf(a, "%s/%s", v->folder, block);
	w.path = locations;
	if (nginx_look(main, a, &w) == 0 && w.host_in != NULL) {
		v->block_in = w.host_in;
		if (!w.is_included)
			v->include = arena_printf(a, "include %s;", locations);
	} else {
		server_add(v, block, "the server { } of this host",
		    buf_take(&site, a).p);
	}
	buf_free(&site);
	v->by_hand = v->files[0].state == FILE_NEW &&
	    nginx_read(main, a, &all) == 0 && all.is_ours;
}

const struct server_kind server_nginx = {
	.name = "nginx",
	.process = "nginx",
	.program = "/usr/sbin/nginx",
	.folder = "/etc/nginx",
	.test = test,
	.reload_plain = reload,
	.start_plain = start,
	.unit = "nginx.service",
	.certbot = "--nginx",
	.make = make,
};

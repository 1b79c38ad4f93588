#include "setup/connections.h"

#include <unistd.h>

#include "config/config_reader.h"
#include "health/nginx.h"

enum {
	TEXT_MAX = 256 * 1024,
	MORE = 3784, /* open files for all but connections: 16384 in all */
};

/* Two directives that stand alone on a line, as in Debian's file. */
static struct str
raised(struct arena *a, const struct connections *c)
{
	struct buf b;
	struct str line, rest = c->old;
	int has_events = 0, has_connections = 0;
	buf_init(&b, TEXT_MAX);
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str word = str_trim(line);
		if (!has_events && str_starts(line, STR("events"))) {
			buf_addf(&b, "worker_rlimit_nofile %lld;\n",
			    (long long)c->files);
			has_events = 1;
		}
		if (str_starts(word, STR("worker_connections "))) {
			line = str_from(
			    arena_printf(a, "%.*sworker_connections %lld;",
				(int)(word.p - line.p), line.p,
				(long long)c->need));
			has_connections = 1;
		}
		buf_addf(&b, "%.*s\n", STR_ARG(line));
	}
	struct str text = buf_take(&b, a);
	return has_events && has_connections ? text : STR_NONE;
}

int
connections_lack(const struct setup *s, struct connections *out)
{
	const struct server *v = &s->server;
	struct err e = { .code = ERR_NONE };
	struct nginx n;
	unsigned mode;
	*out = (struct connections){ .need = nginx_needed(s->config->streams) };
	if (v->kind != &server_nginx || !v->is_system)
		return 0;
	out->file = arena_printf(s->arena, "%s/nginx.conf", v->folder);
	if (nginx_read(out->file, s->arena, &n) != 0 ||
	    n.connections >= out->need)
		return 0;
	out->had = n.connections;
	out->files = out->need + MORE;
	if (n.files == 0 && !v->by_hand &&
	    config_slurp(s->arena, out->file, TEXT_MAX, &out->old, &mode, &e) ==
		0)
		out->text = raised(s->arena, out);
	return 1;
}

int
connections_raise(struct setup *s, const struct connections *c, struct err *e)
{
	const char *kept = arena_printf(s->arena, "%s.bak", c->file);
	struct server *v = &s->server;
	if (access(kept, F_OK) != 0 &&
	    edit_write_new(kept, c->old, 0644, geteuid(), getegid(), e) != 0)
		return -1;
	v->files[v->n_files++] = (struct server_file){ .path = c->file,
		.text = c->text,
		.old = c->old,
		.state = FILE_OLDER };
	if (server_write(v, e) != 0)
		return -1;
	setup_say(s, "%s: worker_connections %lld; the old one is %s.", c->file,
	    (long long)c->need, kept);
	return 0;
}

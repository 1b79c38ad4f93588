#include "setup/enable.h"

#include <string.h>
#include <unistd.h>

#include "setup/ask.h"
#include "setup/commands.h"
#include "setup/connections.h"

static const char *const no_kinds[] = { "cgi", "none", NULL };
const char *const setup_servers[] = { "nginx", "apache", "cgi", "none", NULL };

/* ---- which server ------------------------------------------------------------ */

static const struct server_kind *
kind_of(const char *name)
{
	return strcmp(name, server_nginx.name) == 0 ? &server_nginx
	    : strcmp(name, server_apache.name) == 0 ? &server_apache
						    : NULL;
}

static int
is_name(const char *const *names, struct str name)
{
	while (*names != NULL && !str_eq_z(name, *names))
		names++;
	return *names != NULL;
}

static int
ask_name(struct setup *s, struct str *name, struct err *e)
{
	const char *guess = server_guess();
	const struct question q = { .what = "Web server: nginx, apache, cgi or "
					    "none",
		.about = "Setup writes its files. Type none if you do that "
			 "yourself.\n",
		.preset = guess == NULL ? "none" : guess };
	*name = str_from(s->opts->server);
	if (name->p == NULL && !s->asks)
		*name = str_from(q.preset);
	while (name->p == NULL) {
		if (ask_text(s->arena, &q, name, e) != 0)
			return -1;
		if (!is_name(setup_servers, *name))
			*name = STR_NONE;
	}
	return 0;
}

/* Without root's rights the files are made beside the settings. */
static void
place(struct setup *s)
{
	struct server *v = &s->server;
	struct arena *a = s->arena;
	const char *slash = strrchr(s->edit.path, '/');
	const char *beside = str_z(
	    a, (struct str){ s->edit.path, (size_t)(slash - s->edit.path) });
	v->arena = a;
	v->is_system = geteuid() == 0 && setup_is_of_system(s);
	v->folder = v->is_system
	    ? v->kind->folder
	    : arena_printf(a, "%s/%s", beside, v->kind->name);
	v->socket = v->is_system
	    ? "unix:/run/gatepost/gatepost.sock"
	    : arena_printf(a, "unix:%s/gatepost.sock", beside);
	v->logs = v->is_system
	    ? arena_printf(a, "/var/log/%s/gatepost", v->kind->process)
	    : arena_printf(a, "%s/gatepost", beside);
}

int
enable_choose(struct setup *s, struct err *e)
{
	struct str name;
	if (ask_name(s, &name, e) != 0)
		return -1;
	if (is_name(no_kinds, name)) {
		if (str_eq_z(name, "cgi"))
			setup_say(s,
			    "As CGI: copy gatepost.cgi and "
			    "examples/apache/.htaccess into a folder of the "
			    "web\nroot, and name %s there. Then cron:\n"
			    "  */10 * * * * gatepost -c %s work --once\n"
			    "Without cron nothing is read from the platforms, "
			    "and no mail goes out.\n"
			    "gatepost-hosting(7) has the rest.",
			    s->edit.path, s->edit.path);
		return 0;
	}
	s->server = (struct server){ .kind = kind_of(name.p) };
	place(s);
	return server_plan(&s->server, s->url, e);
}

/* ---- what to say ---------------------------------------------------------------- */

void
enable_say_lines(struct setup *s)
{
	const struct server *v = &s->server;
	const char *sudo = geteuid() == 0 ? "" : "sudo ";
	struct commands c;
	commands_list(s, &c);
	if (v->kind != NULL && !v->is_system)
		setup_say(s,
		    "As root, let the web server read these files:\n  %s\n"
		    "As yourself, start the program, in a terminal or as a "
		    "service:\n  gatepost.fcgi -c %s --listen %s\n"
		    "The web server reaches that socket if listen_group in the "
		    "settings is its group.",
		    v->kind == &server_nginx
			? arena_printf(s->arena,
			      "in http { } of nginx.conf: include "
			      "%s/conf.d/*.conf;",
			      v->folder)
			: arena_printf(s->arena,
			      "in apache2.conf: Include "
			      "%s/sites-available/*.conf",
			      v->folder),
		    s->edit.path, v->socket);
	if (v->include != NULL)
		setup_say(s,
		    "%s has a block for %s. Put this line into it:\n  %s",
		    v->block_in, v->host, v->include);
	setup_say(s, "Then run:");
	for (size_t i = 0; i < c.n; i++)
		setup_say(
		    s, "  %s%s", sudo, commands_joined(s->arena, &c.v[i]));
	setup_say(s, "  %sgatepost%s%s setup",
	    setup_is_of_system(s) ? sudo : "",
	    s->opts->file == NULL ? "" : " -c ",
	    s->opts->file == NULL ? "" : s->opts->file);
}

static void
say_certificate(struct setup *s)
{
	const struct server *v = &s->server;
	setup_say(s,
	    "There is no certificate for %s yet (%s).\nWith its name in the "
	    "DNS, certbot gets one for nothing:\n"
	    "  apt install certbot python3-certbot-%s\n"
	    "  certbot certonly %s -d %s --deploy-hook "
	    "'systemctl reload %s'\n"
	    "  gatepost setup",
	    v->host, v->certificates, v->kind->name, v->kind->certbot, v->host,
	    v->kind->process);
}

static void
say_connections(struct setup *s, const struct connections *c)
{
	setup_say(s,
	    "note: in %s set worker_connections %lld, and worker_rlimit_nofile "
	    "above that;\nor lower streams in the settings. Else visitors can "
	    "take what deliveries need.",
	    c->file, (long long)c->need);
}

void
enable_show(struct setup *s)
{
	const struct server *v = &s->server;
	for (size_t i = 0; i < v->n_files; i++)
		setup_say(s, "---- %s, %s:\n%.*s", v->files[i].path,
		    v->files[i].what, STR_ARG(v->files[i].text));
}

/* ---- the step -------------------------------------------------------------------- */

/* How many are to be written. */
static int
say_files(struct setup *s)
{
	const struct server *v = &s->server;
	int n = 0;
	for (size_t i = 0; i < v->n_files; i++) {
		const struct server_file *f = &v->files[i];
		n += f->state == FILE_NEW || f->state == FILE_OLDER;
		if (f->state == FILE_THEIRS)
			setup_say(s,
			    "%s: was changed by hand, and stays. 'gatepost "
			    "setup --dry-run' shows what it would be.",
			    f->path);
		else if (f->state != FILE_SAME)
			setup_say(s, "%s: written, %s.", f->path, f->what);
	}
	return n;
}

static int
consents(struct setup *s, const struct commands *c,
    const struct connections *few, int *yes, struct err *e)
{
	*yes = s->opts->enable || s->opts->yes;
	if (geteuid() != 0 || (s->server.kind != NULL && !s->server.is_system))
		*yes = 0;
	else if (s->asks && !*yes) {
		setup_say(s, "To switch it on:");
		if (few->text.p != NULL)
			setup_say(s,
			    "  %s: worker_connections %lld in place of %lld, "
			    "and worker_rlimit_nofile\n  %lld: else visitors "
			    "can take what deliveries need. The old file stays "
			    "as nginx.conf.bak.",
			    few->file, (long long)few->need,
			    (long long)few->had, (long long)few->files);
		for (size_t i = 0; i < c->n; i++)
			setup_say(
			    s, "  %s", commands_joined(s->arena, &c->v[i]));
		return ask_yes(s->arena, "Run these lines now", 1, yes, e);
	}
	return 0;
}

int
enable_run(struct setup *s, int *waits, struct err *e)
{
	struct server *v = &s->server;
	struct commands c;
	struct connections few;
	int yes = 0;
	commands_list(s, &c);
	if (v->by_hand) {
		setup_say(s,
		    "%s has Gatepost in its settings already, put there by "
		    "hand: they stay.",
		    v->kind->name);
		v->n_files = 0;
		v->include = NULL;
	}
	if (server_write(v, e) != 0)
		return -1;
	int written = say_files(s);
	const struct server_file *site =
	    v->n_files > 0 ? &v->files[v->n_files - 1] : NULL;
	if (v->is_system && written > 0 && v->kind == &server_nginx &&
	    commands_run(s, &c, 1, e) != 0)
		return -1;
	int lacks = connections_lack(s, &few);
	int needed = (c.n > 0 && written > 0) || s->is_changed ||
	    v->include != NULL || s->opts->enable;
	if (lacks && (!needed || few.text.p == NULL))
		say_connections(s, &few);
	if (!needed)
		return 0;
	if (c.n == 0) {
		setup_say(s,
		    "A gatepost.fcgi that runs already has to be restarted: "
		    "the settings are others.");
		return 0;
	}
	if (v->include == NULL && consents(s, &c, &few, &yes, e) != 0)
		return -1;
	if (!yes && few.text.p != NULL)
		say_connections(s, &few);
	if (yes && few.text.p != NULL && connections_raise(s, &few, e) != 0)
		return -1;
	if (yes && commands_run(s, &c, 0, e) != 0)
		return -1;
	if (!yes && (v->kind != NULL || commands_have_unit(s))) {
		enable_say_lines(s);
		*waits = 1;
	} else if (v->kind != NULL && v->is_system && v->is_https &&
	    !v->has_certificate && v->block_in == NULL && site != NULL &&
	    site->state != FILE_THEIRS) {
		say_certificate(s);
		*waits = 1;
	}
	return 0;
}

#include "setup/enable.h"

#include <string.h>
#include <unistd.h>

#include "action/spawn.h"
#include "health/nginx.h"
#include "setup/ask.h"

enum { COMMANDS_MAX = 8, WORDS_MAX = 8, COMMAND_MS = 60000 };

struct command {
	const char *words[WORDS_MAX]; /* ended by NULL */
	const char *const *undo;
	int is_test; /* its words tell what is wrong with the files */
};

struct commands {
	struct command v[COMMANDS_MAX];
	size_t n;
};

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
		.about = "Whose files are to be made; none if you see to that "
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
	v->is_system = geteuid() == 0 &&
	    (strcmp(beside, "/etc/gatepost") == 0 ||
		strcmp(beside, SYSCONFDIR "/gatepost") == 0);
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

/* ---- commands ----------------------------------------------------------------- */

static void
add(struct commands *c, int is_test, const char *const *words)
{
	struct command *to = &c->v[c->n++];
	for (size_t i = 0; words[i] != NULL; i++)
		to->words[i] = words[i];
	to->is_test = is_test;
}

#define ADD(c, is_test, ...) \
	add((c), (is_test), (const char *const[]){ __VA_ARGS__, NULL })

static int
has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static int
has_unit(void)
{
	static const char *const places[] = { "/etc/systemd/system",
		"/lib/systemd/system", "/usr/local/lib/systemd/system" };
	char path[128];
	int found = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/gatepost.socket", places[i]);
		found |= access(path, F_OK) == 0;
	}
	return found && has_systemd();
}

static void
add_of_apache(const struct server *v, struct commands *c)
{
	if (v->has_certificate)
		ADD(c, 0, "a2enmod", "-q", "proxy_fcgi", "headers", "ssl",
		    "rewrite");
	else
		ADD(c, 0, "a2enmod", "-q", "proxy_fcgi", "headers");
	if (v->block_in == NULL)
		ADD(c, 0, "a2ensite", "-q",
		    arena_printf(v->arena, "gatepost-%s", v->host));
}

static void
list(const struct setup *s, struct commands *c)
{
	const struct server *v = &s->server;
	*c = (struct commands){ .n = 0 };
	if (v->kind == &server_apache)
		add_of_apache(v, c);
	if (v->kind != NULL)
		add(c, 1, v->kind->test);
	if (has_unit()) {
		ADD(c, 0, "systemctl", "enable", "--now", "gatepost.socket");
		ADD(c, 0, "systemctl", "restart", "gatepost.service");
	}
	if (v->kind != NULL && has_systemd())
		ADD(c, 0, "systemctl", "reload-or-restart", v->kind->unit);
	else if (v->kind != NULL)
		add(c, 0,
		    server_runs(v->kind) ? v->kind->reload_plain
					 : v->kind->start_plain);
}

static const char *
joined(struct arena *a, const struct command *c)
{
	const char *out = "";
	for (size_t i = 0; c->words[i] != NULL; i++)
		out = arena_printf(
		    a, "%s%s%s", out, i > 0 ? " " : "", c->words[i]);
	return out;
}

/* 0, or -1 with what the program said. */
static int
run(struct arena *a, const char *const *words, struct err *e)
{
	static const char *const places[] = { "/usr/sbin", "/usr/bin", "/sbin",
		"/bin", "/usr/local/sbin", "/usr/local/bin" };
	static const char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:"
		"/usr/local/bin",
		"LC_ALL=C.UTF-8", NULL
	};
	const char *argv[WORDS_MAX + 1] = { NULL };
	struct spawn_result *r = arena_alloc(a, sizeof(*r));
	char said[ERR_TEXT_MAX - 100];
	for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
		argv[i] = words[i];
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path =
		    arena_printf(a, "%s/%s", places[i], words[0]);
		if (access(path, X_OK) != 0)
			continue;
		argv[0] = path;
		break;
	}
	const struct spawn_opts o = {
		.argv = argv, .env = env, .timeout_ms = COMMAND_MS, .linger = 1
	};
	if (spawn_run(&o, r, e) != 0)
		return err_prefix(e, "%s", words[0]);
	if (r->code == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "%s says: %s", words[0],
	    spawn_said(r, STR_NONE, said, sizeof(said)));
}

/* Why a unit does not start its journal knows. */
static void
add_journal(struct setup *s, struct err *e)
{
	const char *const journal[] = { "sh", "-c",
		arena_printf(s->arena,
		    "journalctl -q -u %s -n 4 -o cat --no-pager 2>/dev/null; "
		    "exit 1",
		    s->server.kind == NULL ? "gatepost.service"
					   : s->server.kind->unit),
		NULL };
	struct err more = { .code = ERR_NONE };
	run(s->arena, journal, &more);
	const char *said = strstr(more.text, "says: ");
	if (said != NULL && said[6] != '\0') {
		size_t n = strlen(e->text);
		snprintf(e->text + n, sizeof(e->text) - n, " (%s)", said + 6);
	}
}

static void
undo(struct setup *s)
{
	struct err e = { .code = ERR_NONE };
	const char *const dissite[] = { "a2dissite", "-q",
		arena_printf(s->arena, "gatepost-%s", s->server.host), NULL };
	if (s->server.kind == &server_apache && s->server.block_in == NULL)
		run(s->arena, dissite, &e);
	server_undo(&s->server);
}

static int
run_all(
    struct setup *s, const struct commands *c, int tests_only, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct command *now = &c->v[i];
		if (tests_only && !now->is_test)
			continue;
		if (!tests_only)
			setup_say(s, "  %s", joined(s->arena, now));
		if (run(s->arena, now->words, e) == 0)
			continue;
		if (strcmp(now->words[0], "systemctl") == 0)
			add_journal(s, e);
		undo(s);
		return err_prefix(e,
		    "the web server's files were taken back, since '%s' failed",
		    joined(s->arena, now));
	}
	return 0;
}

/* ---- what to say ---------------------------------------------------------------- */

void
enable_say_lines(struct setup *s)
{
	const struct server *v = &s->server;
	const char *sudo = geteuid() == 0 ? "" : "sudo ";
	struct commands c;
	list(s, &c);
	if (v->kind != NULL && !v->is_system)
		setup_say(s,
		    "These files are for the web server, which root may have "
		    "read them:\n  %s\nand this is for a terminal, or for a "
		    "service:\n  gatepost.fcgi -c %s --listen %s\n"
		    "listen_group in the settings lets the web server reach "
		    "its socket.",
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
		setup_say(s, "  %s%s", sudo, joined(s->arena, &c.v[i]));
	setup_say(s, "  %sgatepost setup", sudo);
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
say_connections(struct setup *s)
{
	const char *file =
	    arena_printf(s->arena, "%s/nginx.conf", s->server.folder);
	int64_t need = 2 * (int64_t)s->config->streams + 2600;
	struct nginx n;
	if (s->server.kind == &server_nginx &&
	    nginx_read(file, s->arena, &n) == 0 && n.connections < need)
		setup_say(s,
		    "note: in %s set worker_connections %lld, and "
		    "worker_rlimit_nofile above that;\nor lower streams in the "
		    "settings. Else visitors can take what deliveries need.",
		    file, (long long)need);
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
consents(struct setup *s, const struct commands *c, int *yes, struct err *e)
{
	*yes = s->opts->enable || s->opts->yes;
	if (geteuid() != 0 || (s->server.kind != NULL && !s->server.is_system))
		*yes = 0;
	else if (s->asks && !*yes) {
		setup_say(s, "To switch it on:");
		for (size_t i = 0; i < c->n; i++)
			setup_say(s, "  %s", joined(s->arena, &c->v[i]));
		return ask_yes(s->arena, "Run these lines now", 1, yes, e);
	}
	return 0;
}

int
enable_run(struct setup *s, int *waits, struct err *e)
{
	struct server *v = &s->server;
	struct commands c;
	int yes = 0;
	list(s, &c);
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
	if (v->kind != NULL && v->is_system) {
		if (written > 0 && v->kind == &server_nginx &&
		    run_all(s, &c, 1, e) != 0)
			return -1;
		say_connections(s);
	}
	int needed = (c.n > 0 && written > 0) || s->is_changed ||
	    v->include != NULL || s->opts->enable;
	if (!needed)
		return 0;
	if (c.n == 0) {
		setup_say(s,
		    "A gatepost.fcgi that runs already has to be restarted: "
		    "the settings are others.");
		return 0;
	}
	if (v->include == NULL && consents(s, &c, &yes, e) != 0)
		return -1;
	if (yes && run_all(s, &c, 0, e) != 0)
		return -1;
	if (!yes && (v->kind != NULL || has_unit())) {
		enable_say_lines(s);
		*waits = 1;
	} else if (v->kind != NULL && v->is_system && v->is_https &&
	    !v->has_certificate && v->block_in == NULL && v->n_files > 0 &&
	    v->files[v->n_files - 1].state != FILE_THEIRS) {
		say_certificate(s);
		*waits = 1;
	}
	return 0;
}

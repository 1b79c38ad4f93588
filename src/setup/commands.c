#include "setup/commands.h"

#include <string.h>
#include <unistd.h>

#include "action/spawn.h"

enum { COMMAND_MS = 60000 };

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

int
commands_have_unit(const struct setup *s)
{
	static const char *const places[] = { "/etc/systemd/system",
		"/lib/systemd/system", "/usr/local/lib/systemd/system" };
	char path[128];
	int found = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/gatepost.socket", places[i]);
		found |= access(path, F_OK) == 0;
	}
	return found && has_systemd() && setup_is_of_system(s);
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

void
commands_list(const struct setup *s, struct commands *c)
{
	const struct server *v = &s->server;
	*c = (struct commands){ .n = 0 };
	if (v->kind == &server_apache)
		add_of_apache(v, c);
	if (v->kind != NULL)
		add(c, 1, v->kind->test);
	if (commands_have_unit(s)) {
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

const char *
commands_joined(struct arena *a, const struct command *c)
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
	const char *argv[COMMAND_WORDS_MAX + 1] = { NULL };
	struct spawn_result *r = arena_alloc(a, sizeof(*r));
	char said[ERR_TEXT_MAX - 100];
	for (size_t i = 0; i < COMMAND_WORDS_MAX && words[i] != NULL; i++)
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

int
commands_run(
    struct setup *s, const struct commands *c, int tests_only, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct command *now = &c->v[i];
		if (tests_only && !now->is_test)
			continue;
		if (!tests_only)
			setup_say(s, "  %s", commands_joined(s->arena, now));
		if (run(s->arena, now->words, e) == 0)
			continue;
		if (strcmp(now->words[0], "systemctl") == 0)
			add_journal(s, e);
		undo(s);
		return err_prefix(e,
		    "the web server's files were taken back, since '%s' failed",
		    commands_joined(s->arena, now));
	}
	return 0;
}

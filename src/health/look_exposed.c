#include "action/place.h"
#include "config/config_names.h"
#include "follow/effect.h"
#include "config/site.h"
#include "health/look.h"
#include "health/nginx.h"

enum { NGINX_ARENA_MAX = 64 << 20 };

static void
say(const struct health *h, enum finding_level level, const char *about,
    const char *text)
{
	health_say(h, level, FINDING_exposed, about, text);
}

/* Buyers choose user ids, names and addresses. */
static void
look_at_paths(const struct health *h)
{
	const struct rules *rules = &h->config->follow_ups;
	for (size_t i = 0; i < rules->n_targets; i++) {
		const struct action *a = rules->targets[i];
		if (a->kind != ACTION_HTTP ||
		    !place_has(
			place_path(str_from(a->u.http.url)), effect_names))
			continue;
		say(h, FINDING_NOTE, str_z(h->arena, a->name),
		    arena_printf(h->arena,
			"http %.*s has a placeholder in the path of its url, "
			"where a buyer may choose the value; put it into the "
			"query or the body. A value that is empty or leads to "
			"another folder is not sent, and the follow-up is "
			"given up",
			STR_ARG(a->name)));
	}
}

static void
look_at_modes(const struct health *h)
{
	struct err e = { .code = ERR_NONE };
	if (site_check_modes(h->config, &e) != 0)
		say(h, FINDING_PROBLEM, "modes",
		    arena_printf(h->arena,
			"%s; as plain CGI all but deliveries is answered 503 "
			"until then",
			e.text));
}

static void
look_at_url(const struct health *h, const char *key, const char *url)
{
	char shown[STORE_SHOWN_MAX];
	enum store_tls tls = url == NULL ? STORE_TLS_LOCAL : store_tls(url);
	if (tls == STORE_TLS_NONE)
		say(h, FINDING_PROBLEM, key,
		    arena_printf(h->arena,
			"%s: %s is another host, and the URL does not ask for "
			"TLS: buyers' data and the password can be read and "
			"changed on the way. Add ?sslmode=verify-full; "
			"gatepost-scaling(7)",
			key, store_shown(url, shown)));
	if (tls == STORE_TLS_UNPROVEN)
		say(h, FINDING_NOTE, key,
		    arena_printf(h->arena,
			"%s: %s need not prove who it is: write "
			"sslmode=verify-full",
			key, store_shown(url, shown)));
}

static void
look_at_gate(const struct health *h)
{
	if (h->config->gate_open_on_error)
		say(h, FINDING_NOTE, "gate_on_error",
		    "gate_on_error is 'open': while the database cannot be "
		    "read, a pass opens every gate and file whatever was "
		    "bought, but for the passes that /buy gives to anybody");
}

enum { FILES_DEFAULT = 1024 }; /* of a service that systemd starts */

/* One worker may have all streams. */
static void
look_at_nginx(const struct health *h, const char *file)
{
	struct nginx n;
	int64_t need = nginx_needed(h->config->streams);
	/* its files are no part of the answer */
	struct arena *a = arena_new(NGINX_ARENA_MAX);
	if (a == NULL || nginx_read(file, a, &n) != 0)
		n = (struct nginx){ .is_ours = 0 };
	arena_free(a);
	if (!n.is_ours)
		return;
	if (n.connections < need)
		health_say(h, FINDING_PROBLEM, FINDING_web_server, "nginx",
		    arena_printf(h->arena,
			"%s: worker_connections is %lld, and with streams = %d "
			"visitors can take what deliveries need: set it to "
			"%lld, with worker_rlimit_nofile above that, or lower "
			"streams",
			file, (long long)n.connections, h->config->streams,
			(long long)need));
	else if (n.files == 0 && n.connections > FILES_DEFAULT)
		health_say(h, FINDING_NOTE, FINDING_web_server, "nginx",
		    arena_printf(h->arena,
			"%s: worker_connections is %lld, and without "
			"worker_rlimit_nofile nginx may have %d files open "
			"where its unit says no more: set it above that",
			file, (long long)n.connections, FILES_DEFAULT));
	else if (n.files > 0 && n.files < n.connections)
		health_say(h, FINDING_PROBLEM, FINDING_web_server, "nginx",
		    arena_printf(h->arena,
			"%s: worker_rlimit_nofile is %lld, less than "
			"worker_connections, %lld: set it above that",
			file, (long long)n.files, (long long)n.connections));
}

int
look_exposed(struct health *h, struct err *e)
{
	(void)e;
	look_at_modes(h);
	look_at_url(h, "database", h->config->database);
	look_at_url(h, "standby_url", h->config->standby_url);
	look_at_url(h, "listen_url", h->config->listen_url);
	look_at_gate(h);
	look_at_paths(h);
	look_at_nginx(h, h->nginx);
	return 0;
}

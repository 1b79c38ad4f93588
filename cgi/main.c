/* gatepost.fcgi: the web program, FastCGI or plain CGI. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/server/chores.h"
#include "cgi/server/confine.h"
#include "cgi/pages/first.h"
#include "cgi/ask/herald.h"
#include "cgi/server/io.h"
#include "cgi/server/listen.h"
#include "cgi/server/loop.h"
#include "cgi/server/plain.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"
#include "cgi/web/count.h"
#include "cgi/web/refused.h"
#include "cgi/route.h"
#include "cgi/server/send.h"
#include "cgi/server/tail.h"
#include "cgi/server/worker.h"
#include "cgi/server/writer.h"
#include "commit/commit.h"
#include "config/site.h"
#include "store/turn.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

extern char **environ;

enum {
	EXIT_USAGE = 2,
	CONFIG_ARENA_MAX = 64 * 1024,
	FILES_MORE = 256, /* beside one per connection */
};

static const char help[] =
    "usage: gatepost.fcgi [-c FILE] --listen ADDRESS\n"
    "       gatepost.fcgi [-c FILE] -t\n"
    "\n"
    "  --listen ADDRESS  unix:/path, 127.0.0.1:PORT or [::1]:PORT; twice for "
    "two;\n"
    "                    not needed under systemd, spawn-fcgi, mod_fcgid and "
    "as\n"
    "                    plain CGI\n"
    "  -c FILE           the configuration\n"
    "  --unconfined      give up no rights: for debuggers, core dumps\n"
    "  -t                check the configuration and exit\n"
    "  -V                print the version and exit\n"
    "  --help            print this and exit\n";

struct options {
	const char *listen[LISTEN_MAX];
	int n_listen;
	const char *config;
	int test;
	int unconfined;
};

/* What plain CGI would refuse, for a person to judge: under FastCGI the web
 * server's folders are not known, and an administrator may have his reasons. */
static int
doubt(const struct config *config, struct err *e)
{
	struct site_opts o;
	struct site site;
	struct arena *a = arena_new(CONFIG_ARENA_MAX);
	int rc = site_process(a, &o, e) == 0 && site_find(a, &o, &site, e) == 0
	    ? site_check(&site, config, e)
	    : 0;
	arena_free(a);
	return rc;
}

static struct config *
open_config(const char *option, struct err *e)
{
	struct config *c = NULL;
	struct arena *a = arena_new(CONFIG_ARENA_MAX);
	const char *file = config_locate(a, option, CONFIG_WEB, e);
	if (file != NULL && config_load(file, &c, e) != 0)
		c = NULL;
	arena_free(a);
	return c;
}

/* What handlers work with, once the configuration is there. */
static int
app_open(
    struct app *app, const struct config *config, int threads, struct err *e)
{
	app->config = config;
	/* one more for what waits */
	app->readers = readers_new(config, threads + 1);
	return commit_new(config, &app->commit, e);
}

static void
app_close(struct app *app)
{
	publish_free(app->publish);
	send_free(app->send);
	readers_free(app->readers);
	commit_free(app->commit);
}

static void
handle(const void *ctx, struct request *r, struct reply *p)
{
	route_serve(ctx, r, p);
}

/* ---- plain CGI ----------------------------------------------------------- */

static int
serve_cgi(const struct app *app, int *mails, struct err *e)
{
	const struct plain_opts o = { .in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.params = (const char *const *)environ,
		.body_max = route_body_max(),
		.handle = handle,
		.ctx = app,
		.mails = mails };
	return plain_serve(&o, e);
}

static int
main_cgi(void)
{
	struct err e = { .code = ERR_NONE };
	struct app app = { .is_cgi = 1 };
	struct first first = { .file = NULL };
	struct config *config = NULL;
	struct arena *a = arena_new(CONFIG_ARENA_MAX);
	if (crypto_init(&e) == 0)
		config = first_config(a, &first, &e);
	if (first.file != NULL)
		app.first = &first;
	if (config == NULL || app_open(&app, config, 1, &e) != 0) {
		log_line(LOG_ERROR, "%s", e.text);
		app.config = NULL;
	}
	if (app.commit != NULL)
		commit_turn(app.commit, turn_take);
	if (app.config != NULL && site_check_modes(config, &e) != 0) {
		app.is_exposed = 1;
		log_line(LOG_ERROR,
		    "%s; until then deliveries are stored, and all else is "
		    "answered 503",
		    e.text);
	}
	int mails = 0, rc = serve_cgi(&app, &mails, &e);
	if (rc != 0)
		log_line(LOG_ERROR, "%s", e.text);
	app_close(&app);
	if (mails && config != NULL)
		tail_mail(config);
	config_free(config);
	arena_free(a);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- FastCGI ------------------------------------------------------------- */

/* What ends the program; HUP and USR1 too: there is nothing to reload, and
 * Apache's process managers end their programs by USR1. */
static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
enum { N_STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };

/* Threads inherit the mask: only main ever takes these signals. */
static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < N_STOP_SIGNALS; i++)
		sigaddset(set, stop_signals[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* After io_init, over the handlers that libfcgi has set. */
static void
own_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < N_STOP_SIGNALS; i++)
		sigaction(stop_signals[i], &standard, NULL);
}

/* Lookups work in a database that was moved. */
static void
tell_moved(const struct config *config)
{
	struct store *s = NULL;
	int moved = 0;
	if (store_open(config->database, STORE_READ, &s, NULL) == 0 &&
	    store_is_moved(s, &moved, NULL) == 0 && moved)
		log_line(LOG_ERROR,
		    "the database was moved by 'gatepost copy --switch': "
		    "deliveries are answered 503 until gatepost.conf names "
		    "the one it was moved to");
	store_close(s);
}

/* A database that cannot be opened now may be back in a minute: start, and
 * answer 503 until then. Is it open? */
static int
prepare(const struct app *app)
{
	struct err e = { .code = ERR_NONE };
	if (commit_prepare(app->commit, &e) == 0) {
		tell_moved(app->config);
		return 1;
	}
	log_line(LOG_ERROR,
	    "the database cannot be used, deliveries are answered 503 until "
	    "it can: %s",
	    e.text);
	return 0;
}

/* Opens the database and gives up what is not needed any more. */
static int
settle(const struct options *o, struct app *app, const struct config *config,
    const struct listener *listeners, struct err *e)
{
	struct confined confined = { .privileges = 0 };
	char text[CONFINED_TEXT_MAX];
	if (!o->unconfined)
		confine_begin(config, &confined);
	if (app_open(app, config, writer_threads(config->threads), e) != 0)
		return -1;
	app->writers->places = writer_places(config->threads);
	int is_open = prepare(app);
	if (!o->unconfined)
		confine(config, listeners, is_open, &confined);
	log_line(LOG_INFO, "confined: %s", confined_text(&confined, text));
	return 0;
}

/* Each connection is an open file, and 1024 is the usual limit. */
static void
raise_files(const struct config *config)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)(LOOP_CONNS_MAX + config->streams +
	    PUBLISH_CHANGES + 2 * SEND_MAX + FILES_MORE);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < (rlim_t)(config->streams + FILES_MORE))
		log_line(LOG_WARNING,
		    "%d files may be open, fewer than streams need: raise "
		    "the limit (ulimit -n, LimitNOFILE=) or lower streams",
		    (int)limit.rlim_cur);
}

static int
start_publish(struct app *app, struct err *e)
{
	const struct publish_opts o = { .config = app->config,
		.readers = app->readers,
		.reader = writer_threads(app->config->threads) };
	raise_files(app->config);
	const struct send_opts so = { 0 };
	if (publish_start(&o, &app->publish, e) != 0 ||
	    (app->config->n_files > 0 && send_start(&so, &app->send, e) != 0))
		return -1;
	commit_watch(app->commit, publish_committed, app->publish);
	return 0;
}

/* What is parked; both threads take their time at once. */
static void
stop_waiting(const struct app *app)
{
	if (app->send != NULL)
		send_end(app->send);
	if (app->publish != NULL)
		publish_stop(app->publish);
	if (app->send != NULL)
		send_stop(app->send);
}

/* Before it is needed. */
static void
try_standby(const struct config *config)
{
	struct err e = { .code = ERR_NONE };
	struct store *s = NULL;
	if (config->standby_url != NULL &&
	    store_open(config->standby_url, STORE_STANDBY, &s, &e) != 0)
		log_line(LOG_WARNING,
		    "standby_url cannot be used, should the database go: %s",
		    e.text);
	store_close(s);
}

static int
run(const struct app *app, struct listener *listeners, const sigset_t *signals,
    struct err *e)
{
	const struct timespec tick = { 0, LOOP_SWEEP_MS * 1000000L };
	const struct loop_opts o = { .threads =
					 writer_threads(app->config->threads),
		.body_max = route_body_max(),
		.drain = listeners[0].owned,
		.listen_too = listeners[1].fd,
		.handle = handle,
		.ctx = app,
		.park = publish_park,
		.may_write = route_may_write,
		.send = send_park,
		.conns_max = LOOP_CONNS_MAX + app->config->streams +
		    PUBLISH_CHANGES + SEND_MAX };
	struct loop *loop;
	struct chores *chores = NULL;
	struct herald *herald = NULL;
	if (loop_start(&o, listeners[0].fd, &loop, e) != 0)
		return -1;
	if (chores_start(app->commit, app->config, &chores, e) != 0)
		log_line(LOG_ERROR, "%s", e->text);
	if (herald_start(app->config, app->publish, &herald, e) != 0)
		log_line(LOG_ERROR, "%s", e->text);
	log_line(LOG_INFO, "started, %d threads", o.threads);
	try_standby(app->config);
	while (sigtimedwait(signals, NULL, &tick) < 0) {
		loop_sweep(loop);
		refused_flush(0);
	}
	/* who connects from now on finds the next program, or none */
	for (int i = 0; i < LISTEN_MAX; i++)
		listen_retire(&listeners[i]);
	herald_stop(herald);
	stop_waiting(app);
	if (loop_stop(loop) != 0)
		_exit(EXIT_SUCCESS);
	chores_stop(chores);
	refused_flush(1);
	log_line(LOG_INFO, "stopped");
	return 0;
}

/* Those of --listen, unless one was given. */
static int
open_listeners(const struct options *o, const struct config *config,
    struct listener *listeners, struct err *e)
{
	for (int i = 0; i < o->n_listen; i++)
		if (listen_open(o->listen[i], config->listen_group,
			&listeners[i], e) != 0)
			return -1;
	return 0;
}

static int
main_fcgi(const struct options *o, struct listener *listeners)
{
	struct err e = { .code = ERR_NONE };
	struct config *config = NULL;
	struct writers writers = { .places = 1 };
	struct app app = { .started = time_now(), .writers = &writers };
	struct worker worker = { .pid = 0 };
	sigset_t signals;
	block_signals(&signals);
	int rc = crypto_init(&e);
	if (rc == 0) {
		config = open_config(o->config, &e);
		rc = config == NULL ? -1 : io_init(&e);
	}
	own_signals();
	for (size_t i = 0; rc == 0 && i < config->n_warnings; i++)
		log_line(LOG_WARNING, "%s", config->warnings[i]);
	if (rc == 0 && doubt(config, &e) != 0)
		log_line(LOG_WARNING, "%s", e.text);
	if (rc == 0)
		rc = open_listeners(o, config, listeners, &e);
	count_share();
	if (rc == 0)
		rc = worker_start(config, &signals, &worker, &e);
	if (rc == 0)
		rc = settle(o, &app, config, listeners, &e);
	if (rc == 0)
		rc = start_publish(&app, &e);
	if (rc == 0)
		rc = run(&app, listeners, &signals, &e);
	if (rc != 0)
		log_line(LOG_ERROR, "%s", e.text);
	worker_stop(&worker);
	stop_waiting(&app);
	for (int i = 0; i < LISTEN_MAX; i++)
		listen_close(&listeners[i]);
	app_close(&app);
	config_free(config);
	return rc == 0		  ? EXIT_SUCCESS
	    : e.code == ERR_USAGE ? EXIT_USAGE
				  : EXIT_FAILURE;
}

/* ---- by hand ------------------------------------------------------------- */

static int
main_test(const struct options *o)
{
	struct err e = { .code = ERR_NONE };
	struct config *config = open_config(o->config, &e);
	if (config == NULL) {
		fprintf(stderr, "gatepost.fcgi: %s\n", e.text);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < config->n_warnings; i++)
		fprintf(stderr, "gatepost.fcgi: warning: %s\n",
		    config->warnings[i]);
	if (doubt(config, &e) != 0)
		fprintf(stderr,
		    "gatepost.fcgi: warning: as plain CGI this is answered "
		    "503: %s\n",
		    e.text);
	printf("%s: the configuration is good\n", config->file);
	config_free(config);
	return EXIT_SUCCESS;
}

static int
usage(const char *what)
{
	fprintf(stderr, "gatepost.fcgi: %s; see gatepost.fcgi --help\n", what);
	return EXIT_USAGE;
}

/* -1: go on; else the program's exit status. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "listen", required_argument,
						   NULL, 'l' },
		{ "unconfined", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "c:tV", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			if (o->n_listen == LISTEN_MAX)
				return usage("--listen may be there twice");
			o->listen[o->n_listen++] = optarg;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 'u':
			o->unconfined = 1;
			break;
		case 't':
			o->test = 1;
			break;
		case 'V':
			puts("gatepost.fcgi " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			return usage("options are not as they should be");
		}
	}
	return optind < argc ? usage("there are no arguments") : -1;
}

int
main(int argc, char **argv)
{
	struct listener listeners[LISTEN_MAX] = { { .fd = -1 }, { .fd = -1 } };
	struct options o = { .n_listen = 0 };
	log_open("gatepost.fcgi");
	if (getenv("GATEWAY_INTERFACE") != NULL) {
		/* argv may be the query (RFC 3875, 4.4): it is never read */
		if (!listen_is_socket(STDIN_FILENO))
			return main_cgi();
	} else {
		int rc = read_options(argc, argv, &o);
		if (rc >= 0)
			return rc;
		if (o.test)
			return main_test(&o);
	}
	if (o.n_listen == 0 && !listen_given(listeners))
		return usage("no socket was given: say --listen ADDRESS");
	return main_fcgi(&o, listeners);
}

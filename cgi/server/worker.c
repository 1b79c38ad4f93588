#include "cgi/server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "follow/courier.h"
#include "cgi/web/count.h"
#include "health/watch.h"
#include "truth/keep.h"

enum {
	STOP_MS = 2000, /* for what is on its way to a target */
	TICK_MS = 20,
};
static const struct timespec pause_work = { COURIER_LOOK_MS / 1000,
	COURIER_LOOK_MS % 1000 * 1000000L };

struct work {
	struct share share;
	struct courier *courier;
	int failing; /* said so already */
};

/* ---- the process that works ---------------------------------------------- */

static void
say(const char *text)
{
	log_line(LOG_WARNING, "%s", text);
}

static void
warn(const struct platform *p, const char *text)
{
	log_line(LOG_WARNING, "%s: %s", p->name, text);
}

static void
look(struct work *w)
{
	struct err e = { .code = ERR_NONE };
	int busy, rc = courier_look(w->courier, time_now(), &busy, &e);
	if (rc != 0 && !w->failing && e.code != ERR_BUSY &&
	    e.code != ERR_ABSENT)
		log_line(LOG_WARNING, "outbox: %s", e.text);
	w->failing = rc != 0;
}

static void
look_failed(const char *text)
{
	log_line(LOG_WARNING, "watch: %s", text);
}

/* What goes on beside the courier. */
static int
start_rounds(const struct config *c, struct keeper *keeper, struct watch *watch,
    struct round *rounds[2], struct err *e)
{
	*keeper = (struct keeper){ .config = c, .warn = warn };
	*watch = (struct watch){
		.config = c, .refused = count_unverified, .warn = look_failed
	};
	return (keep_wanted(c) &&
		   round_start(keep_round, keeper, &rounds[0], e) != 0) ||
		round_start(watch_round, watch, &rounds[1], e) != 0
	    ? -1
	    : 0;
}

static _Noreturn void
work_main(const struct config *config, const sigset_t *signals)
{
	struct work w = { .share = SHARE(config->database, STORE_WRITE) };
	const struct courier_opts o = {
		.config = config, .share = &w.share, .say = say
	};
	struct err e = { .code = ERR_NONE };
	struct keeper keeper;
	struct watch watch;
	struct round *rounds[2] = { NULL, NULL };
	if (courier_new(&o, &w.courier, &e) != 0 ||
	    start_rounds(config, &keeper, &watch, rounds, &e) != 0) {
		log_line(LOG_ERROR, "worker: %s", e.text);
		_exit(EXIT_FAILURE);
	}
	do
		look(&w);
	while (sigtimedwait(signals, NULL, &pause_work) < 0);
	round_tell(rounds[0]);
	round_tell(rounds[1]);
	int done = courier_stop(w.courier, STOP_MS / 2) == 0;
	if (round_stop(rounds[0], STOP_MS / 4) == 0)
		keep_end(&keeper);
	round_stop(rounds[1], STOP_MS / 4);
	if (done) {
		courier_free(w.courier);
		share_close(&w.share);
	}
	_exit(EXIT_SUCCESS);
}

/* ---- the process that starts it, again and again -------------------------- */

/* Signals of the process before it: it ends when that one does. */
static void
end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_DUMPABLE, 0);
	if (getppid() != parent)
		_exit(EXIT_SUCCESS);
}

/* The sockets are the web program's: a next one may want them. */
static void
let_go(void)
{
	closefrom(STDERR_FILENO + 1);
	int null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
}

/* Waits for pid, or for a signal: then it is ended. 1: by a signal. */
static int
watch(pid_t pid, const sigset_t *signals)
{
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (sigtimedwait(signals, NULL, &pause_work) < 0)
			continue;
		kill(pid, SIGTERM);
		waitpid(pid, &status, 0);
		return 1;
	}
	return 0;
}

static _Noreturn void
keep_working(const struct config *config, const sigset_t *signals)
{
	for (;;) {
		pid_t self = getpid(), pid = fork();
		if (pid == 0) {
			end_with(self);
			work_main(config, signals);
		}
		if (pid > 0 && watch(pid, signals))
			_exit(EXIT_SUCCESS);
		log_line(LOG_ERROR, "outbox: the worker ended, starting anew");
		if (sigtimedwait(signals, NULL, &pause_work) >= 0)
			_exit(EXIT_SUCCESS);
	}
}

int
worker_start(const struct config *config, const sigset_t *signals,
    struct worker *out, struct err *e)
{
	pid_t self = getpid();
	out->pid = 0;
	if (config->follow_ups.n_targets == 0 && !keep_wanted(config) &&
	    config->api_keys.n == 0)
		return 0; /* nobody to tell anything */
	pid_t pid = fork();
	if (pid < 0)
		return err_set(e, ERR_SYSTEM, "no worker: %s", strerror(errno));
	if (pid == 0) {
		end_with(self);
		let_go();
		keep_working(config, signals);
	}
	out->pid = pid;
	return 0;
}

void
worker_stop(struct worker *w)
{
	const struct timespec tick = { 0, TICK_MS * 1000000L };
	int64_t end = time_ticks() + WORKER_STOP_MS;
	int status;
	if (w->pid <= 0)
		return;
	kill(w->pid, SIGTERM);
	while (waitpid(w->pid, &status, WNOHANG) == 0 && time_ticks() < end)
		nanosleep(&tick, NULL);
	w->pid = 0;
}

#include "cgi/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "core/courier.h"

enum {
	PATIENCE_MS = 5000, /* for the web program's own transactions */
	STOP_MS = 2500,
	WAIT_MS = 20, /* between two looks whether it has ended */
};

static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

struct worker {
	const struct config *config;
	pthread_mutex_t lock; /* of the store: the courier has threads */
	struct store *store; /* NULL: not open yet */
	int failing; /* said so already */
};

static int
with_store(void *with, courier_chore_fn *fn, void *arg, struct err *e)
{
	struct worker *w = with;
	int rc = 0;
	pthread_mutex_lock(&w->lock);
	if (w->store == NULL) {
		rc =
		    store_open(w->config->database, STORE_CREATE, &w->store, e);
		if (rc == 0)
			store_patience(w->store, PATIENCE_MS);
		else
			w->store = NULL;
	}
	if (rc == 0) {
		rc = fn(w->store, arg, e);
		if (rc != 0 && e->code == ERR_DB) {
			/* a disk that was full or missing may be back */
			store_close(w->store);
			w->store = NULL;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	log_line(LOG_WARNING, "%s", text);
}

static void
serve(struct worker *w, struct courier *courier, const sigset_t *signals)
{
	const struct timespec pause = { COURIER_LOOK_MS / 1000, 0 };
	do {
		struct err e = { .code = ERR_NONE };
		int busy;
		int rc = courier_look(courier, time_now(), &busy, &e);
		if (rc != 0 && e.code != ERR_BUSY && !w->failing)
			log_line(LOG_WARNING, "outbox: %s", e.text);
		w->failing = rc != 0;
	} while (sigtimedwait(signals, NULL, &pause) < 0);
}

static void
worker_main(const struct config *config)
{
	struct worker w = { .config = config,
		.lock = PTHREAD_MUTEX_INITIALIZER };
	const struct courier_opts o = {
		.config = config, .with = with_store, .with_arg = &w, .say = say
	};
	struct courier *courier;
	struct err e = { .code = ERR_NONE };
	sigset_t signals;
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&signals, ends[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (courier_new(&o, &courier, &e) != 0) {
		log_line(LOG_ERROR, "outbox: %s", e.text);
		return;
	}
	serve(&w, courier, &signals);
	if (courier_stop(courier, STOP_MS) == 0) {
		courier_free(courier);
		store_close(w.store);
	}
}

pid_t
worker_start(const struct config *config, struct err *e)
{
	pid_t parent = getpid();
	if (config->follow_ups.n_targets == 0)
		return 0;
	pid_t pid = fork();
	if (pid < 0)
		return err_set(e, ERR_SYSTEM, "no process for the outbox: %s",
		    strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* the sockets are the parent's: held here, they would outlive it */
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	if (getppid() == parent)
		worker_main(config);
	_exit(EXIT_SUCCESS);
}

void
worker_stop(pid_t pid, int ms)
{
	const struct timespec pause = { 0, WAIT_MS * 1000000L };
	int64_t end = time_ticks() + ms;
	if (pid <= 0 || kill(pid, SIGTERM) != 0)
		return;
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (time_ticks() >= end) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		nanosleep(&pause, NULL);
	}
}

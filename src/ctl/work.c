#include <signal.h>
#include <unistd.h>

#include "base/time.h"
#include "commit/project.h"
#include "commit/rebuild.h"
#include "follow/courier.h"
#include "access/signin.h"
#include "commit/sweep.h"
#include "ctl/ctl.h"
#include "health/watch.h"
#include "store/db_sqlite_shrink.h"
#include "truth/keep.h"

/* What is due by time, for hosts where no program keeps running (--once, by
 * cron), or beside one that does. */

enum {
	MEMORY_MAX = 1 << 28,
	STOP_MS = 4000,
	ONCE_LOOK_MS = 20, /* between two looks whether all is done */
};

struct work {
	struct ctl *ctl;
	struct share share;
	struct arena *arena;
	struct courier *courier;
	struct rebuild_result rebuilt;
	int64_t noted, mails;
};

static void
say(const char *text)
{
	fprintf(stderr, "gatepost: %s\n", text);
}

static void
warn(const struct platform *p, const char *text)
{
	fprintf(stderr, "gatepost: %s: %s\n", p->name, text);
}

/* Once, before the rest: tables made under other rules. */
static int
settle(struct store *s, void *arg, struct err *e)
{
	struct work *w = arg;
	const struct config *c = w->ctl->config;
	int needed;
	if (project_tiers(s, c, e) != 0 ||
	    rebuild_needed(s, c, &needed, e) != 0)
		return -1;
	return needed ? ctl_rebuild_all(s, c, &w->rebuilt, e) : 0;
}

static int
sweep(struct store *s, void *arg, struct err *e)
{
	struct work *w = arg;
	int64_t noted;
	if (sweep_once(s, w->ctl->config, time_now(), w->arena, &noted, e) != 0)
		return -1;
	w->noted += noted;
	return signin_settle(
	    s, w->ctl->config, time_now(), w->arena, &w->mails, e);
}

static int
turn(struct work *w, int *busy, struct err *e)
{
	if (share_with(&w->share, sweep, w, e) != 0)
		return -1;
	return courier_look(w->courier, time_now(), busy, e);
}

/* Until nothing is due: what is to be tried again later is left to later. */
static int
run_once(struct work *w, struct err *e)
{
	const struct timespec pause = { 0, ONCE_LOOK_MS * 1000000L };
	int busy = 0;
	/* first what the platforms know: things may follow from it */
	if (keep_once(w->ctl->config, warn, e) != 0)
		return -1;
	struct err why = { .code = ERR_NONE };
	if (watch_once(w->ctl->config, &why) != 0)
		say(why.text);
	if (turn(w, &busy, e) != 0)
		return -1;
	while (busy) {
		nanosleep(&pause, NULL);
		if (courier_look(w->courier, time_now(), &busy, e) != 0)
			return -1;
	}
	const char *where = w->ctl->config->database;
	return db_wal_bytes(where) > DB_WAL_MAX ? db_wal_shrink(where, e) : 0;
}

/* Until a signal. A database that is busy is looked at again. */
static int
run_on(struct work *w, const sigset_t *signals, struct err *e)
{
	const struct timespec pause = { COURIER_LOOK_MS / 1000, 0 };
	int busy, rc = 0;
	struct keeper keeper = { .config = w->ctl->config, .warn = warn };
	struct watch watch = { .config = w->ctl->config, .warn = say };
	struct round *rounds[2] = { NULL, NULL };
	if ((keep_wanted(w->ctl->config) &&
		round_start(keep_round, &keeper, &rounds[0], e) != 0) ||
	    round_start(watch_round, &watch, &rounds[1], e) != 0)
		return -1;
	do {
		*e = (struct err){ .code = ERR_NONE };
		if (turn(w, &busy, e) != 0 && !err_is_passing(e))
			rc = -1;
	} while (rc == 0 && sigtimedwait(signals, NULL, &pause) < 0);
	if (rc == 0)
		*e = (struct err){ .code = ERR_NONE };
	round_tell(rounds[0]);
	round_tell(rounds[1]);
	courier_stop(w->courier, STOP_MS / 2);
	if (round_stop(rounds[0], STOP_MS / 4) != 0 ||
	    round_stop(rounds[1], STOP_MS / 4) != 0) {
		ctl_flush(w->ctl, NULL);
		_exit(rc == 0 ? CTL_YES : CTL_SYSTEM);
	}
	keep_end(&keeper);
	return rc;
}

static void
report(struct work *w)
{
	struct courier_counts n;
	struct buf *b = &w->ctl->out;
	courier_counts(w->courier, &n);
	if (w->rebuilt.changed_rows > 0 || w->noted > 0)
		buf_addf(b, "%lld rows rebuilt, %lld changes by time\n",
		    (long long)w->rebuilt.changed_rows, (long long)w->noted);
	if (n.done + n.again + n.dead > 0)
		buf_addf(b,
		    "outbox: %lld done, %lld to be tried again, %lld given "
		    "up\n",
		    (long long)n.done, (long long)n.again, (long long)n.dead);
}

static enum ctl_exit
run_work(struct ctl *ctl, struct err *e)
{
	int once = ctl_get(ctl, "once") != NULL;
	const struct config *config = ctl_config(ctl, e);
	sigset_t signals;
	if (config == NULL)
		return CTL_SYSTEM;
	struct work w = { .ctl = ctl,
		.share = SHARE(config->database, STORE_CREATE) };
	const struct courier_opts o = {
		.config = config, .share = &w.share, .say = say
	};
	w.arena = arena_new(MEMORY_MAX);
	if (w.arena == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return CTL_SYSTEM;
	}
	if (!once) {
		/* inherited by the threads: only the wait takes them */
		sigemptyset(&signals);
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGINT);
		sigaddset(&signals, SIGHUP);
		sigprocmask(SIG_BLOCK, &signals, NULL);
	}
	if (share_with(&w.share, settle, &w, e) == 0 &&
	    courier_new(&o, &w.courier, e) == 0) {
		int rc = once ? run_once(&w, e) : run_on(&w, &signals, e);
		report(&w);
		/* threads that are still at it use all of this */
		if (courier_stop(w.courier, STOP_MS) != 0) {
			ctl_flush(ctl, NULL);
			_exit(rc == 0 ? CTL_YES : CTL_SYSTEM);
		}
		courier_free(w.courier);
	}
	share_close(&w.share);
	arena_free(w.arena);
	return CTL_YES;
}

static const struct ctl_option work_options[] = {
	{ "once", NULL, "do what is due, then end; for cron" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_work = {
	.name = "work",
	.args = "[--once]",
	.help = "what is due by time, and what the outbox holds",
	.options = work_options,
	.run = run_work,
};

#include "cgi/server/chores.h"

#include <pthread.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "commit/rebuild.h"
#include "access/signin.h"
#include "commit/sweep.h"
#include "store/db_sqlite_shrink.h"

enum {
	PAUSE_MS = 1000, /* between two looks at the clock */
	BEAT_MS = 5000,
	STEP_PAUSE_MS =
	    5, /* between two steps of a rebuild: deliveries first */
	MEMORY_MAX = 256 * 1024 * 1024,
};

struct chores {
	struct commit *commit;
	const struct config *config;
	struct arena *arena;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int stop;
	int rebuilding;
	int64_t beat; /* ticks: the next */
	int failing; /* said so already */
	int wal_stays; /* said so already */
	struct rebuild_result result;
};

static int
sweep(struct store *s, void *arg, struct err *e)
{
	struct chores *c = arg;
	int64_t noted, mails, now = time_now();
	if (sweep_once(s, c->config, now, c->arena, &noted, e) != 0)
		return -1;
	if (signin_settle(s, c->config, now, c->arena, &mails, e) != 0)
		return -1;
	return noted == 0;
}

/* By which a standby's age is told in quiet times: cgi/server/reader.h. */
static int
beat(struct store *s, void *arg, struct err *e)
{
	(void)arg;
	return store_beat(s, e) == 0 ? 1 : -1;
}

static int
look(struct store *s, void *arg, struct err *e)
{
	struct chores *c = arg;
	return rebuild_needed(s, c->config, &c->rebuilding, e);
}

static int
rebuild(struct store *s, void *arg, struct err *e)
{
	struct chores *c = arg;
	return rebuild_step(s, c->config, time_now(), c->arena, &c->result, e);
}

/* A failure is said once, not every second; it may pass by itself. */
static int
run(struct chores *c, commit_chore_fn *fn, const char *what)
{
	struct err e = { .code = ERR_NONE };
	int rc = commit_chore(c->commit, fn, c, &e);
	if (rc != 0 && !c->failing && e.code != ERR_BUSY)
		log_line(LOG_WARNING, "%s: %s", what, e.text);
	c->failing = rc != 0;
	return rc;
}

static void
shrink_wal(struct chores *c)
{
	struct err e = { .code = ERR_NONE };
	const char *where = c->config->database;
	if (db_wal_bytes(where) > DB_WAL_MAX && db_wal_shrink(where, &e) != 0 &&
	    !c->wal_stays)
		log_line(LOG_WARNING, "%s", e.text);
	c->wal_stays = e.code != ERR_NONE;
}

/* How long to pause until the next piece of work. */
static int
work(struct chores *c)
{
	if (c->config->standby_url != NULL && time_ticks() >= c->beat &&
	    run(c, beat, "a sign to the standby") == 0)
		c->beat = time_ticks() + BEAT_MS;
	if (!c->rebuilding) {
		run(c, sweep, "changes by time");
		shrink_wal(c);
		return PAUSE_MS;
	}
	if (run(c, rebuild, "rebuild") != 0)
		return PAUSE_MS;
	if (!c->result.done)
		return STEP_PAUSE_MS;
	c->rebuilding = 0;
	if (c->result.subjects > 0)
		log_line(LOG_INFO,
		    "rebuilt after a change of rules: %lld subjects, %lld "
		    "rows changed",
		    (long long)c->result.subjects,
		    (long long)c->result.changed_rows);
	return 0;
}

/* Is it time to stop, after at most ms? */
static int
pause_for(struct chores *c, int ms)
{
	struct timespec until;
	int64_t at = time_ticks() + ms;
	until.tv_sec = (time_t)(at / 1000);
	until.tv_nsec = (long)(at % 1000) * 1000000;
	pthread_mutex_lock(&c->lock);
	while (!c->stop && time_ticks() < at)
		pthread_cond_timedwait(&c->wake, &c->lock, &until);
	int stop = c->stop;
	pthread_mutex_unlock(&c->lock);
	return stop;
}

static void *
chores_main(void *arg)
{
	struct chores *c = arg;
	int looked = 0;
	int ms = 0;
	while (!pause_for(c, ms)) {
		if (!looked) {
			looked = run(c, look, "rebuild") == 0;
			ms = looked ? 0 : PAUSE_MS;
		} else {
			ms = work(c);
		}
	}
	return NULL;
}

int
chores_start(struct commit *commit, const struct config *config,
    struct chores **out, struct err *e)
{
	struct chores *c = memory_new(sizeof(*c));
	c->arena = arena_new(MEMORY_MAX);
	c->commit = commit;
	c->config = config;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&c->lock, NULL);
	if (pthread_create(&c->thread, NULL, chores_main, c) != 0) {
		arena_free(c->arena);
		free(c);
		return err_set(e, ERR_SYSTEM, "no thread for chores");
	}
	*out = c;
	return 0;
}

void
chores_stop(struct chores *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = 1;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	arena_free(c->arena);
	free(c);
}

#include "commit/commit.h"

#include <errno.h>
#include <time.h>

#include "base/memory.h"
#include "base/time.h"
#include "commit/commit_own.h"
#include "commit/confirm_mark.h"
#include "commit/project.h"

enum {
	FOLD_MEMORY = 256 * 1024 * 1024,
	/* While the database stays locked: who comes then has perhaps waited
	 * for a thread as long as those before waited for the lock. */
	LOCKED_WAIT_MS = 20,
	/* and for one that has to be connected to, and asked a few things */
	LOCKED_WAIT_SERVER_MS = 200,
	/* leaves time for a database that is slow to open, as a locked one
	 * with a rollback journal is */
	TURN_WAIT_MS = 1400,
	/* of a batch: with a slow database the rest is the next one */
	SLICE_MS = 500,
	AGAIN_PAUSE_MS = 20,
};

static const char too_late[] = "the database did not take it in time";

static const int64_t batch_sizes[] = { 1, 2, 4, 8, 16, 32, COMMIT_BATCH_MAX };

int
commit_new(const struct config *config, struct commit **out, struct err *e)
{
	struct commit *c = memory_new(sizeof(*c));
	(void)e;
	c->arena = arena_new(FOLD_MEMORY);
	c->config = config;
	histogram_init(&c->stats.batch, batch_sizes,
	    sizeof(batch_sizes) / sizeof(batch_sizes[0]));
	histogram_init(&c->stats.time, histogram_times, HISTOGRAM_TIMES);
	histogram_init(&c->stats.lag, histogram_times, HISTOGRAM_TIMES);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->idle, NULL);
	*out = c;
	return 0;
}

void
commit_free(struct commit *c)
{
	if (c == NULL)
		return;
	store_close(c->store);
	arena_free(c->arena);
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
commit_watch(struct commit *c, commit_watch_fn *fn, void *arg)
{
	c->watch = fn;
	c->watch_arg = arg;
}

void
commit_turn(struct commit *c, commit_turn_fn *fn)
{
	c->turn = fn;
}

void
commit_dry(struct commit *c, commit_chore_fn *fn, void *arg)
{
	c->dry = fn;
	c->dry_arg = arg;
}

static void
tell(struct commit *c, const struct commit_mark *mark)
{
	if (c->watch != NULL)
		c->watch(c->watch_arg, mark);
}

static void
be_patient(struct commit *c, int64_t deadline)
{
	int64_t left = deadline - time_ticks();
	store_patience(c->store, left > 0 ? (int)left : 0);
}

static void
forget_store(struct commit *c)
{
	store_close(c->store);
	c->store = NULL;
}

static int
ready(struct commit *c, int64_t deadline, struct err *e)
{
	if (c->store != NULL && store_lost(c->store))
		forget_store(c);
	if (c->store != NULL)
		return 0;
	int64_t left = deadline - time_ticks();
	if (c->turn != NULL && left > 0 && !store_is_url(c->config->database) &&
	    c->turn(c->config->database,
		left < TURN_WAIT_MS ? (int)left : TURN_WAIT_MS, e) != 0)
		return -1;
	left = deadline - time_ticks();
	if (store_open_within(c->config->database, STORE_CREATE,
		left > 0 ? (int)left : 0, &c->store, e) != 0)
		return -1;
	if (c->turn != NULL)
		store_brief(c->store);
	be_patient(c, deadline);
	if (project_tiers(c->store, c->config, e) != 0 ||
	    confirm_mark(c->store, c->config, time_now(), e) != 0) {
		forget_store(c);
		return -1;
	}
	return 0;
}

/* With the lock held, so that who is woken is still there. */
static void
nudge(struct waiter *w)
{
	w->posts++;
	sem_post(&w->wake);
}

/* With the lock held: the next in line may write; a chore, when nobody is. */
static void
hand_over(struct commit *c)
{
	c->leading = 0;
	if (c->first != NULL)
		nudge(c->first);
	else
		pthread_cond_signal(&c->idle);
}

int
commit_prepare(struct commit *c, struct err *e)
{
	pthread_mutex_lock(&c->lock);
	if (c->leading) {
		pthread_mutex_unlock(&c->lock);
		return 0;
	}
	/* as a leader does: callers can still give up in time */
	c->leading = 1;
	pthread_mutex_unlock(&c->lock);
	int rc = ready(c, time_ticks() + COMMIT_WAIT_MS, e);
	pthread_mutex_lock(&c->lock);
	c->was_locked = rc != 0 && e->code == ERR_BUSY;
	hand_over(c);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

static void
pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };
	nanosleep(&t, NULL);
}

/* One try. *done: the last one that is in the transaction; NULL: it is not known
 * what became of it, as its commit was under way. */
static int
try_batch(
    struct commit *c, struct waiter *batch, struct waiter **done, struct err *e)
{
	int64_t end = time_ticks() + SLICE_MS;
	*done = batch;
	if (ready(c, batch->deadline, e) != 0 || commit_learn(c, e) != 0)
		return -1;
	be_patient(c, batch->deadline);
	if (store_is_far(c->store))
		commit_ahead(c, batch);
	if (store_begin(c->store, e) != 0)
		return -1;
	for (struct waiter *w = batch; w != NULL; w = w->next) {
		if (commit_append(c, w, e) != 0)
			goto fail;
		*done = w;
		if (time_ticks() >= end)
			break;
	}
	if (c->dry != NULL) {
		int rc = c->dry(c->store, c->dry_arg, e);
		store_rollback(c->store);
		return rc;
	}
	if (store_commit(c->store, e) == 0)
		return 0;
	/* ERR_BUSY: it did not take place */
	if (e->code != ERR_BUSY)
		*done = NULL;
fail:
	store_rollback(c->store);
	return -1;
}

/* A server that was restarted, or gave way to its standby, is back soon; a
 * transaction that stood in another's way is tried again. Where the commit
 * itself is in doubt the sender is told to come again: what is in the database
 * tells then whether it is a repeat. */
static int
write_batch(
    struct commit *c, struct waiter *batch, struct waiter **rest, struct err *e)
{
	struct waiter *done;
	int had = c->store != NULL, rc;
	c->careful = 0;
	for (;;) {
		int was_careful = c->careful;
		rc = try_batch(c, batch, &done, e);
		if (c->careful > was_careful)
			continue;
		int lost = c->store == NULL || store_lost(c->store);
		if (rc == 0 || done == NULL || (lost && !had) ||
		    (!lost && e->code != ERR_BUSY) ||
		    time_ticks() + AGAIN_PAUSE_MS >= batch->deadline)
			break;
		if (lost && c->store != NULL)
			forget_store(c);
		pause_ms(AGAIN_PAUSE_MS);
	}
	*rest = NULL;
	if (rc == 0) {
		/* commit_queue counts along the batch meanwhile */
		pthread_mutex_lock(&c->lock);
		*rest = done->next;
		done->next = NULL;
		pthread_mutex_unlock(&c->lock);
	}
	return rc;
}

/* The head of the queue, up to COMMIT_BATCH_MAX, oldest first. */
static struct waiter *
take(struct commit *c)
{
	struct waiter *batch = c->first, *w = batch;
	for (int n = 1; w != NULL; w = w->next, n++) {
		w->state = TAKEN;
		if (n == COMMIT_BATCH_MAX || w->next == NULL)
			break;
	}
	if (w != NULL) {
		c->first = w->next;
		w->next = NULL;
	}
	if (c->first == NULL)
		c->last = NULL;
	return batch;
}

/* Back to the head of the queue. They sleep without a time limit, so all are
 * woken. */
static void
put_back(struct commit *c, struct waiter *back)
{
	for (struct waiter *w = back; w != NULL; w = w->next) {
		w->state = QUEUED;
		nudge(w);
		if (w->next == NULL) {
			w->next = c->first;
			if (c->first == NULL)
				c->last = w;
			c->first = back;
			break;
		}
	}
}

/* The first one's time was up, not everybody's: gives those that go on. */
static struct waiter *
cut_in_time(struct waiter *batch)
{
	int64_t now = time_ticks();
	struct waiter *last = batch;
	while (last->next != NULL && last->next->deadline <= now)
		last = last->next;
	struct waiter *back = last->next;
	last->next = NULL;
	return back;
}

/* The rest of a batch that was cut: whose time is up while another batch is
 * written is told now. Gives those that go on, *late the others. */
static struct waiter *
part_late(struct waiter *rest, struct waiter **late)
{
	int64_t now = time_ticks();
	struct waiter *on = NULL, **to_on = &on, **to_late = late;
	for (; rest != NULL; rest = rest->next) {
		struct waiter ***to = rest->deadline <= now ? &to_late : &to_on;
		**to = rest;
		*to = &rest->next;
	}
	*to_on = *to_late = NULL;
	return on;
}

/* With the lock held; they learn of it by wake_all. */
static void
answer(struct waiter *batch, int failed, const struct err *err)
{
	for (struct waiter *w = batch; w != NULL; w = w->next) {
		w->failed = failed;
		if (failed)
			w->err = *err;
	}
}

/* Without the lock, for which they would all queue up. Each one is gone as soon
 * as it is woken. */
static void
wake_all(struct waiter *batch, const struct waiter *self)
{
	while (batch != NULL) {
		struct waiter *w = batch;
		batch = w->next;
		if (w == self)
			continue;
		w->posts++;
		w->state = DONE;
		sem_post(&w->wake);
	}
}

/* began: when the batch was taken. */
static void
measure(struct commit *c, const struct waiter *batch, int64_t began,
    struct commit_mark *mark)
{
	int64_t n = 0;
	*mark = (struct commit_mark){ batch->came, time_micros() };
	for (const struct waiter *w = batch; w != NULL; w = w->next, n++) {
		histogram_add(&c->stats.lag, mark->committed - w->came);
		if (w->came < mark->came)
			mark->came = w->came;
	}
	histogram_add(&c->stats.batch, n);
	histogram_add(&c->stats.time, mark->committed - began);
}

static int
has(const struct waiter *batch, const struct waiter *w)
{
	while (batch != NULL && batch != w)
		batch = batch->next;
	return batch != NULL;
}

/* Writes one batch for all in it; called with the lock held and returning
 * without. 1: self was among them. */
static int
lead(struct commit *c, const struct waiter *self)
{
	struct err err = { 0 };
	c->leading = 1;
	struct commit_mark mark;
	struct waiter *batch = take(c), *rest, *late;
	c->batch = batch;
	pthread_mutex_unlock(&c->lock);
	int64_t began = time_micros();
	int rc = write_batch(c, batch, &rest, &err);
	if (rc != 0 && err.code != ERR_BUSY)
		/* whatever broke: begin afresh the next time */
		forget_store(c);
	if (rc == 0) {
		measure(c, batch, began, &mark);
		tell(c, &mark);
	}
	pthread_mutex_lock(&c->lock);
	c->batch = NULL;
	int is_busy = rc != 0 && err.code == ERR_BUSY;
	/* who comes while it is slow would wait too long for a thread as well */
	c->was_locked = is_busy || rest != NULL;
	if (is_busy)
		rest = cut_in_time(batch);
	put_back(c, part_late(rest, &late));
	answer(batch, rc != 0, &err);
	err_set(&err, ERR_BUSY, "%s", too_late);
	answer(late, 1, &err);
	hand_over(c);
	pthread_mutex_unlock(&c->lock);
	int done = has(batch, self) || has(late, self);
	wake_all(batch, self);
	wake_all(late, self);
	return done;
}

static void
leave_queue(struct commit *c, struct waiter *w)
{
	struct waiter *before = NULL;
	for (struct waiter *x = c->first; x != w; x = x->next)
		before = x;
	if (before == NULL)
		c->first = w->next;
	else
		before->next = w->next;
	if (c->last == w)
		c->last = before;
}

/* 1: woken; 0: its time is up. Who is being written waits for the end. */
static int
doze(struct waiter *w)
{
	int timed = w->state == QUEUED, rc;
	const struct timespec until = { .tv_sec = (time_t)(w->deadline / 1000),
		.tv_nsec = (long)(w->deadline % 1000) * 1000000 };
	do {
		rc = timed ? sem_clockwait(&w->wake, CLOCK_MONOTONIC, &until)
			   : sem_wait(&w->wake);
	} while (rc != 0 && errno == EINTR);
	return rc == 0;
}

/* Called with the lock held and returning without. Whoever wakes a waiter has
 * let go of it before the waiter leaves: all posts are waited for. */
static void
wait_turn(struct commit *c, struct waiter *w)
{
	for (int woken = 0;;) {
		if (w->state == QUEUED && !c->leading) {
			if (lead(c, w))
				return;
			pthread_mutex_lock(&c->lock);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		int in_time = doze(w);
		woken += in_time;
		if (w->state == DONE && woken == w->posts)
			return;
		pthread_mutex_lock(&c->lock);
		if (!in_time && w->state == QUEUED && c->leading) {
			leave_queue(c, w);
			c->was_locked = 1;
			pthread_mutex_unlock(&c->lock);
			w->failed = 1;
			err_set(&w->err, ERR_BUSY, "%s", too_late);
			return;
		}
	}
}

int
commit_put(struct commit *c, const struct commit_delivery *d,
    struct commit_answer *out, struct err *e)
{
	int64_t now = time_ticks();
	struct waiter w = { .delivery = d,
		.state = QUEUED,
		.deadline = now + COMMIT_WAIT_MS,
		.came = d->came != 0 ? d->came : time_micros() };
	if (d->came != 0)
		w.deadline = d->came / 1000 + COMMIT_WAIT_MS;
	sem_init(&w.wake, 0, 0);
	pthread_mutex_lock(&c->lock);
	int64_t locked = store_is_url(c->config->database)
	    ? LOCKED_WAIT_SERVER_MS
	    : LOCKED_WAIT_MS;
	if (c->was_locked && w.deadline > now + locked)
		w.deadline = now + locked;
	if (c->last == NULL)
		c->first = &w;
	else
		c->last->next = &w;
	c->last = &w;
	wait_turn(c, &w);
	sem_destroy(&w.wake);
	if (w.failed) {
		if (e != NULL)
			*e = w.err;
		return -1;
	}
	*out = w.answer;
	return 0;
}

int
commit_chore(struct commit *c, commit_chore_fn *fn, void *arg, struct err *e)
{
	pthread_mutex_lock(&c->lock);
	while (c->leading)
		pthread_cond_wait(&c->idle, &c->lock);
	c->leading = 1;
	pthread_mutex_unlock(&c->lock);
	int rc = ready(c, time_ticks(), e);
	if (rc == 0) {
		be_patient(c, time_ticks());
		rc = fn(c->store, arg, e);
		struct commit_mark mark = { 0, time_micros() };
		if (rc <= 0)
			tell(c, &mark);
	}
	pthread_mutex_lock(&c->lock);
	hand_over(c);
	pthread_mutex_unlock(&c->lock);
	return rc < 0 ? -1 : 0;
}

struct commit_stats *
commit_stats(struct commit *c)
{
	return &c->stats;
}

static void
look_at(const struct waiter *w, int64_t now, struct commit_queue *out)
{
	for (; w != NULL; w = w->next) {
		out->waiting++;
		if (now - w->came > out->oldest)
			out->oldest = now - w->came;
	}
}

/* Each that waits is a thread of the program: the lists are short. */
void
commit_queue(struct commit *c, struct commit_queue *out)
{
	*out = (struct commit_queue){ 0 };
	pthread_mutex_lock(&c->lock);
	int64_t now = time_micros();
	look_at(c->batch, now, out);
	look_at(c->first, now, out);
	pthread_mutex_unlock(&c->lock);
}

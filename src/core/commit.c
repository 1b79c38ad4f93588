#include "core/commit.h"

#include <errno.h>
#include <pthread.h>

#include "base/time.h"
#include "core/outbox.h"
#include "core/project.h"

enum {
	FOLD_MEMORY = 256 * 1024 * 1024,
	SUBJECT_MAX = 1024, /* bytes, with NUL */
	/* While the database stays locked: who comes then has perhaps waited
	 * for a thread as long as those before waited for the lock. */
	LOCKED_WAIT_MS = 20,
	/* leaves time for a database that is slow to open, as a locked one
	 * with a rollback journal is */
	TURN_WAIT_MS = 1400,
};

static const int64_t batch_sizes[] = { 1, 2, 4, 8, 16, 32, COMMIT_BATCH_MAX };

enum waiter_state { QUEUED, TAKEN, DONE };

struct waiter {
	const struct commit_delivery *delivery;
	struct commit_answer answer;
	struct err err;
	int failed;
	enum waiter_state state;
	int64_t deadline; /* ticks */
	int64_t came; /* micros */
	pthread_cond_t wake;
	struct waiter *next;
	char subject[SUBJECT_MAX]; /* the one it is stored under */
};

struct commit {
	const struct config *config;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* nobody leads and nobody waits */
	struct waiter *first, *last; /* queued */
	struct waiter *batch; /* taken, being written */
	int leading; /* a caller is writing for all */
	int was_locked; /* the last batch waited for the database in vain */
	commit_watch_fn *watch; /* NULL: nobody */
	void *watch_arg;
	commit_chore_fn *dry; /* NULL: what is written stays */
	void *dry_arg;
	commit_turn_fn *turn; /* NULL: no other process to wait for */
	struct commit_stats stats;
	/* the leader's */
	struct store *store;
	struct arena *arena;
};

int
commit_new(const struct config *config, struct commit **out, struct err *e)
{
	struct commit *c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->arena = arena_new(FOLD_MEMORY);
	if (c == NULL || c->arena == NULL) {
		free(c);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
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

static int
ready(struct commit *c, int64_t deadline, struct err *e)
{
	if (c->store != NULL)
		return 0;
	int64_t left = deadline - time_ticks();
	if (c->turn != NULL && left > 0 &&
	    c->turn(c->config->database,
		left < TURN_WAIT_MS ? (int)left : TURN_WAIT_MS, e) != 0)
		return -1;
	if (store_open(c->config->database, STORE_CREATE, &c->store, e) != 0)
		return -1;
	be_patient(c, deadline);
	if (project_tiers(c->store, c->config, e) != 0) {
		store_close(c->store);
		c->store = NULL;
		return -1;
	}
	return 0;
}

/* With the lock held: the next in line may write; a chore, when nobody is. */
static void
hand_over(struct commit *c)
{
	c->leading = 0;
	pthread_cond_signal(c->first != NULL ? &c->first->wake : &c->idle);
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

/* Must the whole transaction be given up? What is too much for the arena's
 * limit will be so the next time: that is one delivery's fault. */
static int
is_fatal(const struct commit *c, const struct err *e)
{
	if (e->code == ERR_MEMORY)
		return !arena_full(c->arena);
	return err_is_passing(e) || e->code == ERR_ABSENT;
}

/* 0 when it does not fit, and nothing is changed. */
static int
set_subject(struct waiter *w, struct str subject)
{
	if (subject.p == NULL || subject.n >= sizeof(w->subject))
		return 0;
	snprintf(w->subject, sizeof(w->subject), "%.*s", STR_ARG(subject));
	return 1;
}

static int
take_filed(void *arg, const struct store_event *row)
{
	set_subject(arg, row->subject);
	return 1;
}

/* What is to be done about it, in the same transaction. */
static int
follow_up(struct commit *c, const struct waiter *w, struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	int folds = str_eq_z(d->status, "applied");
	const struct outbox_delivery o = { .platform = d->platform,
		.fact = d->fact,
		.subject = str_from(w->subject),
		.status = w->answer.kept ? STR("kept") : d->status,
		.reason =
		    w->answer.kept && folds ? STR("fold_error") : d->reason,
		.event = w->answer.event,
		.at = d->received_at };
	return outbox_delivered(c->store, c->config, &o, c->arena, e);
}

/* Folds the delivery's subject; one that cannot be folded is kept, and leaves
 * its neighbours in the batch alone. */
static int
fold(struct commit *c, struct waiter *w, const struct fact *f, struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	/* a repeat is folded as it is stored: it may have been rewritten to
	 * erase a person, whom what came again must not bring back */
	struct project_known known = {
		w->answer.duplicate ? 0 : w->answer.event, f
	};
	struct project_when when = { d->received_at, w->answer.event };
	if (store_savepoint(c->store, e) != 0)
		return -1;
	arena_reset(c->arena);
	if (w->answer.duplicate &&
	    store_event_get(c->store, w->answer.event, take_filed, w, e) != 0)
		return -1;
	if (project_subject(c->store, c->config, d->platform,
		str_from(w->subject), &known, &when, c->arena, e) == 0)
		return store_release(c->store, e);
	if (is_fatal(c, e) || store_rollback_to(c->store, e) != 0 ||
	    store_release(c->store, e) != 0)
		return -1;
	w->answer.kept = 1;
	return store_event_status(
	    c->store, w->answer.event, STR("kept"), STR("fold_error"), e);
}

static int
take_subject(void *arg, const struct store_purchase *row)
{
	set_subject(arg, row->subject);
	return 1;
}

/* A sale that is known under another subject stays with it: a refund whose
 * subscription is missing or another one is still that sale's refund. */
static int
find_subject(struct commit *c, struct waiter *w, struct err *e)
{
	const struct fact *f = w->delivery->fact;
	struct err absent = { .code = ERR_NONE };
	if (!set_subject(w, f->subject))
		snprintf(w->subject, sizeof(w->subject), "delivery:%.*s",
		    STR_ARG(f->delivery));
	if (f->sale.p == NULL || !str_eq_z(w->delivery->status, "applied"))
		return 0;
	if (store_purchase_get(c->store, str_from(w->delivery->platform->name),
		project_column(c->arena, f->sale), take_subject, w,
		&absent) == 0 ||
	    absent.code == ERR_ABSENT)
		return 0;
	*e = absent;
	return -1;
}

static int
append(struct commit *c, struct waiter *w, struct err *e)
{
	const struct commit_delivery *d = w->delivery;
	const struct fact *f = d->fact;
	arena_reset(c->arena);
	if (find_subject(c, w, e) != 0)
		return -1;
	struct store_event row = {
		.platform = str_from(d->platform->name),
		.kind = f->kind_name,
		.delivery = f->delivery,
		.subject = str_from(w->subject),
		.sent_at = d->sent_at,
		.received_at = d->received_at,
		.content_type = d->content_type,
		.body = d->body,
		.verified_by = d->verified_by,
		.peer = d->peer,
		.status = d->status,
		.reason = d->reason,
	};
	struct str *texts[] = { &row.kind, &row.subject, &row.content_type,
		&row.peer };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = project_column(c->arena, *texts[i]);
	if (arena_failed(c->arena))
		return err_set(e, ERR_MEMORY, "out of memory");
	enum store_added added;
	if (store_event_add(c->store, &row, &w->answer.event, &added, e) != 0)
		return -1;
	w->answer.duplicate = added != STORE_NEW;
	w->answer.kept = str_eq_z(d->status, "kept");
	if (added != STORE_AGAIN && str_eq_z(d->status, "applied") &&
	    fold(c, w, f, e) != 0)
		return -1;
	return added == STORE_NEW ? follow_up(c, w, e) : 0;
}

static int
write_batch(struct commit *c, struct waiter *batch, struct err *e)
{
	if (ready(c, batch->deadline, e) != 0)
		return -1;
	be_patient(c, batch->deadline);
	if (store_begin(c->store, e) != 0)
		return -1;
	for (struct waiter *w = batch; w != NULL; w = w->next)
		if (append(c, w, e) != 0)
			goto fail;
	if (c->dry != NULL) {
		int rc = c->dry(c->store, c->dry_arg, e);
		store_rollback(c->store);
		return rc;
	}
	if (store_commit(c->store, e) == 0)
		return 0;
fail:
	store_rollback(c->store);
	return -1;
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

/* The first one's time was up, not everybody's: the others go back to the
 * head of the queue. They sleep without a time limit, so all are woken. */
static void
put_back(struct commit *c, struct waiter *batch)
{
	int64_t now = time_ticks();
	struct waiter *last = batch;
	while (last->next != NULL && last->next->deadline <= now)
		last = last->next;
	struct waiter *back = last->next;
	last->next = NULL;
	for (struct waiter *w = back; w != NULL; w = w->next) {
		w->state = QUEUED;
		pthread_cond_signal(&w->wake);
		if (w->next == NULL) {
			w->next = c->first;
			if (c->first == NULL)
				c->last = w;
			c->first = back;
			break;
		}
	}
}

static void
answer(struct waiter *batch, int failed, const struct err *err)
{
	while (batch != NULL) {
		struct waiter *w = batch;
		batch = w->next;
		w->failed = failed;
		if (failed)
			w->err = *err;
		w->state = DONE;
		pthread_cond_signal(&w->wake);
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

/* Writes one batch for all in it; called and returning with the lock held. */
static void
lead(struct commit *c)
{
	struct err err = { 0 };
	c->leading = 1;
	struct commit_mark mark;
	struct waiter *batch = take(c);
	c->batch = batch;
	pthread_mutex_unlock(&c->lock);
	int64_t began = time_micros();
	int rc = write_batch(c, batch, &err);
	if (rc != 0 && err.code != ERR_BUSY) {
		/* whatever broke: begin afresh the next time */
		store_close(c->store);
		c->store = NULL;
	}
	if (rc == 0) {
		measure(c, batch, began, &mark);
		tell(c, &mark);
	}
	pthread_mutex_lock(&c->lock);
	c->batch = NULL;
	c->was_locked = rc != 0 && err.code == ERR_BUSY;
	if (c->was_locked)
		put_back(c, batch);
	answer(batch, rc != 0, &err);
	hand_over(c);
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

static struct timespec
absolute(int64_t ticks)
{
	return (struct timespec){ .tv_sec = (time_t)(ticks / 1000),
		.tv_nsec = (long)(ticks % 1000) * 1000000 };
}

static void
wait_turn(struct commit *c, struct waiter *w)
{
	struct timespec until = absolute(w->deadline);
	while (w->state != DONE) {
		if (w->state == QUEUED && !c->leading) {
			lead(c);
			continue;
		}
		int rc = w->state == TAKEN
		    ? pthread_cond_wait(&w->wake, &c->lock)
		    : pthread_cond_timedwait(&w->wake, &c->lock, &until);
		if (rc == ETIMEDOUT && w->state == QUEUED && c->leading) {
			leave_queue(c, w);
			c->was_locked = 1;
			w->failed = 1;
			err_set(&w->err, ERR_BUSY,
			    "the database did not take it in time");
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
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w.wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_lock(&c->lock);
	if (c->was_locked && w.deadline > now + LOCKED_WAIT_MS)
		w.deadline = now + LOCKED_WAIT_MS;
	if (c->last == NULL)
		c->first = &w;
	else
		c->last->next = &w;
	c->last = &w;
	wait_turn(c, &w);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&w.wake);
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
		tell(c, &mark);
	}
	pthread_mutex_lock(&c->lock);
	hand_over(c);
	pthread_mutex_unlock(&c->lock);
	return rc;
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

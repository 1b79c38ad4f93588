#include "follow/courier.h"

#include "base/memory.h"
#include "base/time.h"
#include "follow/courier_own.h"
#include "follow/outbox.h"

enum {
	CLAIM_FIRST = 4, /* rows */
	LEASE_S = 60, /* of a claim, beside twice the time-out */
	BATCH_MS = 1000, /* then marks are written */
	MARK_MS = 60000, /* so long it is tried to write them */
	ARENA_MAX = COURIER_CLAIM_MAX * (EFFECT_PAYLOAD_MAX + 1024),
	EXPIRE_S = 60, /* between two looks for what is too old */
	EXPIRE_MAX = 500, /* rows at one look */
	TIDY_S = 3600,
	TIDY_AGE = 30 * 86400, /* what was done forgets the person then */
};

static const struct timespec mark_pause = { 0, 50000000 };

/* ---- threads ------------------------------------------------------------- */

/* A thread's rows, and what became of those before them. */
struct turn {
	struct claim claim;
	struct mark marks[COURIER_CLAIM_MAX];
	size_t n_marks;
	size_t most; /* rows to claim: twice what was done in BATCH_MS */
	struct arena *arena; /* of one row */
};

/* How many rows may be claimed now, with the lock held: one while the target is
 * on trial, and of what is marked at once. */
static size_t
may_claim(const struct lane *lane, int64_t now)
{
	if (lane->courier->stop || lane->disabled || lane->open_at > now)
		return 0;
	return lane->pause > 0 || lane->failures > 0 ||
		lane->action->kind != ACTION_HTTP
	    ? 1
	    : COURIER_CLAIM_MAX;
}

static size_t
ask_claim(const struct lane *lane, int64_t now)
{
	pthread_mutex_lock(&lane->courier->lock);
	size_t n = may_claim(lane, now);
	pthread_mutex_unlock(&lane->courier->lock);
	return n;
}

static int
mark_and_claim(struct store *s, struct turn *t, struct err *e)
{
	struct claim *b = &t->claim;
	for (size_t i = 0; i < t->n_marks; i++) {
		arena_reset(t->arena);
		if (courier_mark(s, b->lane, &t->marks[i], t->arena, e) != 0)
			return -1;
	}
	arena_reset(b->arena);
	b->n = 0;
	b->now = time_now();
	b->until = b->now + LEASE_S + 2 * b->lane->action->timeout_ms / 1000;
	b->max = ask_claim(b->lane, b->now);
	if (b->max > t->most)
		b->max = t->most;
	return b->max == 0 ? 0 : courier_claim(s, b, e);
}

static void
drop_marks(struct turn *t)
{
	for (size_t i = 0; i < t->n_marks; i++)
		courier_let_go(t->claim.lane->courier, t->marks[i].id);
	t->n_marks = 0;
}

/* A share_fn: writes the marks there are and claims the next rows, in one
 * transaction. */
static int
turn(struct store *s, void *arg, struct err *e)
{
	struct turn *t = arg;
	if (store_begin_claim(s, e) != 0)
		return -1;
	if (mark_and_claim(s, t, e) != 0 || store_commit(s, e) != 0) {
		store_rollback(s);
		return -1;
	}
	drop_marks(t);
	courier_hold(t->claim.lane->courier, &t->claim);
	return 0;
}

/* Are there next rows? A database that is busy or full now: the effects took
 * place, so insist on their marks. */
static int
next(struct turn *t)
{
	int64_t end = time_ticks() + MARK_MS;
	struct err e = { .code = ERR_NONE };
	while (share_with(t->claim.lane->courier->o.share, turn, t, &e) != 0) {
		if (t->n_marks == 0 || time_ticks() >= end)
			return 0;
		nanosleep(&mark_pause, NULL);
	}
	return t->claim.n > 0;
}

/* A killed program does again what was not marked: only what is simply done
 * waits for others. */
static int
may_wait(const struct mark *m)
{
	return strcmp(m->state, "done") == 0 && m->recovered == 0;
}

static void
carry_out(struct turn *t)
{
	struct claim *b = &t->claim;
	int64_t end = time_ticks() + BATCH_MS;
	size_t n = 0;
	do
		courier_do(b->lane, &b->jobs[n], t->arena, &t->marks[n]);
	while (may_wait(&t->marks[n++]) && n < b->n && time_ticks() < end &&
	    ask_claim(b->lane, time_now()) > 0);
	t->n_marks = b->n;
	t->most = 2 * n;
	for (; n < b->n; n++) {
		const struct store_outbox *row = &b->jobs[n].row;
		t->marks[n] =
		    (struct mark){ .id = row->id, .attempts = row->attempts };
		courier_let_go(b->lane->courier, row->id);
	}
}

static void *
lane_main(void *arg)
{
	struct lane *lane = arg;
	struct courier *c = lane->courier;
	struct turn t = { .claim = { .lane = lane,
			      .arena = arena_new(ARENA_MAX) },
		.most = CLAIM_FIRST,
		.arena = arena_new(ARENA_MAX) };
	while (next(&t))
		carry_out(&t);
	/* not marked: done again when the claim has run out */
	drop_marks(&t);
	arena_free(t.claim.arena);
	arena_free(t.arena);
	pthread_mutex_lock(&c->lock);
	lane->running--;
	c->running--;
	pthread_cond_signal(&c->idle);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* With the lock held. */
static void
start(struct lane *lane, int64_t now)
{
	struct courier *c = lane->courier;
	pthread_attr_t attr;
	pthread_t thread;
	int lanes = may_claim(lane, now) > 1 ? COURIER_LANES : 1;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (may_claim(lane, now) > 0 && lane->running < lanes &&
	    pthread_create(&thread, &attr, lane_main, lane) == 0) {
		lane->running++;
		c->running++;
	}
	pthread_attr_destroy(&attr);
}

/* ---- the clock ----------------------------------------------------------- */

struct look {
	struct courier *courier;
	int64_t now;
	unsigned char *due; /* by lane */
};

/* One that is too old, its texts in the arena. */
struct old {
	struct arena *arena;
	struct courier_dead dead; /* id 0: there is none */
};

static int
take_old(void *arg, const struct store_outbox *row)
{
	struct old *old = arg;
	struct str last =
	    row->last_error.n > 0 ? row->last_error : STR("never tried");
	old->dead = (struct courier_dead){ .id = row->id,
		.kind = str_from(str_z(old->arena, row->kind)),
		.target = str_from(str_z(old->arena, row->target)),
		.last_error = str_from(arena_printf(
		    old->arena, "expired; last: %.*s", STR_ARG(last))) };
	return 1;
}

/* What nobody has sent in a week is not news any more. More than that at the
 * next look. */
static int
expire(struct store *s, struct courier *c, int64_t now, struct err *e)
{
	struct old old = { .arena = c->arena };
	for (int i = 0; i < EXPIRE_MAX; i++) {
		arena_reset(c->arena);
		old.dead.id = 0;
		if (store_outbox_old(
			s, now - OUTBOX_EXPIRES, 1, take_old, &old, e) != 0)
			return -1;
		if (old.dead.id == 0)
			return 0;
		if (store_begin(s, e) != 0)
			return -1;
		if (store_outbox_expire(s, old.dead.id, now, e) != 0 ||
		    courier_alert(
			s, c->o.config, &old.dead, now, c->arena, e) != 0 ||
		    store_commit(s, e) != 0) {
			store_rollback(s);
			return -1;
		}
	}
	return 0;
}

static int
tidy(struct store *s, struct courier *c, int64_t now, struct err *e)
{
	if (now - c->tidied_at < TIDY_S)
		return 0;
	c->tidied_at = now;
	return store_outbox_tidy(s, now - TIDY_AGE, e);
}

/* A share_fn: which targets have something to do? */
static int
look(struct store *s, void *arg, struct err *e)
{
	struct look *l = arg;
	struct courier *c = l->courier;
	if (l->now - c->expired_at >= EXPIRE_S) {
		c->expired_at = l->now;
		if (expire(s, c, l->now, e) != 0 ||
		    outbox_let_go(s, c->o.config, l->now, c->arena, e) != 0 ||
		    tidy(s, c, l->now, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct action *a = c->lanes[i].action;
		int due = 0, off = 0;
		if (store_outbox_is_due(s, str_from(action_words[a->kind]),
			a->name, a->order, l->now, &due, e) != 0 ||
		    (due && courier_is_disabled(s, a, &off, e) != 0))
			return -1;
		l->due[i] = due && !off;
	}
	return 0;
}

int
courier_look(struct courier *c, int64_t now, int *busy, struct err *e)
{
	unsigned char due[RULE_TARGETS_MAX + 2] = { 0 };
	struct look l = { c, now, due };
	int rc = c->n == 0 ? 0 : share_with(c->o.share, look, &l, e);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		if (!due[i])
			continue;
		c->lanes[i].disabled = 0;
		start(&c->lanes[i], now);
	}
	*busy = c->running > 0;
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
courier_new(const struct courier_opts *o, struct courier **out, struct err *e)
{
	const struct rules *rules = &o->config->follow_ups;
	struct courier *c = memory_new(sizeof(*c));
	struct lane *lanes =
	    memory_new((rules->n_targets + 1) * sizeof(*lanes));
	(void)e;
	c->o = *o;
	c->lanes = lanes;
	c->arena = arena_new(ARENA_MAX);
	c->n = rules->n_targets;
	for (size_t i = 0; i < c->n; i++)
		lanes[i] =
		    (struct lane){ .courier = c, .action = rules->targets[i] };
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->idle, &attr);
	pthread_condattr_destroy(&attr);
	*out = c;
	return 0;
}

void
courier_counts(struct courier *c, struct courier_counts *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->counts;
	pthread_mutex_unlock(&c->lock);
}

int
courier_stop(struct courier *c, int ms)
{
	struct timespec until;
	int64_t at = time_ticks() + ms;
	until.tv_sec = (time_t)(at / 1000);
	until.tv_nsec = (long)(at % 1000) * 1000000;
	pthread_mutex_lock(&c->lock);
	c->stop = 1;
	while (c->running > 0 && time_ticks() < at)
		pthread_cond_timedwait(&c->idle, &c->lock, &until);
	int left = c->running;
	pthread_mutex_unlock(&c->lock);
	return left == 0 ? 0 : -1;
}

void
courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->lock);
	arena_free(c->arena);
	free(c->lanes);
	free(c);
}

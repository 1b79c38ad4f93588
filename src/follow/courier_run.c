#include "follow/courier.h"

#include "base/time.h"
#include "follow/courier_own.h"
#include "follow/outbox.h"

enum {
	CLAIM_FIRST = 4, /* rows; more while they go quickly */
	QUICK_MS = 500, /* for all of a claim */
	LEASE_S = 60, /* of a claim, beside twice the time-out of one row */
	LEASE_SLACK_S = 5, /* to write the mark */
	ARENA_MAX = 8 * 1024 * 1024,
	EXPIRE_S = 60, /* between two looks for what is too old */
	EXPIRE_MAX = 500, /* rows at once: others wait to write */
	TIDY_S = 3600,
	TIDY_AGE = 30 * 86400, /* what was done forgets the person then */
	MARK_TRIES = 40, /* with mark_pause between: 2 s */
};

static const struct timespec mark_pause = { 0, 50000000 };

/* ---- the database -------------------------------------------------------- */

struct turn {
	struct courier *courier;
	struct claim *claim; /* NULL: marks alone */
	struct arena *arena;
};

/* A courier_chore_fn: writes the marks there are and claims the next rows, in
 * one transaction. Nothing is written where there is nothing to write. */
static int
turn(struct store *s, void *arg, struct err *e)
{
	struct turn *t = arg;
	struct claim *b = t->claim;
	size_t n = courier_marks(t->courier);
	int due = 0;
	if (b != NULL)
		b->n = 0;
	/* a mark can make another row of the same person due */
	if (n == 0 && b != NULL &&
	    claim_is_due(s, b->action, b->now, &due, e) != 0)
		return -1;
	if (n == 0 && !due)
		return 0;
	if (store_begin_claim(s, e) != 0)
		return -1;
	if (courier_marks_write(s, t->courier, n, t->arena, e) == 0 &&
	    (b == NULL ||
		(courier_flight_copy(t->courier, b, e) == 0 &&
		    claim_take(s, b, e) == 0)) &&
	    store_commit(s, e) == 0) {
		if (b != NULL)
			courier_flight_add(t->courier, b);
		courier_marks_drop(t->courier, n);
		return 0;
	}
	store_rollback(s);
	if (b != NULL)
		b->n = 0;
	return -1;
}

/* A database that is busy now: the effects took place, so insist. */
static void
write_marks(struct courier *c, struct arena *arena)
{
	struct err e = { .code = ERR_NONE };
	struct turn t = { c, NULL, arena };
	for (int i = 0;
	     c->o.with(c->o.with_arg, turn, &t, &e) != 0 && i < MARK_TRIES; i++)
		nanosleep(&mark_pause, NULL);
}

static void
do_job(struct lane *lane, const struct claim_job *job, struct arena *arena)
{
	struct mark m;
	int now;
	courier_do(lane, job, arena, &m);
	if (courier_mark_add(lane->courier, &m, &now) != 0) {
		write_marks(lane->courier, arena);
		/* done again when its claim has run out */
		if (courier_mark_add(lane->courier, &m, &now) != 0)
			courier_flight_end(lane->courier, m.id);
	}
	if (now)
		write_marks(lane->courier, arena);
}

/* ---- threads ------------------------------------------------------------- */

/* How many rows may be claimed now: 0 none, 1 while it is on trial. */
static size_t
may_claim(const struct lane *lane, int64_t now, size_t most)
{
	if (lane->courier->stop || lane->disabled || lane->open_at > now)
		return 0;
	return lane->pause > 0 || lane->failures > 0 ? 1 : most;
}

static size_t
ask_claim(struct lane *lane, int64_t now, size_t most)
{
	pthread_mutex_lock(&lane->courier->lock);
	size_t n = may_claim(lane, now, most);
	pthread_mutex_unlock(&lane->courier->lock);
	return n;
}

/* May one more be begun, and end before somebody else may claim it? */
static int
may_begin(struct lane *lane, const struct claim *b)
{
	int64_t now = time_now();
	return now + lane->action->timeout_ms / 1000 + LEASE_SLACK_S <=
	    b->until &&
	    ask_claim(lane, now, 1) > 0;
}

/* Claims and carries out, until nothing is due or the target has to rest. */
static void
serve(struct lane *lane, struct arena *rows, struct arena *arena)
{
	struct courier *c = lane->courier;
	for (size_t most = CLAIM_FIRST;;) {
		struct err e = { .code = ERR_NONE };
		struct claim b = {
			.action = lane->action, .arena = rows, .now = time_now()
		};
		struct turn t = { c, &b, arena };
		int64_t begun = time_ticks();
		size_t i = 0;
		b.max = ask_claim(lane, b.now, most);
		b.until = b.now + LEASE_S + 2 * lane->action->timeout_ms / 1000;
		arena_reset(rows);
		if (b.max == 0 || c->o.with(c->o.with_arg, turn, &t, &e) != 0 ||
		    b.n == 0)
			return;
		while (i < b.n && (i == 0 || may_begin(lane, &b)))
			do_job(lane, &b.jobs[i++], arena);
		b.max = i;
		if (i < b.n)
			c->o.with(c->o.with_arg, claim_give_back, &b, &e);
		for (; i < b.n; i++)
			courier_flight_end(c, b.jobs[i].row.id);
		most = time_ticks() - begun > QUICK_MS ? CLAIM_FIRST
		    : most * 2 < CLAIM_MAX	       ? most * 2
						       : CLAIM_MAX;
	}
}

static void *
lane_main(void *arg)
{
	struct lane *lane = arg;
	struct courier *c = lane->courier;
	struct arena *rows = arena_new(ARENA_MAX),
		     *arena = arena_new(ARENA_MAX);
	if (rows != NULL && arena != NULL) {
		serve(lane, rows, arena);
		if (courier_marks(c) > 0)
			write_marks(c, arena);
	}
	arena_free(rows);
	arena_free(arena);
	pthread_mutex_lock(&c->lock);
	lane->running--;
	c->running--;
	pthread_cond_signal(&c->idle);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* With the lock held. The first thread of a target always starts. */
static void
start(struct lane *lane, int64_t now)
{
	struct courier *c = lane->courier;
	pthread_attr_t attr;
	pthread_t thread;
	int lanes =
	    may_claim(lane, now, 2) > 1 && lane->action->kind == ACTION_HTTP
	    ? COURIER_LANES
	    : 1;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (may_claim(lane, now, 1) > 0 && lane->running < lanes &&
	    (lane->running == 0 || c->running < COURIER_LANES_ALL)) {
		if (pthread_create(&thread, &attr, lane_main, lane) != 0)
			break;
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

/* Rows that are too old, their texts in the courier's arena. */
struct old {
	struct arena *arena;
	struct courier_dead rows[EXPIRE_MAX];
	size_t n;
};

static struct str
keep(struct arena *a, const char *before, struct str s)
{
	return str_from(arena_printf(a, "%s%.*s", before, STR_ARG(s)));
}

static int
take_old(void *arg, const struct store_outbox *row)
{
	struct old *old = arg;
	struct str last =
	    row->last_error.n > 0 ? row->last_error : STR("never tried");
	old->rows[old->n++] =
	    (struct courier_dead){ .kind = keep(old->arena, "", row->kind),
		    .target = keep(old->arena, "", row->target),
		    .last_error = keep(old->arena, "expired; last: ", last),
		    .id = row->id };
	return old->n == EXPIRE_MAX;
}

static int
give_up_old(struct store *s, struct courier *c, const struct old *old,
    int64_t now, struct err *e)
{
	for (size_t i = 0; i < old->n; i++) {
		const struct courier_dead *d = &old->rows[i];
		int is_told = i > 0 && str_eq(d->kind, d[-1].kind) &&
		    str_eq(d->target, d[-1].target);
		if (store_outbox_expire(s, d->id, now, e) != 0 ||
		    (!is_told &&
			courier_alert(s, c->o.config, d, now, c->arena, e) !=
			    0))
			return -1;
	}
	return 0;
}

/* What nobody has sent in a week is not news any more. */
static int
expire(struct store *s, struct courier *c, int64_t now, struct err *e)
{
	arena_reset(c->arena);
	struct old *old = arena_alloc(c->arena, sizeof(*old));
	if (old == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	old->arena = c->arena;
	if (store_outbox_old(
		s, now - OUTBOX_EXPIRES, EXPIRE_MAX, take_old, old, e) != 0)
		return -1;
	if (old->n == 0)
		return 0;
	if (store_begin(s, e) != 0)
		return -1;
	if (give_up_old(s, c, old, now, e) != 0 || store_commit(s, e) != 0) {
		store_rollback(s);
		return -1;
	}
	/* there may be more: at the next look */
	if (old->n == EXPIRE_MAX)
		c->expired_at = 0;
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

/* A courier_chore_fn: which targets have something to do? */
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
		if (claim_is_due(s, a, l->now, &due, e) != 0 ||
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
	struct turn t = { c, NULL, c->arena };
	int rc = c->n == 0 ? 0 : c->o.with(c->o.with_arg, look, &l, e);
	/* of a target that now keeps a thread waiting */
	if (rc == 0 && courier_marks(c) > 0)
		rc = c->o.with(c->o.with_arg, turn, &t, e);
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
	struct courier *c = calloc(1, sizeof(*c));
	struct lane *lanes = calloc(rules->n_targets + 1, sizeof(*lanes));
	struct arena *arena = arena_new(ARENA_MAX);
	if (c == NULL || lanes == NULL || arena == NULL) {
		free(c);
		free(lanes);
		arena_free(arena);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	c->o = *o;
	c->lanes = lanes;
	c->arena = arena;
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

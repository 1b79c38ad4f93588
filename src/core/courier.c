#include "core/courier.h"

#include <pthread.h>

#include "base/crypto.h"
#include "base/time.h"
#include "core/claim.h"
#include "core/effect.h"
#include "core/link.h"
#include "core/outbox.h"
#include "core/project.h"

enum {
	CLAIM_SLACK_S = 30, /* beside the time-outs of all of them */
	ARENA_MAX = 8 * 1024 * 1024,
	RETRY_AFTER_MAX = 86400, /* seconds; a target may ask for more */
	EXPIRE_S = 60, /* between two looks for what is too old */
	TIDY_S = 3600,
	TIDY_AGE = 30 * 86400, /* what was done forgets the person then */
	MARK_TRIES = 40, /* with mark_pause between: 2 s */
	LINE_MAX = ACTION_SAID_MAX + 128,
};

static const struct timespec mark_pause = { 0, 50000000 };

/* One target. */
struct lane {
	struct courier *courier;
	const struct action *action;
	int running; /* threads */
	int failures; /* in a row; of the target, not of a row */
	int64_t pause; /* seconds of the last pause; 0: there was none */
	int64_t open_at; /* not before; 0: now */
	int disabled;
};

struct courier {
	struct courier_opts o;
	struct lane *lanes;
	size_t n;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a thread has ended */
	int running; /* threads in all */
	int stop;
	struct courier_counts counts;
	int64_t expired_at, tidied_at; /* when it was looked last */
};

/* ---- one row ------------------------------------------------------------- */

static int
fill_delivery(const struct action *a, const struct claim_job *job,
    struct arena *arena, int64_t now, struct action_delivery *out,
    struct err *e)
{
	const struct platform *p = platform_find(job->platform);
	struct buf header;
	*out = (struct action_delivery){ .platform = job->platform,
		.content_type = job->content_type,
		.body = job->body };
	/* a platform that signs: with the time of now, as a fresh one */
	if (p == NULL || p->signature_param == NULL ||
	    a->u.forward.secret.p == NULL)
		return 0;
	buf_init(&header, 1024);
	int rc = p->sign(job->body, a->u.forward.secret, now, &header, e);
	if (rc == 0 && header.n > 0)
		out->signature = str_z(arena, buf_str(&header));
	buf_free(&header);
	return rc;
}

static void
carry_out(struct lane *lane, const struct claim_job *job, struct arena *arena,
    int64_t now, struct action_answer *answer)
{
	struct action_fact facts[ACTION_FACTS_MAX];
	struct action_delivery delivery;
	struct err e = { .code = ERR_NONE };
	struct action_effect effect = { .id = str_z(arena, job->row.dedupe),
		.payload = job->row.payload,
		.facts = facts,
		.now = now,
		.attempt = (int)job->row.attempts };
	*answer = (struct action_answer){ .outcome = ACTION_AGAIN,
		.retry_after = -1 };
	if (effect.id == NULL ||
	    effect_read(arena, job->row.payload, &effect.type, facts,
		&effect.n_facts, &e) != 0) {
		action_say(answer,
		    e.code == ERR_INPUT ? ACTION_NEVER : ACTION_AGAIN, "%s",
		    e.code == ERR_INPUT ? e.text : "out of memory");
		return;
	}
	const struct action *action =
	    rules_action(&lane->courier->o.config->follow_ups,
		str_from(action_words[lane->action->kind]), lane->action->name,
		effect.type);
	if (action->kind == ACTION_FORWARD) {
		if (job->body.p == NULL) {
			action_say(answer, ACTION_NEVER,
			    "no delivery is behind it: nothing to forward");
			return;
		}
		if (fill_delivery(action, job, arena, now, &delivery, &e) !=
		    0) {
			action_say(answer, ACTION_AGAIN, "%s", e.text);
			return;
		}
		effect.delivery = &delivery;
	}
	if (link_add_facts(lane->courier->o.config, action, now, arena, facts,
		&effect.n_facts, &e) != 0) {
		action_say(answer, ACTION_AGAIN, "%s", e.text);
		return;
	}
	action_run(action, &effect, arena, answer);
}

struct verdict {
	struct courier *courier;
	struct lane *lane;
	struct store_outbox row;
	int recovered; /* the target answers again */
	int gone;
	int64_t now;
	struct arena *arena;
};

static int
alert_dead(struct store *s, const struct verdict *v, struct err *e)
{
	const struct action *a = v->lane->action;
	char day[TIME_TEXT_MAX];
	time_text(v->now, day);
	/* a mail that does not go out cannot be told of by one */
	if (str_eq_z(a->name, RULE_ALERT))
		return 0;
	const char *once = arena_printf(v->arena, "dead %s/%.*s %.10s",
	    action_words[a->kind], STR_ARG(a->name), day);
	const char *text = arena_printf(v->arena,
	    "A follow-up was given up: %s '%.*s', number %lld in the outbox.\n"
	    "Last answer: %.*s\n\ngatepost outbox show %lld tells more, "
	    "gatepost outbox retry %lld tries again.%s\nNo more mails about "
	    "this target come today.\n",
	    action_words[a->kind], STR_ARG(a->name), (long long)v->row.id,
	    STR_ARG(v->row.last_error), (long long)v->row.id,
	    (long long)v->row.id,
	    v->gone ? "\nThe target said that it is gone: it is left alone "
		      "until you retry or change its url."
		    : "");
	if (once == NULL || text == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return outbox_alert(
	    s, v->courier->o.config, once, text, v->now, v->arena, e);
}

static int
write_verdict(struct store *s, struct verdict *v, struct err *e)
{
	const struct action *a = v->lane->action;
	int is_dead = str_eq_z(v->row.state, "dead");
	if (store_outbox_mark(s, &v->row, e) != 0)
		return -1;
	if (v->recovered &&
	    store_outbox_hurry(
		s, str_from(action_words[a->kind]), a->name, v->now, e) != 0)
		return -1;
	if (v->gone && courier_disable(s, a, e) != 0)
		return -1;
	return is_dead ? alert_dead(s, v, e) : 0;
}

/* A courier_chore_fn. */
static int
mark(struct store *s, void *arg, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	if (write_verdict(s, arg, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static int64_t
later(const struct action_answer *answer, int64_t attempts)
{
	uint32_t random = 0;
	if (crypto_random(&random, sizeof(random)) != 0)
		random = 0;
	int64_t delay = outbox_delay(attempts, random);
	int64_t asked = answer->retry_after;
	if (asked > RETRY_AFTER_MAX)
		asked = RETRY_AFTER_MAX;
	return delay >= 0 && asked > delay ? asked : delay;
}

/* What the answer means for the row. */
static void
judge(const struct action_answer *answer, struct verdict *v)
{
	struct store_outbox *row = &v->row;
	int64_t delay = later(answer, row->attempts);
	row->due_at = v->now;
	row->done_at = v->now;
	row->last_error = str_from(arena_printf(v->arena, "%s", answer->said));
	if (answer->outcome == ACTION_DONE) {
		row->state = STR("done");
		v->courier->counts.done++;
	} else if (answer->outcome == ACTION_AGAIN && delay >= 0) {
		row->state = STR("waiting");
		row->due_at = v->now + delay;
		row->done_at = STORE_NULL;
		v->courier->counts.again++;
	} else {
		row->state = STR("dead");
		v->courier->counts.dead++;
	}
}

/* And for its target; with the lock held. */
static void
weigh(struct lane *lane, const struct action_answer *answer, struct verdict *v)
{
	int64_t wait = answer->retry_after;
	if (answer->outcome == ACTION_GONE)
		lane->disabled = v->gone = 1;
	if (answer->throttled && answer->outcome == ACTION_AGAIN) {
		if (wait < 1)
			wait = COURIER_BREAK_S;
		if (wait > COURIER_BREAK_MAX_S)
			wait = COURIER_BREAK_MAX_S;
		lane->open_at = v->now + wait;
	}
	if (answer->outcome == ACTION_DONE) {
		v->recovered = lane->pause > 0;
		lane->failures = 0;
		lane->pause = 0;
		lane->open_at = 0;
	} else if (answer->outcome == ACTION_AGAIN &&
	    (++lane->failures >= COURIER_BREAK || lane->pause > 0)) {
		/* a trial that failed: a longer pause */
		if (lane->open_at <= v->now) {
			lane->pause = lane->pause == 0 ? COURIER_BREAK_S
						       : lane->pause * 2;
			if (lane->pause > COURIER_BREAK_MAX_S)
				lane->pause = COURIER_BREAK_MAX_S;
			lane->open_at = v->now + lane->pause;
		}
		lane->failures = 0;
	}
}

static void
say(const struct courier *c, const struct verdict *v)
{
	char line[LINE_MAX];
	const struct action *a = v->lane->action;
	if (c->o.say == NULL || str_eq_z(v->row.state, "done"))
		return;
	snprintf(line, sizeof(line), "outbox %lld: %s %.*s: %.*s: %.*s",
	    (long long)v->row.id, action_words[a->kind], STR_ARG(a->name),
	    STR_ARG(v->row.state), STR_ARG(v->row.last_error));
	c->o.say(c->o.say_arg, line);
}

static void
do_job(struct lane *lane, const struct claim_job *job, struct arena *arena)
{
	struct courier *c = lane->courier;
	struct action_answer answer;
	struct err e = { .code = ERR_NONE };
	arena_reset(arena);
	carry_out(lane, job, arena, time_now(), &answer);
	struct verdict v = { .courier = c,
		.lane = lane,
		.row = job->row,
		.now = time_now(),
		.arena = arena };
	pthread_mutex_lock(&c->lock);
	judge(&answer, &v);
	weigh(lane, &answer, &v);
	pthread_mutex_unlock(&c->lock);
	/* a database that is busy now: the effect took place, so insist */
	for (int i = 0;
	     c->o.with(c->o.with_arg, mark, &v, &e) != 0 && i < MARK_TRIES;
	     i++) {
		e = (struct err){ .code = ERR_NONE };
		nanosleep(&mark_pause, NULL);
	}
	say(c, &v);
}

/* ---- threads ------------------------------------------------------------- */

/* How many rows may be claimed now: 0 none, 1 while it is on trial. */
static size_t
may_claim(const struct lane *lane, int64_t now)
{
	if (lane->courier->stop || lane->disabled || lane->open_at > now)
		return 0;
	return lane->pause > 0 || lane->failures > 0 ? 1 : CLAIM_MAX;
}

static size_t
ask_claim(struct lane *lane, int64_t now)
{
	pthread_mutex_lock(&lane->courier->lock);
	size_t n = may_claim(lane, now);
	pthread_mutex_unlock(&lane->courier->lock);
	return n;
}

/* Claims and carries out, until nothing is due or the target has to rest. */
static void
serve(struct lane *lane, struct arena *rows, struct arena *arena)
{
	struct courier *c = lane->courier;
	for (;;) {
		struct err e = { .code = ERR_NONE };
		struct claim b = {
			.action = lane->action, .arena = rows, .now = time_now()
		};
		b.max = ask_claim(lane, b.now);
		b.until = b.now + CLAIM_SLACK_S +
		    (int64_t)b.max * (lane->action->timeout_ms / 1000 + 1);
		arena_reset(rows);
		if (b.max == 0 ||
		    c->o.with(c->o.with_arg, claim_take, &b, &e) != 0 ||
		    b.n == 0)
			return;
		size_t i = 0;
		while (i < b.n && (i == 0 || ask_claim(lane, time_now()) > 0))
			do_job(lane, &b.jobs[i++], arena);
		b.max = i;
		if (i < b.n)
			c->o.with(c->o.with_arg, claim_give_back, &b, &e);
	}
}

static void *
lane_main(void *arg)
{
	struct lane *lane = arg;
	struct courier *c = lane->courier;
	struct arena *rows = arena_new(ARENA_MAX),
		     *arena = arena_new(ARENA_MAX);
	if (rows != NULL && arena != NULL)
		serve(lane, rows, arena);
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
	    may_claim(lane, now) > 1 && lane->action->kind == ACTION_HTTP
	    ? COURIER_LANES
	    : 1;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (may_claim(lane, now) > 0 && lane->running < lanes &&
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

static int
expire(struct store *s, struct courier *c, int64_t now, struct err *e)
{
	int any = 0;
	if (store_outbox_is_old(s, now - OUTBOX_EXPIRES, &any, e) != 0)
		return -1;
	if (any && store_outbox_expire(s, now - OUTBOX_EXPIRES, now, e) != 0)
		return -1;
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
		if (expire(s, c, l->now, e) != 0)
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
	int rc = c->n == 0 ? 0 : c->o.with(c->o.with_arg, look, &l, e);
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
	if (c == NULL || lanes == NULL) {
		free(c);
		free(lanes);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	c->o = *o;
	c->lanes = lanes;
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
	free(c->lanes);
	free(c);
}

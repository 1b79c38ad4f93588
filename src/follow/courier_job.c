#include <inttypes.h>

#include "base/crypto.h"
#include "base/time.h"
#include "follow/courier_own.h"
#include "follow/effect.h"
#include "access/link.h"
#include "follow/link_facts.h"
#include "follow/outbox.h"

enum {
	RETRY_AFTER_MAX = 86400, /* seconds; a target may ask for more */
	LINE_MAX = ACTION_SAID_MAX + 128,
};

/* ---- one row ------------------------------------------------------------- */

static int
fill_delivery(const struct action *a, const struct job *job,
    struct arena *arena, int64_t now, struct action_delivery *out,
    struct err *e)
{
	const struct platform *p = platform_find(job->platform);
	struct buf value;
	*out = (struct action_delivery){ .platform = job->platform,
		.content_type = job->content_type,
		.body = job->body };
	/* a platform that signs: with the time of now, as a fresh one */
	if (p == NULL || p->sign == NULL || a->u.forward.secret.p == NULL)
		return 0;
	buf_init(&value, 1024);
	int rc = p->sign(p, job->body, a->u.forward.secret, now, &value, e);
	if (rc == 0)
		out->signature = arena_printf(arena, "%s: %.*s",
		    p->proof.header, STR_ARG(buf_str(&value)));
	buf_free(&value);
	return rc;
}

static void
carry_out(struct lane *lane, const struct job *job, struct arena *arena,
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
judge(const struct action_answer *answer, int64_t now, struct mark *m,
    struct courier_counts *counts)
{
	int64_t delay = later(answer, m->attempts);
	m->due_at = now;
	m->done_at = now;
	if (answer->outcome == ACTION_DONE) {
		m->state = "done";
		counts->done++;
	} else if (answer->outcome == ACTION_AGAIN && delay >= 0) {
		m->state = "waiting";
		m->due_at = now + delay;
		m->done_at = STORE_NULL;
		counts->again++;
	} else {
		m->state = "dead";
		counts->dead++;
	}
}

/* And for its target. */
static void
weigh(struct lane *lane, const struct action_answer *answer, int64_t now,
    struct mark *m)
{
	int64_t wait = answer->retry_after;
	if (answer->outcome == ACTION_GONE)
		lane->disabled = m->gone = 1;
	if (answer->outcome == ACTION_AGAIN)
		lane->sure = 0;
	if (answer->throttled && answer->outcome == ACTION_AGAIN) {
		if (wait < 1)
			wait = COURIER_BREAK_S;
		if (wait > COURIER_BREAK_MAX_S)
			wait = COURIER_BREAK_MAX_S;
		lane->open_at = now + wait;
	}
	if (answer->outcome == ACTION_DONE) {
		/* A row that failed so often between successes of others
		 * is itself to blame: only after an outage it is hurried. */
		m->recovered = lane->pause > 0 ? OUTBOX_ATTEMPTS_MAX
		    : lane->sure	       ? 0
					       : COURIER_BREAK;
		lane->sure = 1;
		lane->failures = 0;
		lane->pause = 0;
		lane->open_at = 0;
	} else if (answer->outcome == ACTION_AGAIN &&
	    (++lane->failures >= COURIER_BREAK || lane->pause > 0)) {
		/* a trial that failed: a longer pause */
		if (lane->open_at <= now) {
			lane->pause = lane->pause == 0 ? COURIER_BREAK_S
						       : lane->pause * 2;
			if (lane->pause > COURIER_BREAK_MAX_S)
				lane->pause = COURIER_BREAK_MAX_S;
			lane->open_at = now + lane->pause;
		}
		lane->failures = 0;
	}
}

static void
say(const struct lane *lane, const struct mark *m)
{
	char line[LINE_MAX];
	const struct action *a = lane->action;
	const struct courier_opts *o = &lane->courier->o;
	if (o->say == NULL || strcmp(m->state, "done") == 0)
		return;
	snprintf(line, sizeof(line), "outbox %" PRId64 ": %s %.*s: %s: %s",
	    m->id, action_words[a->kind], STR_ARG(a->name), m->state, m->said);
	o->say(line);
}

/* What was said may be cut inside a character, which no database takes. */
static void
keep_said(const char *said, struct mark *m)
{
	size_t n = strnlen(said, sizeof(m->said) - 1);
	while (n > 0 && !str_is_utf8((struct str){ said, n }))
		n--;
	memcpy(m->said, said, n);
	m->said[n] = '\0';
}

void
courier_do(struct lane *lane, const struct job *job, struct arena *arena,
    struct mark *out)
{
	struct courier *c = lane->courier;
	struct action_answer answer;
	int64_t now = time_now();
	arena_reset(arena);
	/* also looked for by time, but not while it waits to be tried again */
	if (job->row.added_at > 0 && job->row.added_at < now - OUTBOX_EXPIRES) {
		answer = (struct action_answer){ .retry_after = -1 };
		action_say(&answer, ACTION_NEVER, "expired: a week old");
	} else {
		carry_out(lane, job, arena, now, &answer);
		now = time_now();
	}
	*out =
	    (struct mark){ .id = job->row.id, .attempts = job->row.attempts };
	keep_said(answer.said, out);
	pthread_mutex_lock(&c->lock);
	judge(&answer, now, out, &c->counts);
	weigh(lane, &answer, now, out);
	pthread_mutex_unlock(&c->lock);
	say(lane, out);
}

#include "base/time.h"
#include "follow/courier_own.h"
#include "follow/outbox.h"

int
courier_mark_add(struct courier *c, const struct mark *m, int *now)
{
	enum action_kind kind = m->lane->action->kind;
	int64_t ticks = time_ticks();
	int rc = 0;
	pthread_mutex_lock(&c->lock);
	if (c->n_marks == COURIER_MARKS_MAX) {
		rc = -1;
	} else {
		if (c->n_marks == 0)
			c->marks_at = ticks;
		c->marks[c->n_marks++] = *m;
	}
	*now = c->n_marks >= COURIER_MARKS ||
	    ticks - c->marks_at >= COURIER_MARK_MS || m->recovered > 0 ||
	    strcmp(m->state, "done") != 0 ||
	    (kind != ACTION_HTTP && kind != ACTION_FORWARD);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

size_t
courier_marks(struct courier *c)
{
	pthread_mutex_lock(&c->lock);
	size_t n = c->n_marks;
	pthread_mutex_unlock(&c->lock);
	return n;
}

void
courier_marks_drop(struct courier *c, size_t n)
{
	/* the first n stay where they are: one at a time writes marks */
	for (size_t i = 0; i < n; i++)
		courier_flight_end(c, c->marks[i].id);
	pthread_mutex_lock(&c->lock);
	c->n_marks -= n;
	memmove(c->marks, c->marks + n, c->n_marks * sizeof(c->marks[0]));
	if (c->n_marks > 0)
		c->marks_at = time_ticks();
	pthread_mutex_unlock(&c->lock);
}

int
courier_alert(struct store *s, const struct config *config,
    const struct courier_dead *d, int64_t now, struct arena *a, struct err *e)
{
	char day[TIME_TEXT_MAX];
	time_text(now, day);
	/* a mail that does not go out cannot be told of by one */
	if (str_eq_z(d->target, RULE_ALERT) &&
	    str_eq_z(d->kind, action_words[ACTION_MAIL]))
		return 0;
	const char *once = arena_printf(a, "dead %.*s/%.*s %.10s",
	    STR_ARG(d->kind), STR_ARG(d->target), day);
	const char *text = arena_printf(a,
	    "A follow-up was given up: %.*s '%.*s', number %lld in the "
	    "outbox.\nLast answer: %.*s\n\ngatepost outbox show %lld tells "
	    "more, gatepost outbox retry %lld tries again.%s\nNo more mails "
	    "about this target come today.\n",
	    STR_ARG(d->kind), STR_ARG(d->target), (long long)d->id,
	    STR_ARG(d->last_error), (long long)d->id, (long long)d->id,
	    d->gone ? "\nThe target said that it is gone: it is left alone "
		      "until you retry or change its url."
		    : "");
	if (once == NULL || text == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return outbox_alert(s, config, once, text, now, a, e);
}

/* The marks do not wait until there is memory for a mail about them. */
static int
may_fail(int rc, struct err *e)
{
	if (rc == 0 || e->code != ERR_MEMORY)
		return rc;
	*e = (struct err){ .code = ERR_NONE };
	return 0;
}

static int
write_one(struct store *s, struct courier *c, const struct mark *m,
    struct arena *a, struct err *e)
{
	const struct action *action = m->lane->action;
	struct str kind = str_from(action_words[action->kind]);
	const struct store_outbox row = { .id = m->id,
		.attempts = m->attempts,
		.state = str_from(m->state),
		.due_at = m->due_at,
		.done_at = m->done_at,
		.last_error = str_from(m->said) };
	const struct courier_dead dead = { .kind = kind,
		.target = action->name,
		.last_error = row.last_error,
		.id = m->id,
		.gone = m->gone };
	if (store_outbox_mark(s, &row, e) != 0 ||
	    (m->recovered > 0 &&
		store_outbox_hurry(
		    s, kind, action->name, time_now(), m->recovered, e) != 0) ||
	    (m->gone && courier_disable(s, action, e) != 0))
		return -1;
	if (strcmp(m->state, "dead") != 0)
		return 0;
	arena_reset(a);
	return may_fail(
	    courier_alert(s, c->o.config, &dead, time_now(), a, e), e);
}

int
courier_marks_write(struct store *s, struct courier *c, size_t n,
    struct arena *arena, struct err *e)
{
	/* what is added meanwhile stands behind them */
	for (size_t i = 0; i < n; i++)
		if (write_one(s, c, &c->marks[i], arena, e) != 0)
			return -1;
	return 0;
}

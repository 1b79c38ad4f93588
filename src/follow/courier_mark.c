#include "base/time.h"
#include "follow/courier_own.h"
#include "follow/outbox.h"

int
courier_alert(struct store *s, const struct config *config,
    const struct courier_dead *d, int64_t now, struct arena *a, struct err *e)
{
	char day[TIME_TEXT_MAX];
	time_text(now, day);
	/* a mail that does not go out cannot be told of by one */
	if (str_eq_z(d->target, ALERT_TARGET) &&
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

int
courier_mark(struct store *s, const struct lane *lane, const struct mark *m,
    struct arena *a, struct err *e)
{
	const struct action *action = lane->action;
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
	if (m->state == NULL)
		return store_outbox_release(s, m->id, m->attempts, e);
	if (store_outbox_mark(s, &row, e) != 0 ||
	    (m->recovered > 0 &&
		store_outbox_hurry(
		    s, kind, action->name, time_now(), m->recovered, e) != 0) ||
	    (m->gone && courier_disable(s, action, e) != 0))
		return -1;
	return strcmp(m->state, "dead") != 0
	    ? 0
	    : courier_alert(
		  s, lane->courier->o.config, &dead, time_now(), a, e);
}

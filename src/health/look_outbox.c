#include "follow/courier.h"
#include "health/look.h"

enum { STUCK = 3600 }; /* seconds that a follow-up may be due */

/* "3 follow-ups of mail welcome" */
static const char *
follow_ups(struct arena *a, int64_t count, const char *about)
{
	return arena_printf(a, "%lld follow-up%s of %s", (long long)count,
	    count == 1 ? "" : "s", about);
}

static int
take(void *arg, struct str kind, struct str target, struct str state,
    int64_t count, int64_t tried)
{
	const struct health *h = arg;
	struct arena *a = h->arena;
	const char *about =
	    arena_printf(a, "%.*s %.*s", STR_ARG(kind), STR_ARG(target));
	if (str_eq_z(state, "dead"))
		health_say(h, FINDING_PROBLEM, FINDING_outbox_dead, about,
		    arena_printf(a,
			"given up: %s: 'gatepost outbox --state dead', then "
			"'gatepost outbox retry ID' or 'gatepost outbox drop "
			"ID'",
			follow_ups(a, count, about)));
	if (!str_eq_z(state, "waiting"))
		return 0;
	if (rules_target(&h->config->follow_ups, kind, target) == NULL)
		health_say(h, FINDING_NOTE, FINDING_outbox_waits, about,
		    arena_printf(a,
			"waiting: %s, which the settings do not have (any "
			"more)",
			follow_ups(a, count, about)));
	else if (tried > 0)
		health_say(h, FINDING_PROBLEM, FINDING_outbox_waits, about,
		    arena_printf(a,
			"failed, and will be tried again: %s: 'gatepost outbox "
			"--state waiting' has the reason",
			follow_ups(a, tried, about)));
	return 0;
}

static int
look_at_targets(struct health *h, struct err *e)
{
	const struct rules *rules = &h->config->follow_ups;
	for (size_t i = 0; i < rules->n_targets; i++) {
		const struct action *t = rules->targets[i];
		const char *about = arena_printf(h->arena, "%s %.*s",
		    action_words[t->kind], STR_ARG(t->name));
		int off = 0;
		if (courier_is_disabled(h->store, t, &off, e) != 0)
			return -1;
		if (off)
			health_say(h, FINDING_PROBLEM, FINDING_outbox_off,
			    about,
			    arena_printf(h->arena,
				"%s answered 410 and is left alone: 'gatepost "
				"outbox retry --state waiting --target %.*s'",
				about, STR_ARG(t->name)));
	}
	return 0;
}

/* Is somebody there who sends? */
static int
look_at_age(struct health *h, struct err *e)
{
	struct store_watch w;
	if (store_watch(h->store, &w, e) != 0)
		return -1;
	if (w.outbox_due_at != STORE_NULL && w.outbox_due_at < h->now - STUCK)
		health_say(h, FINDING_PROBLEM, FINDING_outbox_stuck, NULL,
		    arena_printf(h->arena,
			"a follow-up is due for %lld hours and nobody sends "
			"it: is gatepost.fcgi running, or, as plain CGI, does "
			"cron run 'gatepost work --once'?",
			(long long)(h->now - w.outbox_due_at) / 3600));
	return 0;
}

int
look_outbox(struct health *h, struct err *e)
{
	struct str why = STR_NONE;
	if (store_outbox_counts(h->store, take, h, e) != 0 ||
	    store_meta_text(h->store, STR("outbox_error"), h->arena, &why, e) !=
		0)
		return -1;
	if (why.n > 0)
		health_say(h, FINDING_NOTE, FINDING_outbox_waits, "queue",
		    arena_printf(h->arena,
			"a follow-up could not be queued: %.*s", STR_ARG(why)));
	return look_at_targets(h, e) != 0 ? -1 : look_at_age(h, e);
}

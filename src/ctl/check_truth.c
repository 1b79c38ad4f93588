#include "ctl/check_truth.h"

#include "base/time.h"
#include "store/truth.h"

enum { LATE = 3600 }; /* seconds over the time it is due */

struct last {
	int64_t ended_at, whole_at;
	struct str error;
	struct arena *arena;
};

static int
take_newest(void *arg, const struct store_reading *row)
{
	struct last *l = arg;
	l->ended_at = row->ended_at;
	l->error = str_copy(l->arena, row->error);
	return 1;
}

static int
take_whole(void *arg, const struct store_reading *row)
{
	struct last *l = arg;
	l->whole_at = row->ended_at;
	return 1;
}

static int
look(struct ctl *ctl, struct store *s, const struct platform *p, int64_t now,
    check_say_fn *say, void *arg, struct err *e)
{
	const struct config_platform *own =
	    &ctl->config->platforms[platform_index(p)];
	struct str platform = str_from(p->name);
	/* what is read most often */
	struct str kind = str_from(
	    (p->api->asks & 1U << ASK_SALES) != 0 ? "sales" : "members");
	struct last l = { STORE_NULL, STORE_NULL, STR_NONE, ctl->arena };
	char text[TIME_TEXT_MAX];
	if (store_reading_newest(
		s, platform, kind, READING_ANY, take_newest, &l, e) != 0 ||
	    store_reading_newest(
		s, platform, kind, READING_WHOLE, take_whole, &l, e) != 0)
		return -1;
	if (l.error.p != NULL)
		say(arg, CHECK_PROBLEM, p->name,
		    arena_printf(ctl->arena, "could not be asked: %.*s",
			STR_ARG(l.error)));
	if (l.whole_at == STORE_NULL)
		say(arg, CHECK_NOTE, p->name,
		    "was never asked: gatepost.fcgi does it, or, as plain CGI, "
		    "'gatepost work --once' by cron");
	else if (own->reconcile > 0 &&
	    now - l.whole_at > 2 * own->reconcile + LATE)
		say(arg, CHECK_PROBLEM, p->name,
		    arena_printf(ctl->arena,
			"was last asked on %s: nobody asks, or nobody "
			"answers; 'gatepost reconcile' tries",
			time_text(l.whole_at, text)));
	else
		say(arg, CHECK_OK, p->name,
		    arena_printf(ctl->arena, "last asked on %s",
			time_text(l.whole_at, text)));
	return 0;
}

int
check_truth(struct ctl *ctl, struct store *s, int64_t now, check_say_fn *say,
    void *arg, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		const struct config_platform *own = &ctl->config->platforms[i];
		if (p->api == NULL || own->secrets.n == 0)
			continue;
		if (own->api_token.p == NULL)
			say(arg, CHECK_NOTE, p->name,
			    arena_printf(ctl->arena,
				"{ %s } is not set: what got lost%s is never "
				"noticed; gatepost-truth(7)",
				p->api->token_key,
				p->api->confirms ? " or was forged" : ""));
		else if (look(ctl, s, p, now, say, arg, e) != 0 ||
		    check_names(ctl, s, p, say, arg, e) != 0)
			return -1;
	}
	return 0;
}

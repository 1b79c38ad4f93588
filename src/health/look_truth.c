#include "base/time.h"
#include "health/look.h"
#include "store/truth.h"

enum {
	LATE = 3600, /* seconds over the time it is due */
	DAY = 86400,
	MISSED = 3, /* sales a day that no ping told of */
	DRIFT_MAX = 1000,
};

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

static void
say(const struct health *h, enum finding_level level, enum finding_id id,
    const struct platform *p, const char *text)
{
	health_say(h, level, id, p->name,
	    arena_printf(h->arena, "%s %s", p->name, text));
}

static int
look(struct health *h, const struct platform *p, struct err *e)
{
	const struct config_platform *own =
	    &h->config->platforms[platform_index(p)];
	struct str platform = str_from(p->name);
	/* what is read most often */
	struct str kind = str_from(
	    (p->api->asks & 1U << ASK_SALES) != 0 ? "sales" : "members");
	struct last l = { STORE_NULL, STORE_NULL, STR_NONE, h->arena };
	char text[TIME_TEXT_MAX];
	if (store_reading_newest(h->store, platform, kind, READING_ANY,
		take_newest, &l, e) != 0 ||
	    store_reading_newest(h->store, platform, kind, READING_WHOLE,
		take_whole, &l, e) != 0)
		return -1;
	if (l.error.p != NULL)
		say(h, FINDING_PROBLEM, FINDING_asked, p,
		    arena_printf(h->arena, "could not be asked: %.*s",
			STR_ARG(l.error)));
	if (l.whole_at == STORE_NULL)
		say(h, FINDING_NOTE, FINDING_asked, p,
		    "was never asked: gatepost.fcgi does it, or, as plain CGI, "
		    "'gatepost work --once' by cron");
	else if (own->reconcile > 0 &&
	    h->now - l.whole_at > 2 * own->reconcile + LATE)
		say(h, FINDING_PROBLEM, FINDING_asked, p,
		    arena_printf(h->arena,
			"was last asked on %s: nobody asks, or nobody "
			"answers; 'gatepost reconcile' tries",
			time_text(l.whole_at, text)));
	else
		say(h, FINDING_OK, FINDING_asked, p,
		    arena_printf(h->arena, "last asked on %s",
			time_text(l.whole_at, text)));
	return 0;
}

static int
take_registration(void *arg, const struct store_reading *row)
{
	struct store_reading *out = arg;
	*out = (struct store_reading){ .found = row->found,
		.repaired = row->repaired };
	return 1;
}

/* Those that `register` made, as they stood when they were last looked at. */
static int
look_at_registration(struct health *h, const struct platform *p, struct err *e)
{
	struct store_reading r = { .found = 0 };
	if (store_reading_newest(h->store, str_from(p->name),
		STR("registration"), READING_WHOLE, take_registration, &r,
		e) != 0)
		return -1;
	if (r.found > r.repaired)
		say(h, FINDING_PROBLEM, FINDING_registration, p,
		    arena_printf(h->arena,
			"sends %lld kinds of deliveries here no more, and "
			"they could not be registered again: 'gatepost "
			"register' tells why",
			(long long)(r.found - r.repaired)));
	else if (r.found > 0)
		say(h, FINDING_NOTE, FINDING_registration, p,
		    arena_printf(h->arena,
			"had forgotten %lld kinds of deliveries, which were "
			"registered again",
			(long long)r.found));
	return 0;
}

struct missed {
	int64_t since, n;
};

static int
count_missed(void *arg, const struct store_drift *row)
{
	struct missed *m = arg;
	m->n += row->at >= m->since && str_eq_z(row->what, "missing");
	return row->at < m->since;
}

static int
take_import(void *arg, const struct store_reading *row)
{
	struct missed *m = arg;
	if (row->ended_at >= m->since)
		m->since = row->ended_at + 1;
	return 1;
}

/* What was lost and found again: one may be a ping that came to nothing, more
 * of them are a hook that is not reached. What was found before the import has
 * ended was sold before anything was sent here. */
static int
look_at_drift(struct health *h, const struct platform *p, struct err *e)
{
	struct missed m = { h->now - DAY, 0 };
	if (store_reading_newest(h->store, str_from(p->name), STR("import"),
		READING_WHOLE, take_import, &m, e) != 0 ||
	    store_drift_list(h->store, str_from(p->name), STORE_NULL, DRIFT_MAX,
		count_missed, &m, e) != 0)
		return -1;
	if (m.n >= MISSED)
		say(h, FINDING_PROBLEM, FINDING_drift, p,
		    arena_printf(h->arena,
			"made %lld sales in the last day that no delivery "
			"told of; reading its API found them. Does it still "
			"send here? 'gatepost urls' has the address",
			(long long)m.n));
	return 0;
}

int
look_truth(struct health *h, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		const struct config_platform *own = &h->config->platforms[i];
		if (p->api == NULL || own->secrets.n == 0)
			continue;
		if (own->api_token.p == NULL)
			say(h, FINDING_NOTE, FINDING_token, p,
			    arena_printf(h->arena,
				"{ %s } is not set: what got lost%s is never "
				"noticed",
				p->api->token_key,
				p->api->confirms ? " or was forged" : ""));
		else if (look(h, p, e) != 0 ||
		    look_at_registration(h, p, e) != 0 ||
		    look_at_drift(h, p, e) != 0 || look_names(h, p, e) != 0)
			return -1;
	}
	return 0;
}

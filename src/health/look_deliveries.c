#include "base/time.h"
#include "commit/heard.h"
#include "commit/rebuild.h"
#include "health/look.h"
#include "health/quiet.h"
#include "health/unmatched.h"

enum {
	CLOCK_SLACK = 120, /* seconds */
	KEPT_FRESH = 7 * 86400, /* older ones have been seen by now */
	LINES_MAX = 1 << 20,
};

struct kept {
	int64_t n, at;
};

static int
count_kept(void *arg, const struct store_event_count *row)
{
	struct kept *k = arg;
	if (!str_eq_z(row->status, "kept"))
		return 0;
	k->n += row->count;
	if (row->last_seen_at > k->at)
		k->at = row->last_seen_at;
	return 0;
}

/* The kinds it sends only after they were asked for: a seller has to notice
 * that refunds would not arrive. */
static int
look_at_kinds(struct health *h, const struct platform *p, struct err *e)
{
	const char *const *kinds = p->words.extra_kinds;
	int64_t last[PLATFORM__MAX];
	struct buf b;
	int rc = 0;
	buf_init(&b, 1024);
	for (; rc == 0 && kinds != NULL && *kinds != NULL; kinds++) {
		rc = heard_last(
		    h->store, h->config, p, str_from(*kinds), last, e);
		if (rc == 0 && last[platform_index(p)] == 0)
			buf_addf(&b, "%s%s", b.n > 0 ? ", " : "", *kinds);
	}
	if (rc == 0 && b.n > 0)
		health_say(h, FINDING_NOTE, FINDING_kinds, p->name,
		    arena_printf(h->arena, "%s has never sent: %s. %s", p->name,
			b.p, p->words.extra));
	buf_free(&b);
	return rc;
}

/* "26 h", "3 days" */
static const char *
span(struct arena *a, int64_t seconds)
{
	return seconds < 3 * 86400
	    ? arena_printf(a, "%lld h", (long long)(seconds + 1800) / 3600)
	    : arena_printf(
		  a, "%lld days", (long long)(seconds + 43200) / 86400);
}

static void
say_quiet(struct health *h, const struct platform *p, const struct quiet *q)
{
	struct arena *a = h->arena;
	char text[TIME_TEXT_MAX];
	const char *by = h->config->quiet != CONFIG_QUIET_AUTO
	    ? arena_printf(
		  a, "quiet = '%s' in gatepost.conf", span(a, q->limit))
	    : arena_printf(a,
		  "of its %lld deliveries of the last %d days the longest "
		  "silence between two was %s; twice that, and at least a "
		  "day, is %s",
		  (long long)q->count, QUIET_DAYS, span(a, q->gap),
		  span(a, q->limit));
	health_say(h, FINDING_PROBLEM, FINDING_quiet, p->name,
	    arena_printf(a,
		"%s has been silent since %s, %s (%s): look at its page "
		"whether it "
		"still sends here, or sells nothing",
		p->name, time_text(q->last, text), span(a, h->now - q->last),
		by));
}

static int
look_at_platform(struct health *h, const struct platform *p, struct err *e)
{
	char text[TIME_TEXT_MAX];
	struct quiet q;
	if (quiet_of(h->store, h->config, p, h->now, &q, e) != 0)
		return -1;
	if (q.last == 0)
		return 0;
	health_say(h, FINDING_OK, FINDING_heard, p->name,
	    arena_printf(h->arena, "%s last heard of %s", p->name,
		time_text(q.last, text)));
	if (q.last > h->now + CLOCK_SLACK)
		health_say(h, FINDING_PROBLEM, FINDING_clock, p->name,
		    "a delivery lies in the future: the clock was ahead then, "
		    "or is behind now");
	if (q.limit != STORE_NULL && h->now - q.last > q.limit &&
	    h->config->platforms[platform_index(p)].secrets.n > 0)
		say_quiet(h, p, &q);
	return look_at_kinds(h, p, e);
}

int
look_deliveries(struct health *h, struct err *e)
{
	char text[TIME_TEXT_MAX];
	struct kept kept = { 0 };
	if (store_event_counts(h->store, count_kept, &kept, e) != 0)
		return -1;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (look_at_platform(h, platforms[i], e) != 0)
			return -1;
	if (kept.n > 0)
		health_say(h,
		    kept.at > h->now - KEPT_FRESH ? FINDING_PROBLEM
						  : FINDING_NOTE,
		    FINDING_kept, NULL,
		    arena_printf(h->arena,
			"%lld deliveries are kept, not applied, the last on "
			"%s: 'gatepost events --status kept', then 'gatepost "
			"event ID'; after a change of settings 'gatepost "
			"replay --status kept'",
			(long long)kept.n, time_text(kept.at, text)));
	return 0;
}

static int
count_events(void *arg, const struct store_event_count *row)
{
	*(int64_t *)arg += row->count;
	return 0;
}

int
look_sales(struct health *h, struct err *e)
{
	int needed = 0;
	int64_t events = 0;
	if (rebuild_needed(h->store, h->config, &needed, e) != 0 ||
	    store_event_counts(h->store, count_events, &events, e) != 0)
		return -1;
	if (needed && events > 0)
		health_say(h, FINDING_NOTE, FINDING_rebuild, NULL,
		    "a rebuild is outstanding: sales of before may count by "
		    "settings or a version of before. 'gatepost work --once', "
		    "by hand or from cron, does it, and so does gatepost.fcgi "
		    "when it is restarted");
	struct unmatched *u = unmatched_find(h->config, h->store, h->arena, e);
	if (u == NULL)
		return -1;
	if (u->n == 0)
		return 0;
	struct buf b;
	buf_init(&b, LINES_MAX);
	unmatched_lines(u, &b);
	health_say_lines(h, FINDING_NOTE, FINDING_unmatched,
	    "sales that no grant matches (their tier's name is the platform's "
	    "own). To give a tier for them, paste into its grants:",
	    str_z(h->arena, buf_str(&b)));
	buf_free(&b);
	return 0;
}

#include "truth/turn.h"

#include <string.h>

#include "base/time.h"
#include "truth/wish.h"

enum {
	PAUSE_MS = 2000, /* between two looks at what is pending */
	BROKEN_MS = 60000, /* after an error; twice that after the next */
	DOUBLINGS = 6,
	BUSY_DOUBLINGS = 5, /* of the pause, where it is to be tried later */
	SLICE_MS = 10000, /* of a long walk: a sale waits to be read back */
	SLICE_MAX_MS = 600000, /* where a day of sales does not fit into it */
	KNOWN_MS = 600000, /* account and products, to confirm with */
	HOUR = 3600,
};

/* The days that are read again, and how often; 0: as the settings say. */
static const struct span {
	const char *kind;
	enum platform_ask asks; /* nothing, where that cannot be asked */
	int64_t days; /* back; 0: all */
	int64_t every; /* seconds */
} spans[TURN_SPANS] = {
	{ "registration", ASK_REGISTERED, 0, 24 * HOUR },
	{ "import", ASK_SALES, 0, 0 }, /* once, where it is wished for */
	{ "sales", ASK_SALES, 2, 0 },
	{ "members", ASK_MEMBERS, 0, 6 * HOUR },
	{ "sales", ASK_SALES, 10, 6 * HOUR },
	{ "sales", ASK_SALES, 180, 7 * 24 * HOUR },
	{ "sales", ASK_SALES, 0, 30 * 24 * HOUR },
};

static int
is_registration(const struct span *s)
{
	return s->kind[0] == 'r';
}

static int
is_import(const struct span *s)
{
	return s->kind[0] == 'i';
}

/* Too many sales to be read in one go. */
static int
is_far(const struct span *s)
{
	return is_import(s) ||
	    (s->kind[0] == 's' && (s->days == 0 || s->days > 10));
}

static int
run_span(struct pass *p, const struct span *s, struct err *e)
{
	int64_t now = time_now();
	if (is_registration(s))
		return turn_registration(p, e);
	if (is_import(s))
		return turn_wished_import(p, e);
	if (s->kind[0] == 'm')
		return turn_members(p, e);
	if (!is_far(s))
		return turn_reconcile(p, now - s->days * WALK_DAY, e);
	return turn_far_sales(
	    p, s->days == 0 ? FACT_NO_TIME : now - s->days * WALK_DAY, e);
}

/* ---- what is due ---------------------------------------------------------- */

static int
wish_due(struct turn *t, const struct platform *p, const struct span *s,
    int *due, struct err *e)
{
	enum wish_state state = WISH_NONE;
	*due = 0;
	if ((is_registration(s) || is_import(s)) &&
	    wish_read(t->store, t->config, p,
		is_import(s) ? WISH_IMPORT : WISH_REGISTER, &state, e) != 0)
		return -1;
	*due = state == WISH_OPEN && (p->api->asks & 1U << s->asks) != 0;
	return 0;
}

static int
span_due(struct turn *t, const struct platform *p, const struct span *s,
    int *due, struct err *e)
{
	const struct config_platform *own =
	    &t->config->platforms[platform_index(p)];
	int64_t now = time_now(), last = 0;
	int64_t every = s->every == 0 ? own->reconcile : s->every;
	char day[16] = "";
	if (wish_due(t, p, s, due, e) != 0)
		return -1;
	if (*due || is_import(s) ||
	    (own->reconcile == 0 && !is_registration(s)) ||
	    (p->api->asks & 1U << s->asks) == 0)
		return 0;
	/* members are all that it can be asked for */
	if (s->asks == ASK_MEMBERS && (p->api->asks & 1U << ASK_SALES) == 0)
		every = own->reconcile;
	if (s->kind[0] == 's')
		pass_day(s->days == 0 ? 0 : now - s->days * WALK_DAY, day);
	if (store_reading_covering(t->store, str_from(p->name),
		str_from(s->kind), day[0] == '\0' ? STR_NONE : str_from(day),
		&last, e) != 0)
		return -1;
	*due = last == 0 || last + every <= now || last > now + HOUR;
	return 0;
}

/* The most urgent thing, as in turn_platform.rest; -1: nothing is due. */
static int
find_due(struct turn *t, size_t i, int *what, struct err *e)
{
	struct turn_platform *own = &t->of[i];
	int64_t now = time_ticks();
	int due = 0;
	*what = -1;
	if (t->config->rules.confirm[i] != TIER_CONFIRM_OFF &&
	    now >= own->rest[0] &&
	    confirm_due(t->store, t->config, platforms[i], &own->confirming,
		&due, e) != 0)
		return -1;
	if (due)
		*what = 0;
	for (int k = 0; k < TURN_SPANS && *what < 0; k++) {
		if (now < own->rest[1 + k])
			continue;
		if (span_due(t, platforms[i], &spans[k], &due, e) != 0)
			return -1;
		if (due)
			*what = 1 + k;
	}
	return 0;
}

static int
confirm(struct turn_platform *own, struct pass *p, struct err *e)
{
	if (own->products != p->products) {
		json_decref(own->account);
		json_decref(own->products);
		own->account = json_incref(p->account);
		own->products = json_incref(p->products);
		own->known = time_ticks();
	}
	return confirm_run(p, &own->confirming, e);
}

static int
run_thing(struct turn *t, size_t i, int what, int64_t deadline, struct err *e)
{
	struct turn_platform *own = &t->of[i];
	struct pass p = { .ask = { .stop = t->stop, .deadline = deadline } };
	int64_t end = time_ticks() + own->slice;
	int far = what > 0 && is_far(&spans[what - 1]);
	if (far && (deadline == 0 || end < deadline))
		p.ask.deadline = end;
	if (what == 0 && time_ticks() < own->known + KNOWN_MS) {
		p.account = json_incref(own->account);
		p.products = json_incref(own->products);
	}
	if (what > 0 && t->config->rules.confirm[i] != TIER_CONFIRM_OFF) {
		p.ask.spare = ASK_SPARE;
		p.between = confirm_between;
		p.between_arg = &own->confirming;
	}
	int rc = pass_open(&p, t->config, platforms[i], t->store, t->commit, e);
	if (rc == 0)
		rc = what == 0 ? confirm(own, &p, e)
			       : run_span(&p, &spans[what - 1], e);
	if (far && rc != 0 && e->code == ERR_BUSY && time_ticks() >= end) {
		own->slice = p.windows > 0	    ? SLICE_MS
		    : own->slice * 2 < SLICE_MAX_MS ? own->slice * 2
						    : SLICE_MAX_MS;
		rc = 0;
	}
	own->taken = rc != 0 && !p.has_lease;
	pass_close(&p);
	return rc;
}

/* Was it the platform that did not answer, twice, or in a slice of cron? */
static int
is_its_fault(
    const struct turn *t, size_t i, const struct err *e, int64_t deadline)
{
	const struct turn_platform *own = &t->of[i];
	int stopped = t->stop != NULL && *t->stop;
	return e->code != ERR_BUSY ||
	    (!own->taken && !stopped &&
		(deadline == 0 ? own->busy > 0 : time_ticks() < deadline));
}

static const char *
main_kind(const struct platform *p)
{
	return (p->api->asks & 1U << ASK_SALES) != 0 ? "sales" : "members";
}

/* What ended before it could begin has no row of its own. */
static void
tell(struct turn *t, size_t i, int what, const struct err *why,
    turn_warn_fn *warn)
{
	struct turn_platform *own = &t->of[i];
	struct err e = { .code = ERR_NONE };
	struct store_reading row = { .platform = str_from(platforms[i]->name),
		.kind = str_from(why->code != ERR_BUSY && what > 0
			? spans[what - 1].kind
			: main_kind(platforms[i])),
		.began_at = time_now(),
		.ended_at = time_now(),
		.error = str_from(why->text) };
	if (strcmp(own->told, why->text) == 0)
		return;
	snprintf(own->told, sizeof(own->told), "%s", why->text);
	warn(platforms[i], why->text);
	if (why->code != ERR_DB &&
	    store_reading_add(t->store, &row, &row.id, &e) == 0)
		store_reading_update(t->store, &row, &e);
}

static void
run_one(
    struct turn *t, size_t i, int64_t deadline, turn_warn_fn *warn, int *did)
{
	struct turn_platform *own = &t->of[i];
	struct err e = { .code = ERR_NONE };
	int what, rc = find_due(t, i, &what, &e);
	if (rc == 0 && what < 0) {
		own->wait = time_ticks() + PAUSE_MS;
		return;
	}
	if (rc == 0)
		rc = run_thing(t, i, what, deadline, &e);
	if (rc == 0 && what == 0 && own->confirming.odd.code != ERR_NONE) {
		tell(t, i, what, &own->confirming.odd, warn);
		*did = 1;
		return;
	}
	if (rc == 0) {
		own->failed[what] = own->busy = 0;
		own->told[0] = '\0';
		*did = 1;
		return;
	}
	if (is_its_fault(t, i, &e, deadline))
		tell(t, i, what, &e, warn);
	/* the platform's or the database's: all wait. Else this alone. */
	if (what < 0 || e.code == ERR_BUSY || e.code == ERR_AUTH) {
		own->wait = time_ticks() +
		    (e.code != ERR_BUSY ? BROKEN_MS
					: (int64_t)PAUSE_MS << own->busy);
		own->busy += e.code == ERR_BUSY && own->busy < BUSY_DOUBLINGS;
		return;
	}
	own->wait = time_ticks() + PAUSE_MS;
	own->rest[what] =
	    time_ticks() + ((int64_t)BROKEN_MS << own->failed[what]);
	if (own->failed[what] < DOUBLINGS)
		own->failed[what]++;
}

void
turn_run(struct turn *t, int64_t deadline, turn_warn_fn *warn, int *did)
{
	*did = 0;
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		struct turn_platform *own = &t->of[i];
		if (platforms[i]->api == NULL ||
		    t->config->platforms[i].api_token.p == NULL ||
		    time_ticks() < own->wait)
			continue;
		if (own->slice == 0)
			own->slice = SLICE_MS;
		run_one(t, i, deadline, warn, did);
	}
}

void
turn_end(struct turn *t)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		json_decref(t->of[i].account);
		json_decref(t->of[i].products);
	}
}

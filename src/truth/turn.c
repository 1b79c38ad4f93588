#include "truth/turn.h"

#include "base/time.h"
#include "truth/confirm.h"

enum {
	PAUSE_MS = 2000, /* between two looks at what is pending */
	BROKEN_MS = 60000, /* after an error */
	HOUR = 3600,
};

/* The days that are read again, and how often; 0: as the settings say. */
static const struct span {
	const char *kind;
	int64_t days; /* back; 0: all */
	int64_t every; /* seconds */
} spans[] = {
	{ "registration", 0, 24 * HOUR },
	{ "sales", 2, 0 },
	{ "members", 0, 6 * HOUR },
	{ "sales", 10, 6 * HOUR },
	{ "sales", 180, 7 * 24 * HOUR },
	{ "sales", 0, 30 * 24 * HOUR },
};

static int
is_registration(const struct span *s)
{
	return s->kind[0] == 'r';
}

/* ---- passes --------------------------------------------------------------- */

int
turn_reconcile(struct pass *p, int64_t from, struct err *e)
{
	int64_t now = time_now();
	struct err why = { .code = ERR_NONE };
	if (pass_begin(p, "sales", from, now, e) != 0)
		return -1;
	if (walk_sales(p, from, now + WALK_DAY, &why) != 0) {
		*e = why;
		pass_end(p, &why, e);
		return -1;
	}
	return pass_end(p, NULL, e);
}

int
turn_members(struct pass *p, struct err *e)
{
	if (pass_begin(p, "members", FACT_NO_TIME, FACT_NO_TIME, e) != 0)
		return -1;
	int rc = walk_members(p, e);
	return pass_end(p, rc == 0 ? NULL : e, e);
}

/* One that was broken off by the end of a slice, or of the program. */
struct unfinished {
	int64_t id, from, read, found, repaired;
	int found_one;
};

static int
take_unfinished(void *arg, const struct store_reading *row)
{
	struct unfinished *u = arg;
	char text[32];
	if (row->ended_at != STORE_NULL || row->from_day.n != 10)
		return 1;
	snprintf(text, sizeof(text), "%.*sT00:00:00Z", STR_ARG(row->from_day));
	u->found_one = time_parse(str_from(text), &u->from) == 0;
	u->id = row->id;
	u->read = row->read;
	u->found = row->found;
	u->repaired = row->repaired;
	return 1;
}

/* Goes on with the newest of its kind where that has no end. */
static int
begin_long(
    struct pass *p, const char *kind, int64_t from, int64_t *to, struct err *e)
{
	struct unfinished u = { .found_one = 0 };
	if (store_reading_newest(p->store, str_from(p->ask.platform->name),
		str_from(kind), 0, take_unfinished, &u, e) != 0 ||
	    pass_begin(p, kind, *to, *to, e) != 0)
		return -1;
	(void)from;
	if (u.found_one && u.from < *to) {
		*to = u.from - WALK_DAY;
		p->row.read = u.read;
		p->row.found = u.found;
		p->row.repaired = u.repaired;
	}
	return 0;
}

int
turn_import(struct pass *p, int64_t from, int64_t to, walk_window_fn *fn,
    void *arg, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	p->import = 1;
	if (begin_long(p, "import", from, &to, e) != 0)
		return -1;
	int rc = walk_back(p, from, to, fn, arg, &why);
	if (rc == 0)
		rc = walk_members(p, &why);
	/* stopped: the row stays open, and the next one goes on there */
	if (rc != 0 && why.code == ERR_BUSY) {
		*e = why;
		return -1;
	}
	if (rc != 0)
		*e = why;
	return pass_end(p, rc == 0 ? NULL : &why, e);
}

static int
far_sales(struct pass *p, int64_t from, struct err *e)
{
	int64_t to = time_now() + WALK_DAY;
	struct err why = { .code = ERR_NONE };
	if (begin_long(p, "sales", from, &to, e) != 0)
		return -1;
	if (walk_back(p, from, to, NULL, NULL, &why) == 0)
		return pass_end(p, NULL, e);
	*e = why;
	if (why.code != ERR_BUSY)
		pass_end(p, &why, e);
	return -1;
}

static void
tell_nothing(
    void *arg, const char *kind, enum registered what, const char *where)
{
	(void)arg;
	(void)kind;
	(void)what;
	(void)where;
}

static int
registration(struct pass *p, struct err *e)
{
	const struct registering again = { .again = 1 };
	int stands;
	if (pass_begin(p, "registration", FACT_NO_TIME, FACT_NO_TIME, e) != 0)
		return -1;
	int rc = registration_run(
	    &p->ask, p->store, &again, tell_nothing, NULL, &stands, e);
	return pass_end(p, rc == 0 ? NULL : e, e);
}

static int
run_span(struct pass *p, const struct span *s, struct err *e)
{
	int64_t now = time_now();
	if (is_registration(s))
		return registration(p, e);
	if (s->kind[0] == 'm')
		return turn_members(p, e);
	if (s->days > 0 && s->days <= 10)
		return turn_reconcile(p, now - s->days * WALK_DAY, e);
	return far_sales(
	    p, s->days == 0 ? FACT_NO_TIME : now - s->days * WALK_DAY, e);
}

/* ---- what is due ---------------------------------------------------------- */

static int
span_due(struct turn *t, const struct platform *p, const struct span *s,
    int *due, struct err *e)
{
	const struct config_platform *own =
	    &t->config->platforms[platform_index(p)];
	int64_t now = time_now(), last = 0;
	int64_t every = s->every == 0 ? own->reconcile : s->every;
	char day[16] = "";
	*due = 0;
	if (own->reconcile == 0 && !is_registration(s))
		return 0;
	if (s->kind[0] == 's')
		pass_day(s->days == 0 ? 0 : now - s->days * WALK_DAY, day);
	if (store_reading_covering(t->store, str_from(p->name),
		str_from(s->kind), day[0] == '\0' ? STR_NONE : str_from(day),
		&last, e) != 0)
		return -1;
	*due = last == 0 || last + every <= now || last > now + HOUR;
	return 0;
}

/* One thing, the most urgent one. 0: nothing is due. */
static int
run_one(struct turn *t, const struct platform *p, int64_t deadline, int *did,
    struct err *e)
{
	json_t **later = &t->later[platform_index(p)];
	const struct span *span = NULL;
	int confirms = 0;
	*did = 0;
	if (*later == NULL)
		*later = json_object();
	if (t->config->rules.confirm[platform_index(p)] != TIER_CONFIRM_OFF &&
	    confirm_due(t->store, p, *later, &confirms, e) != 0)
		return -1;
	for (size_t i = 0;
	     !confirms && span == NULL && i < sizeof(spans) / sizeof(spans[0]);
	     i++) {
		int due;
		if (span_due(t, p, &spans[i], &due, e) != 0)
			return -1;
		span = due ? &spans[i] : NULL;
	}
	if (!confirms && span == NULL)
		return 0;
	struct pass pass = { .ask = { .stop = t->stop, .deadline = deadline } };
	size_t left;
	*did = 1;
	int rc = pass_open(&pass, t->config, p, t->store, t->commit, e);
	if (rc == 0)
		rc = confirms ? confirm_run(&pass, *later, &left, e)
			      : run_span(&pass, span, e);
	pass_close(&pass);
	return rc;
}

void
turn_run(struct turn *t, int64_t deadline, turn_warn_fn *warn, int *did)
{
	*did = 0;
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		struct err e = { .code = ERR_NONE };
		int one = 0;
		if (p->api == NULL ||
		    t->config->platforms[i].api_token.p == NULL ||
		    time_ticks() < t->wait[i])
			continue;
		int rc = run_one(t, p, deadline, &one, &e);
		if (rc != 0 && e.code != ERR_BUSY)
			warn(p, e.text);
		t->wait[i] = time_ticks() +
		    (rc != 0	  ? BROKEN_MS
			    : one ? 0
				  : PAUSE_MS);
		*did |= one && rc == 0;
	}
}

void
turn_end(struct turn *t)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		json_decref(t->later[i]);
}

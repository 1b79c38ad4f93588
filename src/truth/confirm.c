#include "truth/confirm.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "follow/outbox.h"
#include "truth/brake.h"
#include "truth/pinged.h"

enum {
	LOOK_MS = 2000, /* between two looks through the list; twice that */
	LOOK_DOUBLINGS = 2, /* after one that found nothing, and so on */
	IDLE_PAGES = 3, /* without a sale that is wanted, … */
	IDLE_LOOKS = 3, /* … or one, after so many looks without one */
	RECENT_S = 3600, /* one sold longer ago is not looked for there */
	SLACK_S = 60,
	RUN_MS = 60000,
	ASKS = 5, /* by id, before the list comes again */
	ASKS_BETWEEN = 2,
	DAY = 86400,
};

static struct str
name_of(const struct pass *p)
{
	return str_from(p->ask.platform->name);
}

int
confirm_due(struct store *s, const struct config *c,
    const struct platform *platform, const struct confirming *how, int *due,
    struct err *e)
{
	int64_t at;
	*due = 0;
	if (pinged_scan(s, c, platform, e) != 0 ||
	    store_pinged_due(s, str_from(platform->name), time_now(), &at, e) !=
		0)
		return -1;
	*due = at != STORE_NULL && (at > 0 || time_ticks() >= how->next);
	return 0;
}

/* ---- the list ------------------------------------------------------------- */

struct fresh {
	json_t *ids;
	int64_t now, down_to; /* the oldest that is sold lately */
	int failed;
};

static int
take_fresh(void *arg, const struct store_pinged *row)
{
	struct fresh *f = arg;
	int64_t sold_at =
	    row->sold_at == STORE_NULL ? row->came_at : row->sold_at;
	if (sold_at >= row->came_at - RECENT_S && sold_at < f->down_to)
		f->down_to = sold_at;
	f->failed |=
	    json_object_setn_new(f->ids, row->sale.p, row->sale.n, json_null());
	return f->failed;
}

/* What came is done; the others are asked for by their ids. */
static int
settle(struct pass *p, const struct fresh *f, json_t *left, struct err *e)
{
	const char *id;
	json_t *unused;
	int rc = store_begin(p->store, e);
	if (rc != 0)
		return -1;
	json_object_foreach(f->ids, id, unused)
	{
		(void)unused;
		if (rc == 0 && json_object_get(left, id) == NULL)
			rc = store_pinged_drop(
			    p->store, name_of(p), str_from(id), e);
	}
	if (rc == 0 &&
	    store_pinged_looked(p->store, name_of(p), f->now, e) == 0 &&
	    store_commit(p->store, e) == 0)
		return 0;
	store_rollback(p->store);
	return -1;
}

static int
look_for(struct pass *p, struct confirming *how, const struct fresh *f,
    struct err *e)
{
	json_t *left = json_copy(f->ids);
	if (left == NULL)
		return err_no_memory(e);
	p->wanted = (struct pass_wanted){ .met = left,
		.enough = 1,
		.down_to = f->down_to - SLACK_S,
		.idle_max = how->idle > IDLE_LOOKS ? 1 : IDLE_PAGES };
	/* tomorrow: the platform's day may begin before ours */
	int rc = f->down_to > f->now
	    ? 0
	    : walk_sales(p, f->down_to - SLACK_S, f->now + DAY, e);
	p->wanted = (struct pass_wanted){ .met = NULL };
	how->idle = json_object_size(left) < json_object_size(f->ids)
	    ? 0
	    : how->idle + 1;
	if (rc == 0)
		rc = settle(p, f, left, e);
	json_decref(left);
	return rc;
}

/* Looks for what was pinged since the last time. */
static int
look(struct pass *p, struct confirming *how, int *did, struct err *e)
{
	struct fresh f = { .now = time_now() };
	if (time_ticks() < how->next)
		return 0;
	f.down_to = f.now + 1;
	f.ids = json_object();
	int rc = f.ids == NULL ? err_no_memory(e) : 0;
	if (rc == 0)
		rc = pinged_scan(p->store, p->ask.config, p->ask.platform, e);
	if (rc == 0)
		rc = store_pinged_fresh(
		    p->store, name_of(p), f.now, take_fresh, &f, e);
	if (rc == 0 && f.failed)
		rc = err_no_memory(e);
	if (rc == 0 && json_object_size(f.ids) > 0) {
		*did = 1;
		rc = look_for(p, how, &f, e);
	}
	int doublings = how->idle < LOOK_DOUBLINGS ? how->idle : LOOK_DOUBLINGS;
	how->next = time_ticks() + ((int64_t)LOOK_MS << doublings);
	json_decref(f.ids);
	return rc;
}

/* ---- by id ---------------------------------------------------------------- */

struct single {
	struct confirming *how;
	char id[256];
	int64_t came_at, absent_at;
	int found;
};

static int
take_single(void *arg, const struct store_pinged *row)
{
	struct single *g = arg;
	snprintf(g->id, sizeof(g->id), "%.*s", STR_ARG(row->sale));
	g->came_at = row->came_at;
	g->absent_at = row->absent_at;
	g->found = 1;
	return 1;
}

static int
later(struct pass *p, const struct single *g, int64_t absent_at, struct err *e)
{
	return store_pinged_later(p->store, name_of(p), str_from(g->id),
	    time_now() + CONFIRM_AGAIN_S, absent_at, e);
}

static int
drop(struct pass *p, const struct single *g, struct err *e)
{
	return store_pinged_drop(p->store, name_of(p), str_from(g->id), e);
}

/* A sale that was confirmed is there: the platform can be believed. */
static int
read_sound(struct pass *p, struct confirming *how, struct err *e)
{
	struct str known = STR_NONE;
	struct platform_answer a;
	enum platform_said said;
	if (how->sound)
		return 0;
	if (store_purchase_confirmed(
		p->store, name_of(p), p->arena, &known, e) != 0)
		return -1;
	if (known.p == NULL)
		return 0;
	const struct platform_question q = { .what = ASK_SALE, .id = known };
	if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
		return -1;
	how->sound = said == SAID_FINE &&
	    str_eq(p->ask.platform->api->id(a.object), known);
	return 0;
}

/* Nothing is concluded, as the token may see nothing at all. */
static int
tell_doubt(struct pass *p, int64_t at, struct err *e)
{
	const char *title = p->ask.platform->words.title;
	const char *once =
	    arena_printf(p->arena, "doubt %s", p->ask.platform->name);
	const char *text = arena_printf(p->arena,
	    "%s was asked twice for a sale that was posted here and says that "
	    "there is none; but no sale here was ever confirmed by it, so that "
	    "nothing is concluded, and the sale counts. Are there no sales "
	    "yet? Then it is forged: 'gatepost void ID' takes it out. Else "
	    "look whether the token is of the right account: 'gatepost "
	    "reconcile'.\n",
	    title);
	return once == NULL || text == NULL
	    ? err_no_memory(e)
	    : outbox_alert(
		  p->store, p->ask.config, once, text, at, p->arena, e);
}

/* at: when it was asked for, and not there. */
static int
absent(struct pass *p, const struct single *g, int64_t at, struct err *e)
{
	int64_t first = g->absent_at;
	if (first == STORE_NULL || first > at - CONFIRM_AGAIN_S)
		return later(
		    p, g, first == STORE_NULL || first > at ? at : first, e);
	if (read_sound(p, g->how, e) != 0)
		return -1;
	if (!g->how->sound)
		return tell_doubt(p, at, e) != 0 ? -1 : later(p, g, first, e);
	if (pass_absent(p, str_from(g->id), at, e) != 0 || drop(p, g, e) != 0)
		return -1;
	return p->news ? brake_count(p, g->came_at, e) : 0;
}

/* Has it to be in the list of sales? A giftee's, a test and an authorisation are
 * not. */
static int
is_ordinary(struct pass *p, const json_t *object, int64_t *sold_at)
{
	struct fact f;
	int ordinary = pass_reads(p, object, &f, NULL) == 0 && !f.gift &&
	    !f.test && !f.preorder && f.sold_at != FACT_NO_TIME;
	*sold_at = ordinary ? f.sold_at : FACT_NO_TIME;
	return ordinary;
}

static int
take_confirmed(void *arg, const struct store_purchase *row)
{
	int *confirmed = arg;
	*confirmed = row->confirmed_at != STORE_NULL;
	return 1;
}

static int
is_confirmed(struct pass *p, const char *id, int *confirmed, struct err *e)
{
	*confirmed = 0;
	if (store_purchase_get(p->store, name_of(p), str_from(id),
		take_confirmed, confirmed, e) == 0)
		return 0;
	return e->code == ERR_ABSENT ? 0 : -1;
}

/* Does the list of its day show it? One that was not paid looks by itself as if
 * it was. */
static int
look_on_day(
    struct pass *p, const char *id, int64_t day, int *listed, struct err *e)
{
	json_t *left = json_pack("{s:n}", id);
	if (left == NULL)
		return err_no_memory(e);
	p->wanted = (struct pass_wanted){
		.met = left, .enough = 1, .down_to = day - SLACK_S
	};
	int rc = walk_sales(p, day, day, e);
	p->wanted = (struct pass_wanted){ .met = NULL };
	*listed = json_object_size(left) == 0;
	json_decref(left);
	return rc;
}

static int
take_ordinary(struct pass *p, const struct single *g, const json_t *object,
    int64_t at, int64_t sold_at, struct err *e)
{
	int listed;
	if (is_confirmed(p, g->id, &listed, e) != 0)
		return -1;
	p->known.listed = 1; /* it was */
	if (listed ? pass_take(p, PLATFORM_READBACK, object, at, e) != 0
		   : look_on_day(p, g->id, sold_at, &listed, e) != 0)
		return -1;
	return listed ? drop(p, g, e) : absent(p, g, at, e);
}

/* No id has other bytes: it need not be asked for, and could mislead what
 * stands in front of the API. */
static int
may_be(const char *id)
{
	return id[strspn(id,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789-_=")] == '\0';
}

static int
ask_one(struct pass *p, const struct single *g, struct err *e)
{
	const struct platform_question q = { .what = ASK_SALE,
		.id = str_from(g->id) };
	struct platform_answer a;
	enum platform_said said = SAID_ABSENT;
	int64_t at = time_now(), sold_at;
	if (may_be(g->id) && asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
		return -1;
	if (said == SAID_ABSENT)
		return absent(p, g, at, e);
	if (!pass_is(p, a.object, g->id))
		return err_set(e, ERR_INPUT, "%s sent another sale than %s",
		    p->ask.platform->words.title, g->id);
	if (is_ordinary(p, a.object, &sold_at))
		return take_ordinary(p, g, a.object, at, sold_at, e);
	p->known.listed = 0;
	return pass_take(p, PLATFORM_READBACK, a.object, at, e) != 0
	    ? -1
	    : drop(p, g, e);
}

/* Tomorrow: today so many were asked for that the rest is for the lists. Until
 * then what nothing confirmed may not count. */
static int
put_off(struct pass *p, struct confirming *how, struct err *e)
{
	int64_t now = time_now();
	if (read_sound(p, how, e) != 0 ||
	    (how->sound && brake_hold(p, now - BRAKE_S, e) != 0))
		return -1;
	return store_pinged_put_off(
	    p->store, name_of(p), now, (now / DAY + 1) * DAY, e);
}

/* Up to max of them, in turn those that were not asked for and those that were.
 * An answer that is none keeps the others from nothing. */
static int
ask_some(
    struct pass *p, struct confirming *how, int max, int *did, struct err *e)
{
	for (int i = 0; i < max; i++) {
		struct single g = { .how = how };
		struct err own = { .code = ERR_NONE };
		for (int k = 0; k < 2 && !g.found; k++)
			if (store_pinged_next(p->store, name_of(p), time_now(),
				(i + k) % 2, take_single, &g, e) != 0)
				return -1;
		if (!g.found)
			return 0;
		if (p->ask.singles >= CONFIRM_SINGLES)
			return put_off(p, how, e);
		*did = 1;
		if (ask_one(p, &g, &own) == 0)
			continue;
		if (own.code != ERR_INPUT) {
			*e = own;
			return -1;
		}
		how->odd = own;
		if (later(p, &g, g.absent_at, e) != 0)
			return -1;
	}
	return 0;
}

int
confirm_run(struct pass *p, struct confirming *how, struct err *e)
{
	int64_t end = time_ticks() + RUN_MS;
	int did = 1;
	how->odd = (struct err){ .code = ERR_NONE };
	how->sound = 0;
	while (did && time_ticks() < end) {
		did = 0;
		if (look(p, how, &did, e) != 0 ||
		    ask_some(p, how, ASKS, &did, e) != 0 ||
		    pass_note(p, e) != 0)
			return -1;
	}
	return 0;
}

int
confirm_between(void *arg, struct pass *p, struct err *e)
{
	struct confirming *how = arg;
	struct pass_wanted wanted = p->wanted;
	int64_t spare = p->ask.spare;
	int import = p->import, listed = p->known.listed, did = 0;
	if (time_ticks() < how->next)
		return 0;
	how->sound = 0;
	p->import = 0;
	p->ask.spare = 0;
	int rc = look(p, how, &did, e);
	if (rc == 0)
		rc = ask_some(p, how, ASKS_BETWEEN, &did, e);
	p->import = import;
	p->ask.spare = spare;
	p->known.listed = listed;
	p->wanted = wanted;
	return rc;
}

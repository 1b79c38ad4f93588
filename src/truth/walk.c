#include "truth/walk.h"

#include "base/json.h"
#include "base/time.h"
#include "truth/list.h"

enum { PAGE_KEY_MAX = 256, ID_MAX = 256, WINDOW_DAYS = 30 };

/* ---- pages ---- */

struct pages {
	struct pass *pass;
	struct platform_question q;
	char page[PAGE_KEY_MAX]; /* "": the first */
	json_t *seen; /* the keys of all pages so far */
	char first[ID_MAX]; /* id of the last page's first object */
	int64_t oldest; /* sale of the last page */
	int64_t requested_at;
};

/* 1: there is a page; 0: it was the last one before. -1. *said may be
 * SAID_TOO_MUCH. */
static int
next_page(struct pages *g, unsigned may, struct platform_answer *a,
    enum platform_said *said, struct err *e)
{
	struct pass *p = g->pass;
	g->q.page = g->page[0] == '\0' ? STR_NONE : str_from(g->page);
	g->requested_at = time_now();
	if (asker_ask(&p->ask, &g->q, may, a, said, e) != 0)
		return -1;
	/* one that is not there has no members */
	if (*said != SAID_FINE)
		return *said == SAID_ABSENT && g->q.what != ASK_MEMBERS
		    ? err_set(e, ERR_INPUT, "%s knows of no list",
			  p->ask.platform->words.title)
		    : 0;
	struct str id = p->ask.platform->api->id(json_array_get(a->objects, 0));
	if (id.p != NULL && str_eq_z(id, g->first))
		return err_set(e, ERR_INPUT,
		    "%s sends the same page again and again",
		    p->ask.platform->words.title);
	snprintf(g->first, sizeof(g->first), "%.*s", STR_ARG(id));
	return 1;
}

/* Notes where the next page begins; 0: there is none. */
static int
turn_page(struct pages *g, struct str next, struct err *e)
{
	if (next.p == NULL)
		return 0;
	if (next.n >= sizeof(g->page) ||
	    json_object_getn(g->seen, next.p, next.n) != NULL)
		return err_set(e, ERR_INPUT,
		    "%s names no next page that could be asked for",
		    g->pass->ask.platform->words.title);
	snprintf(g->page, sizeof(g->page), "%.*s", STR_ARG(next));
	return json_object_set_new(g->seen, g->page, json_null()) == 0
	    ? 1
	    : err_no_memory(e);
}

/* Sales come newest first: else it would not end. */
static int
check_order(struct pages *g, struct err *e)
{
	const struct pass *p = g->pass;
	if (p->newest > g->oldest)
		return err_set(e, ERR_INPUT,
		    "%s lists a newer sale behind older ones",
		    p->ask.platform->words.title);
	g->oldest = p->oldest;
	return 0;
}

/* Has it what it is for? left: how many were still wanted before this page, idle:
 * since how many pages no less are. */
static int
is_enough(const struct pass *p, size_t *left, int *idle)
{
	const struct pass_wanted *w = &p->wanted;
	size_t now = json_object_size(w->met);
	*idle = now < *left ? 0 : *idle + 1;
	*left = now;
	return w->enough &&
	    (now == 0 || p->oldest < w->down_to ||
		(w->idle_max > 0 && *idle >= w->idle_max));
}

static int
take_each(struct pages *g, const char *kind, unsigned may,
    enum platform_said *said, struct err *e)
{
	struct pass *p = g->pass;
	size_t left = json_object_size(p->wanted.met);
	int idle = 0;
	for (;;) {
		struct platform_answer a;
		char next[PAGE_KEY_MAX];
		int rc = next_page(g, may, &a, said, e);
		if (rc <= 0)
			return rc;
		if (a.next.n >= sizeof(next))
			return err_set(e, ERR_INPUT, "a page key too long");
		snprintf(next, sizeof(next), "%.*s", STR_ARG(a.next));
		if (pass_take(p, kind, a.objects, g->requested_at, e) != 0 ||
		    check_order(g, e) != 0 || pass_note(p, e) != 0)
			return -1;
		if (is_enough(p, &left, &idle))
			return 0;
		rc = turn_page(
		    g, next[0] == '\0' ? STR_NONE : str_from(next), e);
		if (rc <= 0)
			return rc;
	}
}

/* All pages of a question, each as objects of that kind. */
static int
take_pages(struct pages *g, const char *kind, unsigned may,
    enum platform_said *said, struct err *e)
{
	g->seen = json_object();
	g->oldest = INT64_MAX;
	int rc = g->seen == NULL ? err_no_memory(e)
				 : take_each(g, kind, may, said, e);
	json_decref(g->seen);
	return rc;
}

/* ---- sales ---- */

int
walk_sales(struct pass *p, int64_t from, int64_t to, struct err *e)
{
	char days[2][16];
	struct pages g = { .pass = p,
		.q = { .what = ASK_SALES,
		    .from_day = str_from(pass_day(from, days[0])),
		    .to_day = str_from(pass_day(to, days[1])) } };
	enum platform_said said = SAID_FINE;
	p->known.listed = 1;
	if (take_pages(&g, PLATFORM_READBACK, 1U << SAID_TOO_MUCH, &said, e) !=
	    0)
		return -1;
	if (said != SAID_TOO_MUCH)
		return 0;
	int64_t half = (to / WALK_DAY - from / WALK_DAY) / 2;
	if (from / WALK_DAY >= to / WALK_DAY)
		return err_set(e, ERR_BUSY,
		    "%s cannot list the sales of %s in its time",
		    p->ask.platform->words.title, days[0]);
	int64_t middle = from + half * WALK_DAY;
	return walk_sales(p, middle + WALK_DAY, to, e) != 0
	    ? -1
	    : walk_sales(p, from, middle, e);
}

int
walk_newest(struct pass *p, int64_t to, int64_t *day, struct err *e)
{
	char text[16];
	struct platform_question q = { .what = ASK_SALES,
		.to_day = str_from(pass_day(to, text)) };
	struct platform_answer a;
	enum platform_said said;
	struct fact f;
	*day = FACT_NO_TIME;
	if (asker_ask(&p->ask, &q, 1U << SAID_TOO_MUCH, &a, &said, e) != 0)
		return -1;
	/* it cannot say: month by month, then */
	if (said == SAID_TOO_MUCH && to > p->ask.platform->api->oldest)
		*day = to;
	if (said == SAID_TOO_MUCH)
		return 0;
	const json_t *first = json_array_get(a.objects, 0);
	if (first == NULL)
		return 0;
	int rc = pass_reads(p, first, &f, e);
	if (rc == 0 && (f.sold_at == FACT_NO_TIME || f.sold_at > to + WALK_DAY))
		rc = err_set(e, ERR_INPUT,
		    "%s lists a sale of another time than was asked for",
		    p->ask.platform->words.title);
	if (rc == 0)
		*day = f.sold_at;
	return rc;
}

/* ---- members ---- */

/* What is open in this database; of it, in the end, what no list showed. */
struct missed {
	json_t *ids;
	int failed;
};

static int
take_open(void *arg, struct str id)
{
	struct missed *m = arg;
	m->failed |= json_object_setn_new(m->ids, id.p, id.n, json_null());
	return m->failed;
}

/* Has it this id, and of a sale: is it the giftee's? No list shows that one. */
static int
is_asked(struct pass *p, enum platform_ask what, const json_t *object,
    const char *id)
{
	struct fact f = { .gift = 0 };
	if (!pass_is(p, object, id) || what == ASK_MEMBER)
		return pass_is(p, object, id);
	return pass_reads(p, object, &f, NULL) == 0 && f.gift;
}

/* One by one. */
static int
ask_each(struct pass *p, enum platform_ask what, const char *kind, json_t *ids,
    struct err *e)
{
	const char *id;
	json_t *unused;
	p->known.listed = 0;
	json_object_foreach(ids, id, unused)
	{
		const struct platform_question q = { .what = what,
			.id = str_from(id) };
		struct platform_answer a;
		enum platform_said said;
		int64_t at = time_now();
		(void)unused;
		if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
			return -1;
		if (said == SAID_FINE && is_asked(p, what, a.object, id) &&
		    (pass_take(p, kind, a.object, at, e) != 0 ||
			pass_note(p, e) != 0))
			return -1;
	}
	return 0;
}

static int
ask_lists(struct pass *p, struct err *e)
{
	const char *id;
	json_t *product;
	json_object_foreach(p->products, id, product)
	{
		struct pages g = { .pass = p,
			.q = { .what = ASK_MEMBERS, .product = str_from(id) } };
		enum platform_said said = SAID_FINE;
		(void)product;
		if (take_pages(&g, PLATFORM_SUBSCRIBER, 0, &said, e) != 0)
			return -1;
	}
	return 0;
}

int
walk_members(struct pass *p, struct err *e)
{
	struct missed m = { .ids = NULL };
	if ((p->ask.platform->api->asks & 1U << ASK_PRODUCTS) == 0)
		return list_members(p, e);
	m.ids = json_object();
	int rc = m.ids == NULL ? err_set(e, ERR_MEMORY, "out of memory") : 0;
	if (rc == 0)
		rc = store_subscription_open(p->store,
		    str_from(p->ask.platform->name), take_open, &m, e);
	if (rc == 0 && m.failed)
		rc = err_set(e, ERR_MEMORY, "out of memory");
	p->wanted.met = m.ids;
	if (rc == 0)
		rc = ask_lists(p, e);
	p->wanted.met = NULL;
	if (rc == 0)
		rc = ask_each(p, ASK_MEMBER, PLATFORM_SUBSCRIBER, m.ids, e);
	json_decref(m.ids);
	return rc;
}

/* ---- all of it ---- */

/* The lists, and then one by one what was given and so is in none. */
static int
walk_window(struct pass *p, int64_t from, int64_t to, struct err *e)
{
	struct missed m = { .ids = json_object() };
	if (m.ids == NULL)
		return err_no_memory(e);
	int rc = store_purchase_given(p->store, str_from(p->ask.platform->name),
	    from / WALK_DAY * WALK_DAY, (to / WALK_DAY + 1) * WALK_DAY,
	    take_open, &m, e);
	if (rc == 0 && m.failed)
		rc = err_no_memory(e);
	p->wanted.met = m.ids;
	if (rc == 0)
		rc = walk_sales(p, from, to, e);
	p->wanted.met = NULL;
	if (rc == 0)
		rc = ask_each(p, ASK_SALE, PLATFORM_READBACK, m.ids, e);
	json_decref(m.ids);
	return rc;
}

int
walk_back(struct pass *p, int64_t from, int64_t to, walk_window_fn *fn,
    void *arg, struct err *e)
{
	int64_t days = p->ask.deadline == 0 ? WINDOW_DAYS : 1;
	while (from == FACT_NO_TIME || to >= from) {
		int64_t begin = to - (days - 1) * WALK_DAY, newest;
		if (from != FACT_NO_TIME && begin < from)
			begin = from;
		/* no sale for long: on to the next one */
		if (walk_newest(p, to, &newest, e) != 0)
			return -1;
		if (newest == FACT_NO_TIME) {
			/* there is nothing older, however far back */
			p->row.from_day = str_from(pass_day(
			    from == FACT_NO_TIME ? 0 : from, p->days[0]));
			return 0;
		}
		if (newest < begin) {
			to = newest;
			continue;
		}
		if (walk_window(p, begin, to, e) != 0)
			return -1;
		p->row.from_day = str_from(pass_day(begin, p->days[0]));
		if (pass_keep_up(p, e) != 0 || pass_note(p, e) != 0)
			return -1;
		p->windows++;
		if (fn != NULL)
			fn(arg, p, begin);
		days = days * 2 < WINDOW_DAYS ? days * 2 : WINDOW_DAYS;
		to = begin - WALK_DAY;
	}
	p->row.from_day = str_from(pass_day(from, p->days[0]));
	return 0;
}

#include "commit/refile.h"

#include "fold/column.h"
#include "config/config_names.h"
#include "fold/manual.h"

/* The events of a sale, which are to be filed under another subject. */
struct refile {
	const struct platform *platform;
	struct decode_opts opts;
	struct str sale, owner;
	int blurred; /* those alone, of that owner */
	int64_t *events;
	struct str *deliveries; /* their keys */
	size_t n, size;
	struct arena *arena;
	struct err *err;
	int failed;
};

static int
take_moving(struct refile *r, const struct store_event *row)
{
	size_t size = r->size;
	int64_t *events =
	    arena_grow(r->arena, r->events, r->n, &size, sizeof(*events));
	struct str *keys =
	    arena_grow(r->arena, r->deliveries, r->n, &r->size, sizeof(*keys));
	if (events == NULL || keys == NULL)
		return r->failed = 1;
	r->events = events;
	r->deliveries = keys;
	r->events[r->n] = row->id;
	r->deliveries[r->n++] = str_copy(r->arena, row->delivery);
	return r->failed = arena_failed(r->arena);
}

static int
take_delivery_of(void *arg, const struct store_event *row)
{
	struct refile *r = arg;
	struct fact *f = arena_alloc(r->arena, sizeof(*f));
	if (f == NULL ||
	    platform_decode(r->platform, row->kind, row->body, &r->opts,
		r->arena, f, r->err) != 0)
		return r->failed = 1;
	if (r->blurred && (!f->blurred || !str_same(f->owner, r->owner)))
		return 0;
	return str_eq(project_column(r->arena, f->sale), r->sale)
	    ? take_moving(r, row)
	    : 0;
}

int
refile_kept(struct store *s, const struct config *c, const struct platform *p,
    struct str sale, struct str owner, struct str to, struct arena *a,
    struct err *e)
{
	struct refile r = { .platform = p,
		.opts = project_opts(c, p),
		.sale = sale,
		.owner = owner,
		.blurred = 1,
		.arena = a,
		.err = e };
	struct str alone =
	    str_from(arena_printf(a, "sale:%.*s", STR_ARG(sale)));
	if (alone.p == NULL)
		return err_no_memory(e);
	if (store_event_kept_of(s, str_from(p->name), to, alone,
		take_delivery_of, &r, e) != 0 ||
	    r.failed)
		return -1;
	for (size_t i = 0; i < r.n; i++)
		if (store_event_apply(s, r.events[i], to, e) != 0)
			return -1;
	return 0;
}

/* Is an event by hand about deliveries of that sale, and no other? */
static int
is_about(const struct refile *r, const struct manual *m, size_t n)
{
	if (m->n_deliveries == 0)
		return str_eq(m->sale, r->sale);
	for (size_t i = 0; i < m->n_deliveries; i++) {
		size_t k = 0;
		while (k < n && !str_eq(m->deliveries[i], r->deliveries[k]))
			k++;
		if (k == n)
			return 0;
	}
	return 1;
}

static int
take_manual_of(void *arg, const struct store_event *row)
{
	struct refile *r = arg;
	struct manual m;
	if (manual_decode(r->arena, row->body, row->delivery, &m, r->err) != 0)
		return r->failed = r->err->code == ERR_MEMORY;
	return is_about(r, &m, r->n) ? take_moving(r, row) : 0;
}

int
refile_sale(struct store *s, const struct config *c, const struct platform *p,
    struct str sale, struct str from, struct str to, struct arena *a,
    struct err *e)
{
	struct str platform = str_from(p->name);
	struct str by_hand = manual_subject(a, platform, from);
	struct str to_by_hand = manual_subject(a, platform, to);
	struct refile r = { .platform = p,
		.opts = project_opts(c, p),
		.sale = project_column(a, sale),
		.arena = a,
		.err = e };
	if (by_hand.p == NULL || to_by_hand.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (store_event_of_subject(
		s, platform, from, take_delivery_of, &r, e) != 0 ||
	    r.failed)
		return -1;
	size_t n = r.n;
	if (store_event_of_subject(
		s, STR("manual"), by_hand, take_manual_of, &r, e) != 0 ||
	    r.failed)
		return -1;
	for (size_t i = 0; i < r.n; i++)
		if (store_event_refile(
			s, r.events[i], i < n ? to : to_by_hand, e) != 0)
			return -1;
	return 0;
}

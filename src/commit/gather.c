#include "commit/gather.h"

#include "config/config_names.h"
#include "fold/manual.h"

struct fold_delivery *
gather_room(struct gather *g)
{
	struct fold_delivery *d =
	    arena_grow(g->arena, g->d, g->n, &g->size, sizeof(*d));
	if (d == NULL)
		return NULL;
	g->d = d;
	return &g->d[g->n];
}

/* A later decoder may understand less: what it keeps does not count, but for
 * what a reading of its sale explains. */
static void
take_fact(struct gather *g, int64_t event, const struct fact *fact,
    int64_t sent_at, int64_t seen_at)
{
	if (fact_counts(fact))
		g->d[g->n++] = (struct fold_delivery){ .fact = fact,
			.event = event,
			.sent_at = sent_at,
			.seen_at = seen_at };
}

/* Events that were noted as contradicting another one: *n grows by one. */
static int
take_conflict(struct gather *g, int64_t event)
{
	int64_t *v = arena_alloc(g->arena, (g->n_conflicts + 1) * sizeof(*v));
	if (v == NULL)
		return -1;
	if (g->n_conflicts > 0)
		memcpy(v, g->conflicts, g->n_conflicts * sizeof(*v));
	v[g->n_conflicts++] = event;
	g->conflicts = v;
	return 0;
}

static int
take_delivery(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	const struct fact *fact = NULL;
	if (gather_room(g) == NULL)
		goto memory;
	if (g->known != NULL && g->known->event == row->id) {
		fact = g->known->fact;
	} else {
		struct fact *f = arena_alloc(g->arena, sizeof(*f));
		char *body = arena_dup(g->arena, row->body.p, row->body.n);
		struct decode_opts opts = project_opts(g->config, g->platform);
		if (f == NULL || body == NULL)
			goto memory;
		if (platform_decode(g->platform, row->kind,
			(struct str){ body, row->body.n }, &opts, g->arena, f,
			g->err) != 0) {
			g->failed = 1;
			return 1;
		}
		/* that of a delivery rewritten since would be another one */
		f->delivery = str_copy(g->arena, row->delivery);
		if (f->delivery.p == NULL)
			goto memory;
		fact = f;
	}
	if (str_eq_z(row->reason, GATHER_CONFLICT) &&
	    take_conflict(g, row->id) != 0)
		goto memory;
	/* versions before this one stored no time of sending for a retry */
	take_fact(g, row->id, fact,
	    row->sent_at != STORE_NULL ? row->sent_at
				       : row->received_at - fact->sent_ago,
	    row->last_seen_at);
	return 0;
memory:
	g->failed = 1;
	err_set(g->err, ERR_MEMORY, "out of memory");
	return 1;
}

/* Manual events about the subject, decoded; one that this version does not
 * know says nothing. */
static int
take_manual(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	struct fold_delivery *d = gather_room(g);
	struct manual *m = arena_alloc(g->arena, sizeof(*m));
	struct err err = { .code = ERR_NONE };
	char *delivery = arena_dup(g->arena, row->delivery.p, row->delivery.n);
	int unknown = d != NULL && m != NULL && delivery != NULL &&
	    manual_decode(g->arena, row->body,
		(struct str){ delivery, row->delivery.n }, m, &err) != 0;
	if (d == NULL || m == NULL || delivery == NULL ||
	    err.code == ERR_MEMORY) {
		g->failed = 1;
		err_set(g->err, ERR_MEMORY, "out of memory");
		return 1;
	}
	if (unknown)
		return 0;
	*d = (struct fold_delivery){
		.manual = m, .event = row->id, .sent_at = row->received_at
	};
	g->n++;
	return 0;
}

int
gather_deliveries(struct gather *g, struct store *s, struct str subject)
{
	const struct project_known *known = g->known;
	if (known == NULL || !known->alone)
		return store_event_of_subject(s, str_from(g->platform->name),
			   subject, take_delivery, g, g->err) != 0 ||
			g->failed
		    ? -1
		    : 0;
	if (gather_room(g) == NULL)
		return err_set(g->err, ERR_MEMORY, "out of memory");
	take_fact(g, known->event, known->fact, known->sent_at, known->sent_at);
	return 0;
}

int
gather_by_hand(struct gather *g, struct store *s, struct str about)
{
	if (about.p == NULL)
		return err_set(g->err, ERR_MEMORY, "out of memory");
	return store_event_of_subject(
		   s, STR("manual"), about, take_manual, g, g->err) != 0 ||
		g->failed
	    ? -1
	    : 0;
}

int
gather_marks(struct gather *g, struct store *s)
{
	const struct platform *p = g->platform;
	if (g->config->rules.confirm[platform_index(p)] == TIER_CONFIRM_OFF)
		return 0;
	struct str about = manual_subject(
	    g->arena, str_from(p->name), STR(MANUAL_CONFIRM_SUBJECT));
	return gather_by_hand(g, s, about);
}

int
gather_subject(struct gather *g, struct store *s, struct str subject)
{
	struct str about =
	    manual_subject(g->arena, str_from(g->platform->name), subject);
	return gather_deliveries(g, s, subject) != 0 ||
		gather_by_hand(g, s, about) != 0
	    ? -1
	    : 0;
}

int
project_marks(struct store *s, const struct config *c, const struct platform *p,
    struct arena *a, struct fold_delivery **out, size_t *n, struct err *e)
{
	struct gather g = { .config = c, .platform = p, .arena = a, .err = e };
	int rc = gather_marks(&g, s);
	*out = g.d;
	*n = g.n;
	return rc;
}

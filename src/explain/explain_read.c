#include "explain/explain.h"

#include <stdlib.h>

#include "commit/project.h"
#include "config/config_names.h"
#include "explain/explain_note.h"
#include "fold/manual.h"
#include "explain/say.h"

struct work {
	struct store *s;
	const struct config *c;
	const struct explain_ask *ask;
	struct arena *a;
	struct explain *x;
	struct err *e;
	size_t events; /* of all subjects */
	int cut; /* a maximum was reached */
};

/* ---- which subjects ---- */

static int
take_subject(void *arg, struct str platform, struct str subject)
{
	struct work *w = arg;
	struct explain *x = w->x;
	for (size_t i = 0; i < x->n_subjects; i++)
		if (str_eq(x->subjects[i].platform, platform) &&
		    str_eq(x->subjects[i].subject, subject))
			return 0;
	if (x->n_subjects == EXPLAIN_SUBJECTS_MAX) {
		w->cut = 1;
		return 1;
	}
	struct explain_subject *u = &x->subjects[x->n_subjects++];
	u->rows.arena = w->a;
	u->platform = str_copy(w->a, platform);
	u->subject = str_copy(w->a, subject);
	return 0;
}

static int
take_row(void *arg, const struct store_purchase *row)
{
	return take_subject(arg, row->platform, row->subject);
}

/* The subject an event would have, had nothing but kept and test deliveries
 * come: no row says which. */
static int
add_if_any(struct work *w, const char *prefix, struct str id)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		struct str platform = str_from(platforms[i]->name);
		struct str subject =
		    str_from(arena_printf(w->a, "%s%.*s", prefix, STR_ARG(id)));
		int64_t n = 0;
		if (subject.p == NULL)
			return err_no_memory(w->e);
		if (store_event_count_of_subject(
			w->s, platform, subject, &n, w->e) != 0)
			return -1;
		if (n > 0)
			take_subject(w, platform, subject);
	}
	return 0;
}

static int
find_sale(struct work *w)
{
	const char *names[PLATFORM__MAX + 1] = { "manual" };
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		names[i + 1] = platforms[i]->name;
	for (size_t i = 0; i < PLATFORM__MAX + 1; i++) {
		struct err e = { 0 };
		if (store_purchase_get(w->s, str_from(names[i]), w->ask->sale,
			take_row, w, &e) != 0 &&
		    e.code != ERR_ABSENT) {
			if (w->e != NULL)
				*w->e = e;
			return -1;
		}
	}
	return w->x->n_subjects > 0 ? 0 : add_if_any(w, "sale:", w->ask->sale);
}

static int
find_subjects(struct work *w)
{
	const struct explain_ask *ask = w->ask;
	w->x->subjects =
	    arena_alloc(w->a, EXPLAIN_SUBJECTS_MAX * sizeof(*w->x->subjects));
	if (w->x->subjects == NULL)
		return err_no_memory(w->e);
	if (ask->key != NULL)
		return store_purchase_subjects(w->s, ask->key->by,
		    ask->key->platform, ask->key->id, EXPLAIN_SUBJECTS_MAX,
		    take_subject, w, w->e);
	if (ask->sale.p != NULL)
		return find_sale(w);
	if (store_purchase_of_subscription(
		w->s, ask->subscription, take_row, w, w->e) != 0)
		return -1;
	return add_if_any(w, "subscription:", ask->subscription);
}

/* ---- what a subject has ---- */

struct gather {
	struct work *work;
	struct explain_subject *subject;
	size_t size;
	int failed;
};

static int
understand(
    struct gather *g, const struct store_event *row, struct explain_event *ev)
{
	struct work *w = g->work;
	const struct platform *p = platform_find(ev->platform);
	struct str body = str_copy(w->a, row->body);
	if (p == NULL) {
		struct manual *m = arena_alloc(w->a, sizeof(*m));
		if (m != NULL &&
		    manual_decode(w->a, body, ev->delivery, m, NULL) == 0)
			ev->manual = m;
		return arena_failed(w->a) ? -1 : 0;
	}
	struct fact *f = arena_alloc(w->a, sizeof(*f));
	struct decode_opts opts = project_opts(w->c, p);
	if (f == NULL || body.p == NULL ||
	    platform_decode(p, row->kind, body, &opts, w->a, f, w->e) != 0)
		return -1;
	ev->fact = f;
	return 0;
}

static struct explain_event *
room(struct gather *g)
{
	struct explain_subject *u = g->subject;
	struct explain_event *v = arena_grow(
	    g->work->a, u->events, u->n_events, &g->size, sizeof(*v));
	if (v == NULL)
		return NULL;
	u->events = v;
	return &u->events[u->n_events];
}

static int
take_event(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	struct arena *a = g->work->a;
	if (g->work->events++ == EXPLAIN_EVENTS_MAX) {
		g->work->cut = 1;
		return 1;
	}
	struct explain_event *ev = room(g);
	if (ev == NULL) {
		g->failed = 1;
		return 1;
	}
	*ev = (struct explain_event){
		.event = row->id,
		.received_at = row->received_at,
		.sent_at = row->sent_at,
		.last_seen_at = row->last_seen_at,
		.seen = row->seen,
		.platform = str_copy(a, row->platform),
		.kind = str_copy(a, row->kind),
		.status = str_copy(a, row->status),
		.reason = str_copy(a, row->reason),
		.delivery = str_copy(a, row->delivery),
	};
	if (understand(g, row, ev) != 0) {
		g->failed = 1;
		return 1;
	}
	if (ev->fact == NULL)
		ev->sent_at = ev->received_at;
	else if (ev->sent_at == STORE_NULL)
		ev->sent_at = ev->received_at - ev->fact->sent_ago;
	g->subject->n_events++;
	return 0;
}

static int
compare_folded(const void *pa, const void *pb)
{
	const struct fold_delivery *const *a = pa, *const *b = pb;
	return ((*a)->event > (*b)->event) - ((*a)->event < (*b)->event);
}

/* The fold has sorted them. */
static int
mark_events(struct work *w, struct explain_subject *u,
    const struct fold_delivery *d, size_t n)
{
	const struct fold_delivery **v =
	    arena_alloc(w->a, (n + 1) * sizeof(*v));
	if (v == NULL)
		return err_no_memory(w->e);
	for (size_t i = 0; i < n; i++)
		v[i] = &d[i];
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_folded);
	for (size_t i = 0; i < u->n_events; i++) {
		struct explain_event *ev = &u->events[i];
		const struct fold_delivery key = { .event = ev->event },
					   *k = &key;
		const struct fold_delivery **found = n == 0 || ev->fact == NULL
		    ? NULL
		    : bsearch(&k, v, n, sizeof(*v), compare_folded);
		if (found == NULL)
			continue;
		ev->fold = *found;
		ev->counts = (*found)->verdict != FOLD_VOIDED;
	}
	return 0;
}

/* Folds the subject once more, for its rules: of what the fold reads, each
 * delivery is told what became of it. */
static int
fold_again(struct work *w, struct explain_subject *u)
{
	const struct platform *p = platform_find(u->platform);
	struct fold_delivery *marks = NULL;
	size_t n = 0, n_marks = 0;
	if (p != NULL &&
	    project_marks(w->s, w->c, p, w->a, &marks, &n_marks, w->e) != 0)
		return -1;
	struct fold_delivery *d =
	    arena_alloc(w->a, (u->n_events + n_marks + 1) * sizeof(*d));
	if (d == NULL)
		return err_no_memory(w->e);
	for (size_t i = 0; i < u->n_events; i++) {
		const struct explain_event *ev = &u->events[i];
		int is_fact = ev->fact != NULL && fact_counts(ev->fact) &&
		    str_eq_z(ev->status, "applied");
		if (is_fact || ev->manual != NULL)
			d[n++] = (struct fold_delivery){ .fact = ev->fact,
				.manual = ev->manual,
				.event = ev->event,
				.sent_at = ev->sent_at,
				.seen_at = ev->last_seen_at };
	}
	for (size_t i = 0; i < n_marks; i++)
		d[n++] = marks[i];
	if (p == NULL)
		return fold_grants(u->subject, d, n, w->a, &u->fold, w->e);
	if (fold_subject(
		p, u->subject, d, n, &w->c->rules, w->a, &u->fold, w->e) != 0)
		return -1;
	return mark_events(w, u, d, n);
}

static int
take_subscription(void *arg, const struct store_subscription *row)
{
	struct gather *g = arg;
	struct arena *a = g->work->a;
	struct store_subscription *sub = arena_alloc(a, sizeof(*sub));
	if (sub == NULL)
		return 1;
	*sub = *row;
	struct str *texts[] = { &sub->platform, &sub->subscription,
		&sub->product, &sub->tier, &sub->status, &sub->ended_reason,
		&sub->next_tier, &sub->subject };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = str_copy(a, *texts[i]);
	g->subject->subscription = sub;
	return 1;
}

static int
compare_rows(const void *pa, const void *pb)
{
	const struct store_purchase *a = pa, *b = pb;
	if (a->sold_at != b->sold_at)
		return a->sold_at < b->sold_at ? -1 : 1;
	return str_compare(a->sale, b->sale);
}

static int
compare_events(const void *pa, const void *pb)
{
	const struct explain_event *a = pa, *b = pb;
	if (a->received_at != b->received_at)
		return a->received_at < b->received_at ? -1 : 1;
	return (a->event > b->event) - (a->event < b->event);
}

/* What the list of members says is filed under a subject of its own. */
static int
add_entries(struct gather *g)
{
	struct work *w = g->work;
	struct explain_subject *u = g->subject;
	const struct platform *p = platform_find(u->platform);
	struct fold_delivery *d = NULL;
	size_t n = 0;
	if (p != NULL && p->api != NULL &&
	    project_entries(w->s, w->c, p, u->subject, w->a, &d, &n, w->e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_event_get(w->s, d[i].event, take_event, g, w->e) != 0)
			return -1;
	if (n > 0)
		qsort(
		    u->events, u->n_events, sizeof(*u->events), compare_events);
	return 0;
}

static int
read_subject(struct work *w, struct explain_subject *u)
{
	struct gather g = { .work = w, .subject = u };
	struct str about = manual_subject(w->a, u->platform, u->subject);
	if (about.p == NULL)
		return err_no_memory(w->e);
	if (store_purchase_of_subject(w->s, u->platform, u->subject, rows_take,
		&u->rows, w->e) != 0 ||
	    store_subscription_of_subject(w->s, u->platform, u->subject,
		take_subscription, &g, w->e) != 0 ||
	    store_event_about(w->s, u->platform, u->subject, about, take_event,
		&g, w->e) != 0 ||
	    add_entries(&g) != 0)
		return -1;
	if (g.failed || u->rows.failed || arena_failed(w->a))
		return err_no_memory(w->e);
	if (u->rows.n > 0)
		qsort(u->rows.v, u->rows.n, sizeof(*u->rows.v), compare_rows);
	return fold_again(w, u);
}

static int
say_all(struct work *w, struct explain_subject *u, struct buf *b)
{
	for (size_t i = 0; i < u->n_events; i++) {
		struct explain_event *ev = &u->events[i];
		struct say s = { .b = b,
			.rules = &w->c->rules,
			.subject = u,
			.event = ev,
			.now = w->ask->now,
			.arena = w->a };
		buf_reset(b);
		say_event(&s);
		ev->rule = say_rule(&s);
		if (!buf_ok(b))
			return err_set(w->e, ERR_LIMIT,
			    "event %lld takes too many words",
			    (long long)ev->event);
		ev->says = str_copy(w->a, buf_str(b));
		if (ev->says.p == NULL)
			return err_no_memory(w->e);
	}
	return 0;
}

/* ---- the answer ---- */

/* Of one sale, its own; of a subscription, all of its subject's. */
static int
judge_rows(struct work *w)
{
	struct explain *x = w->x;
	struct rows all = { .arena = w->a };
	for (size_t i = 0; i < x->n_subjects; i++) {
		const struct rows *r = &x->subjects[i].rows;
		for (size_t k = 0; k < r->n; k++)
			if (w->ask->sale.p == NULL ||
			    str_eq(r->v[k].sale, w->ask->sale))
				rows_take(&all, &r->v[k]);
	}
	return access_of(
	    &all, &w->c->rules, w->ask->now, w->a, &x->access, w->e);
}

static int
answer(struct work *w)
{
	const struct explain_ask *ask = w->ask;
	struct explain *x = w->x;
	if (ask->key != NULL) {
		x->key = *ask->key;
		return access_lookup(w->s, &w->c->rules, ask->key, ask->now,
		    w->a, &x->access, w->e);
	}
	int is_sale = ask->sale.p != NULL;
	x->key.word = is_sale ? "sale" : "subscription";
	x->key.value = is_sale ? ask->sale : ask->subscription;
	if (x->n_subjects == 0)
		return err_set(w->e, ERR_ABSENT,
		    "there is no such %s; if its delivery was kept, "
		    "'gatepost events --status kept' lists it",
		    x->key.word);
	return judge_rows(w);
}

static int
explain_all(struct work *w)
{
	struct buf b;
	int rc = find_subjects(w);
	buf_init(&b, EXPLAIN_SAYS_MAX);
	for (size_t i = 0; rc == 0 && i < w->x->n_subjects; i++)
		if (read_subject(w, &w->x->subjects[i]) != 0 ||
		    say_all(w, &w->x->subjects[i], &b) != 0)
			rc = -1;
	buf_free(&b);
	if (rc == 0)
		rc = answer(w);
	return rc != 0
	    ? -1
	    : explain_notes(w->s, w->c, w->ask, w->cut, w->a, w->x, w->e);
}

int
explain_find(struct store *s, const struct config *c,
    const struct explain_ask *ask, struct arena *a, struct explain *out,
    struct err *e)
{
	struct work w = {
		.s = s, .c = c, .ask = ask, .a = a, .x = out, .e = e
	};
	*out = (struct explain){ 0 };
	if (store_begin_read(s, e) != 0)
		return -1;
	int rc = explain_all(&w);
	store_rollback(s);
	return rc;
}

#include "person/erase.h"

#include "base/crypto.h"
#include "access/access.h"
#include "fold/column.h"
#include "config/config_names.h"
#include "person/erase_find.h"
#include "fold/manual.h"
#include "commit/project.h"
#include "access/rows.h"
#include "platform/redact.h"
#include "store/pass.h"
#include "store/truth.h"

enum {
	MEMORY_MAX = 256 * 1024 * 1024, /* of one subject */
	FOUND_MAX = 64 * 1024 * 1024, /* of names of subjects */
};

struct erase {
	struct store *s;
	const struct config *config;
	const struct erase_who *who;
	int dry_run;
	int64_t now;
	struct erase_result *r;
	struct arena *arena; /* of one subject or event */
	struct erase_subjects found;
	int marked; /* `meta` says that a run is not over */
};

struct ids {
	struct arena *arena;
	int64_t *v;
	size_t n, size;
	int failed;
};

static int
take_id(void *arg, int64_t id)
{
	struct ids *ids = arg;
	int64_t *v =
	    arena_grow(ids->arena, ids->v, ids->n, &ids->size, sizeof(*v));
	if (v == NULL)
		return ids->failed = 1;
	ids->v = v;
	ids->v[ids->n++] = id;
	return 0;
}

static int
events_of(struct erase *x, struct str platform, struct str subject,
    struct ids *out, struct err *e)
{
	*out = (struct ids){ .arena = x->arena };
	if (subject.p == NULL ||
	    store_event_in_subject(x->s, platform, subject, take_id, out, e) !=
		0)
		return -1;
	return out->failed ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

/* Before the first write, so that an interrupted run is known for one. */
static int
begin(struct erase *x, struct err *e)
{
	if (!x->marked &&
	    (store_forget_begin(x->s, e) != 0 ||
		store_meta_put(x->s, STR("erase"), STR("unfinished"), e) != 0))
		return -1;
	x->marked = 1;
	return store_begin(x->s, e);
}

/* ---- traces beside the events ---- */

struct jobs {
	struct erase *x;
	struct str address;
	struct ids ids;
};

static int
take_job(void *arg, int64_t id, struct str target, struct str payload,
    struct str last_error)
{
	struct jobs *jobs = arg;
	struct arena *a = jobs->x->arena;
	return redact_mentions(a, target, jobs->address) ||
		redact_mentions(a, payload, jobs->address) ||
		redact_mentions(a, last_error, jobs->address)
	    ? take_id(&jobs->ids, id)
	    : 0;
}

static int
drop_jobs(struct erase *x, struct str address, struct err *e)
{
	struct jobs jobs = { x, address, { .arena = x->arena } };
	if (address.p == NULL)
		return 0;
	if (store_signin_forget(x->s, address, e) != 0 ||
	    store_drift_forget(x->s, address, e) != 0 ||
	    store_outbox_holding(x->s, address, take_job, &jobs, e) != 0)
		return -1;
	if (jobs.ids.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < jobs.ids.n; i++)
		if (store_outbox_drop(x->s, jobs.ids.v[i], e) != 0)
			return -1;
	x->r->jobs += (int64_t)jobs.ids.n;
	return 0;
}

static int
forget_change(struct erase *x, enum store_by by, struct str id, struct err *e)
{
	if (id.p == NULL)
		return 0;
	struct str who = str_from(
	    arena_printf(x->arena, "%s:%.*s", access_words[by], STR_ARG(id)));
	if (who.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return store_change_forget(x->s, by, id, e) == 0
	    ? store_pass_forget(x->s, who, e)
	    : -1;
}

static int
forget_buyer(
    struct erase *x, struct str platform, struct str buyer, struct err *e)
{
	struct str whole = buyer;
	if (buyer.p != NULL && !str_eq_z(platform, "manual"))
		whole = str_from(arena_printf(
		    x->arena, "%.*s:%.*s", STR_ARG(platform), STR_ARG(buyer)));
	return forget_change(x, STORE_BY_BUYER, whole, e);
}

/* What else carries the identifiers of these rows. */
static int
forget_rows(struct erase *x, const struct rows *rows, struct err *e)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct store_purchase *p = &rows->v[i];
		if (forget_change(x, STORE_BY_USER, p->user_ref, e) != 0 ||
		    forget_change(x, STORE_BY_EMAIL, p->email, e) != 0 ||
		    forget_buyer(x, p->platform, p->buyer, e) != 0 ||
		    forget_change(x, STORE_BY_LICENSE, p->license, e) != 0 ||
		    drop_jobs(x, p->email, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- events by hand ---- */

/* Nothing of it counts any more; that there was one stays to be seen. */
static int
empty_manual(struct erase *x, const struct store_event *ev, struct err *e)
{
	struct store_event new = { .id = ev->id,
		.subject = str_from(
		    arena_printf(x->arena, "erased:%lld", (long long)ev->id)),
		.body = STR("{\"do\":\"erased\"}"),
		.content_type = STR("application/json"),
		.status = STR("kept"),
		.reason = STR("erased") };
	x->r->by_hand++;
	return store_event_forget(x->s, &new, e) == 0
	    ? store_change_forget_event(x->s, ev->id, e)
	    : -1;
}

/* All but a link goes on to count, without the note. */
static int
rewrite_manual(struct erase *x, const struct store_event *ev,
    struct str subject, struct err *e)
{
	struct manual m;
	struct err no;
	struct buf b;
	if (manual_decode(x->arena, ev->body, ev->delivery, &m, &no) != 0 ||
	    m.kind == MANUAL_LINK)
		return empty_manual(x, ev, e);
	m.note = STR_NONE;
	buf_init(&b, MANUAL_BODY_MAX);
	int rc = manual_encode(&b, &m);
	struct store_event new = *ev;
	new.subject = subject;
	new.body = buf_str(&b);
	rc = rc != 0 ? err_set(e, ERR_LIMIT, "event %lld is too large",
			   (long long)ev->id)
		     : store_event_forget(x->s, &new, e);
	buf_free(&b);
	x->r->by_hand += rc == 0;
	return rc == 0 ? store_change_forget_event(x->s, ev->id, e) : -1;
}

/* To their new subject; STR_NONE: it was the person's own. */
static int
rewrite_manuals(
    struct erase *x, const struct ids *ids, struct str subject, struct err *e)
{
	for (size_t i = 0; i < ids->n; i++) {
		struct store_event ev;
		if (erase_get(x->s, ids->v[i], x->arena, &ev, e) != 0 ||
		    (subject.p == NULL
			    ? empty_manual(x, &ev, e)
			    : rewrite_manual(x, &ev, subject, e)) != 0)
			return -1;
	}
	return 0;
}

/* ---- deliveries ---- */

struct rewriting {
	const struct platform *platform;
	struct str was; /* the subject */
	struct str is; /* STR_NONE: not known yet */
	int from_applied;
	int names_buyer; /* an id of the buyer stands in the old subject */
	int is_list; /* the buyer's entries in the list of members */
	struct redact_opts opts;
	struct store_event *events; /* with their new bodies */
	size_t n;
};

/* An id that an identifier column takes, and that says nothing. */
static struct str
pseudonym(struct arena *a)
{
	uint8_t random[16];
	char hex[2 * sizeof(random) + 1];
	if (crypto_random(random, sizeof(random)) != 0)
		return STR_NONE;
	crypto_hex(random, sizeof(random), hex);
	return str_from(arena_printf(a, "erased-%s", hex));
}

static int
rewrite_one(
    struct erase *x, struct rewriting *w, struct store_event *ev, struct err *e)
{
	struct decode_opts opts = project_opts(x->config, w->platform);
	struct redacted new;
	struct fact before, after;
	const struct platform *p = w->platform;
	if (platform_decode(
		p, ev->kind, ev->body, &opts, x->arena, &before, e) != 0 ||
	    erase_sale(x->s, p, &before, x->now, x->arena, e) != 0 ||
	    erase_entries(x->s, p, &before, x->now, &x->found, x->arena, e) !=
		0 ||
	    platform_redact(
		p, ev->kind, ev->body, &w->opts, x->arena, &new, e) != 0 ||
	    platform_decode(
		p, ev->kind, new.body, &opts, x->arena, &after, e) != 0)
		return -1;
	int applied = after.status == FACT_APPLIED;
	if (str_eq(before.subject, w->was) && after.subject.p != NULL &&
	    (w->is.p == NULL || (applied && !w->from_applied))) {
		w->is = project_column(x->arena, after.subject);
		w->from_applied = applied;
	}
	w->is_list |= before.kind == FACT_MEMBER;
	w->names_buyer |= before.buyer.n > 0 &&
	    memmem(w->was.p, w->was.n, before.buyer.p, before.buyer.n) != NULL;
	ev->body = new.body;
	ev->content_type = platform_content_type(p, ev->kind);
	return 0;
}

/* All of a subject keep together: a sale's refund may have been filed there
 * under another id than its own. */
static void
choose_subject(struct erase *x, struct rewriting *w)
{
	/* what is only kept has lost what named it; its ids are no person's */
	if (!w->names_buyer && !w->from_applied)
		w->is = w->was;
	if (w->is.p == NULL)
		w->is = w->names_buyer
		    ? str_from(arena_printf(
			  x->arena, "erased:%lld", (long long)w->events[0].id))
		    : w->was;
	if (redact_mentions(x->arena, w->is, x->who->id) &&
	    x->who->by == STORE_BY_EMAIL)
		w->is = str_from(arena_printf(
		    x->arena, "erased:%lld", (long long)w->events[0].id));
}

static int
rewrite_deliveries(
    struct erase *x, struct rewriting *w, const struct ids *ids, struct err *e)
{
	w->events = arena_alloc(x->arena, (ids->n + 1) * sizeof(*w->events));
	w->opts.pseudonym = pseudonym(x->arena);
	if (w->events == NULL || w->opts.pseudonym.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (w->n = 0; w->n < ids->n; w->n++) {
		struct store_event *ev = &w->events[w->n];
		if (erase_get(x->s, ids->v[w->n], x->arena, ev, e) != 0 ||
		    rewrite_one(x, w, ev, e) != 0)
			return -1;
	}
	choose_subject(x, w);
	for (size_t i = 0; i < w->n; i++) {
		w->events[i].subject = w->is;
		if (store_event_forget(x->s, &w->events[i], e) != 0 ||
		    store_change_forget_event(x->s, w->events[i].id, e) != 0)
			return -1;
	}
	x->r->events += (int64_t)w->n;
	return 0;
}

static int
erase_in_subject(
    struct erase *x, struct str platform, struct str subject, struct err *e)
{
	struct rows rows = { .arena = x->arena };
	struct rewriting w = { .platform = platform_find(platform),
		.was = subject };
	struct ids own, hand;
	if (store_purchase_of_subject(
		x->s, platform, subject, rows_take, &rows, e) != 0 ||
	    events_of(x, platform, subject, &own, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (w.platform == NULL)
		return rewrite_manuals(x, &own, STR_NONE, e) == 0 &&
			erase_project(x->s, x->config, platform, subject,
			    subject, x->now, x->arena, e) == 0
		    ? forget_rows(x, &rows, e)
		    : -1;
	struct str about = manual_subject(x->arena, platform, subject);
	if (events_of(x, STR("manual"), about, &hand, e) != 0 ||
	    rewrite_deliveries(x, &w, &own, e) != 0 ||
	    rewrite_manuals(
		x, &hand, manual_subject(x->arena, platform, w.is), e) != 0 ||
	    erase_project(x->s, x->config, platform, subject, w.is, x->now,
		x->arena, e) != 0 ||
	    (w.is_list &&
		erase_project_others(x->s, x->config, w.platform, subject,
		    x->now, x->arena, e) != 0))
		return -1;
	/* that a pseudonym holds a tier now is news for nobody */
	struct str stranger = str_from(arena_printf(x->arena, "%.*s:%.*s",
	    STR_ARG(platform), STR_ARG(w.opts.pseudonym)));
	if (stranger.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return forget_rows(x, &rows, e) == 0
	    ? store_change_drop(x->s, stranger, e)
	    : -1;
}

static int
count_subject(
    struct erase *x, struct str platform, struct str subject, struct err *e)
{
	struct ids own, hand = { .n = 0 };
	int is_manual = platform_find(platform) == NULL;
	if (events_of(x, platform, subject, &own, e) != 0 ||
	    (!is_manual &&
		events_of(x, STR("manual"),
		    manual_subject(x->arena, platform, subject), &hand,
		    e) != 0))
		return -1;
	x->r->events += is_manual ? 0 : (int64_t)own.n;
	x->r->by_hand += (int64_t)(is_manual ? own.n : hand.n);
	return 0;
}

static int
end(struct erase *x, int rc, struct err *e)
{
	if (rc == 0)
		rc = store_commit(x->s, e);
	if (rc != 0)
		store_rollback(x->s);
	return rc;
}

static int
erase_subject(
    struct erase *x, struct str platform, struct str subject, struct err *e)
{
	x->r->subjects++;
	if (x->dry_run)
		return count_subject(x, platform, subject, e);
	if (begin(x, e) != 0)
		return -1;
	return end(x, erase_in_subject(x, platform, subject, e), e);
}

/* Those found, and what is found meanwhile. */
static int
erase_subjects_from(struct erase *x, size_t i, struct err *e)
{
	for (; i < x->found.n; i++) {
		struct erase_subject one = x->found.v[i];
		arena_reset(x->arena);
		if (erase_subject(x, one.platform, one.subject, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- one event the scan has found ---- */

/* It is about somebody else: only the address goes. */
static int
erase_mention(struct erase *x, struct store_event *ev, struct err *e)
{
	const struct platform *p = platform_find(ev->platform);
	struct redact_opts opts = { .address = x->who->id };
	struct redacted new;
	struct project_when when = { .at = x->now, .event = STORE_NULL };
	struct decode_opts decode = project_opts(x->config, p);
	struct fact f;
	x->r->mentions++;
	if (platform_decode(p, ev->kind, ev->body, &decode, x->arena, &f, e) !=
		0 ||
	    erase_address(x->s, p, &f, x->who->id, x->now, x->arena, e) != 0 ||
	    platform_redact(p, ev->kind, ev->body, &opts, x->arena, &new, e) !=
		0)
		return -1;
	if (new.body.p != NULL)
		ev->body = new.body;
	if (redact_mentions(x->arena, ev->subject, x->who->id))
		ev->subject = str_from(
		    arena_printf(x->arena, "erased:%lld", (long long)ev->id));
	if (redact_mentions(x->arena, ev->content_type, x->who->id))
		ev->content_type = platform_content_type(p, ev->kind);
	return store_event_forget(x->s, ev, e) == 0
	    ? project_any(x->s, x->config, ev->platform, ev->subject, &when,
		  x->arena, e)
	    : -1;
}

/* "gumroad/subscription:…" is folded with that subscription. */
static int
erase_manual(struct erase *x, struct store_event *ev, struct err *e)
{
	struct str platform, subject, was = ev->subject;
	struct project_when when = { .at = x->now, .event = STORE_NULL };
	if (rewrite_manual(x, ev, ev->subject, e) != 0)
		return -1;
	/* the row of a grant shows its note */
	if (str_starts(was, STR("grant:"))) {
		platform = ev->platform;
		subject = was;
	} else if (!str_cut(was, '/', &platform, &subject)) {
		return 0;
	}
	return project_any(
	    x->s, x->config, platform, subject, &when, x->arena, e);
}

static int
is_found(const struct erase *x, const struct store_event *ev)
{
	struct str platform, subject;
	return erase_subjects_has(&x->found, ev->platform, ev->subject) ||
	    (str_eq_z(ev->platform, "manual") &&
		str_cut(ev->subject, '/', &platform, &subject) &&
		erase_subjects_has(&x->found, platform, subject));
}

static int
erase_event(struct erase *x, int64_t id, enum erase_how how, struct err *e)
{
	struct store_event ev;
	arena_reset(x->arena);
	if (erase_get(x->s, id, x->arena, &ev, e) != 0)
		return -1;
	/* a dry run has left it as it was */
	if (is_found(x, &ev))
		return 0;
	if (how == ERASE_SUBJECT) {
		size_t before = x->found.n;
		return erase_subjects_add(
			   &x->found, ev.platform, ev.subject, e) == 0
		    ? erase_subjects_from(x, before, e)
		    : -1;
	}
	if (x->dry_run) {
		x->r->mentions += how == ERASE_MENTION;
		x->r->by_hand += how == ERASE_BY_HAND;
		return 0;
	}
	if (begin(x, e) != 0)
		return -1;
	return end(x,
	    how == ERASE_MENTION ? erase_mention(x, &ev, e)
				 : erase_manual(x, &ev, e),
	    e);
}

/* ---- all of it ---- */

static int
erase_found(struct erase *x, struct err *e)
{
	size_t before;
	do {
		before = x->found.n;
		if (erase_find(x->s, x->who, &x->found, e) != 0)
			return -1;
		if (erase_subjects_from(x, before, e) != 0)
			return -1;
	} while (!x->dry_run && x->found.n > before);
	return 0;
}

static int
erase_rest(struct erase *x, struct err *e)
{
	struct erase_hits hits = { .last = 0 };
	while (!hits.done) {
		if (erase_scan(x->s, x->config, x->who, x->arena, &hits, e) !=
		    0)
			return -1;
		for (size_t i = 0; i < hits.n; i++)
			if (erase_event(x, hits.v[i].id, hits.v[i].how, e) != 0)
				return -1;
	}
	return 0;
}

/* What is not tied to an event: changes and jobs of the identifier itself,
 * and where a rebuild stood, which names a subject. */
static int
erase_traces(struct erase *x, struct err *e)
{
	int rc = 0;
	arena_reset(x->arena);
	if (begin(x, e) != 0)
		return -1;
	if (x->who->by == STORE_BY_EMAIL)
		rc = forget_change(x, STORE_BY_EMAIL, x->who->id, e) != 0 ||
		    drop_jobs(x, x->who->id, e) != 0;
	if (rc == 0)
		rc = forget_change(x, STORE_BY_USER, x->who->id, e) != 0 ||
		    store_meta_put(x->s, STR("rebuild_digest"), STR(""), e) !=
			0 ||
		    store_meta_put(x->s, STR("rebuild_subject"), STR(""), e) !=
			0;
	return end(x, rc ? -1 : 0, e);
}

static int
erase_all(struct erase *x, struct err *e)
{
	int unfinished;
	if (store_meta_is(
		x->s, STR("erase"), STR("unfinished"), &unfinished, e) != 0 ||
	    erase_found(x, e) != 0 || erase_rest(x, e) != 0)
		return -1;
	x->r->resumed = unfinished;
	/* the file is not written anew for a mistyped address */
	if (x->dry_run || (!x->marked && !unfinished))
		return 0;
	if (erase_traces(x, e) != 0 || store_forget_end(x->s, e) != 0)
		return -1;
	return store_meta_put(x->s, STR("erase"), STR(""), e);
}

int
erase_person(struct store *s, const struct config *c,
    const struct erase_who *who, int dry_run, int64_t now,
    struct erase_result *r, struct err *e)
{
	struct erase x = { .s = s,
		.config = c,
		.who = who,
		.dry_run = dry_run,
		.now = now,
		.r = r,
		.arena = arena_new(MEMORY_MAX),
		.found = { .arena = arena_new(FOUND_MAX) } };
	*r = (struct erase_result){ 0 };
	int rc = erase_all(&x, e);
	arena_free(x.arena);
	arena_free(x.found.arena);
	return rc;
}

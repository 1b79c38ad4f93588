#include "explain/explain_note.h"

#include "commit/rebuild.h"
#include "explain/say.h"

struct noting {
	const struct config *c;
	const struct explain_ask *ask;
	struct arena *a;
	struct explain *x;
};

enum { NOTE_MAX = 4096 };

/* A whole sentence. */
static void
add_note(struct noting *n, const char *text)
{
	if (text != NULL && n->x->n_notes < EXPLAIN_NOTES_MAX)
		n->x->notes[n->x->n_notes++] = str_from(text);
}

/* ---- why there is no tier ---- */

/* Why a purchase gives nothing now. The first that fits is told. */
enum why {
	WHY_UNKNOWN,
	WHY_UNCONFIRMED,
	WHY_REFUNDED,
	WHY_DISPUTED,
	WHY_REVOKED,
	WHY_REVOKED_THERE,
	WHY_TEST,
	WHY_LATER,
	WHY_OVER,
	WHY_NOTHING,
	WHY__MAX
};

static const char *const why_words[WHY__MAX] = {
	[WHY_UNKNOWN] = "unknown to the platform, the last one of ",
	[WHY_UNCONFIRMED] =
	    "not confirmed by the platform yet, the last one of ",
	[WHY_REFUNDED] = "refunded in full, the last one on ",
	[WHY_DISPUTED] = "suspended by a dispute that is open, since ",
	[WHY_REVOKED_THERE] = "revoked at the platform, the last one on ",
	[WHY_REVOKED] = "revoked by hand, the last one on ",
	[WHY_TEST] = "a test, nothing while accept_test is off; sold on ",
	[WHY_LATER] = "paid ahead: access begins on ",
	[WHY_OVER] = "the time it gave is over; access last ended on ",
	[WHY_NOTHING] = "gives no access by itself, the last one of ",
};

static enum why
why_not(const struct noting *n, const struct explain_subject *u,
    const struct store_purchase *p, int64_t *at)
{
	enum fold_rule until = say_why(u, p)->until;
	const struct platform *platform = platform_find(u->platform);
	int ignored = p->test && platform != NULL &&
	    !n->c->rules.accept_test[platform_index(platform)];
	enum fold_known known = say_why(u, p)->known;
	*at = p->sold_at;
	if (known != FOLD_KNOWN)
		return known == FOLD_UNKNOWN ? WHY_UNKNOWN : WHY_UNCONFIRMED;
	if (p->since == STORE_NULL && ignored)
		return WHY_TEST;
	if (p->refunded_at != STORE_NULL) {
		*at = p->refunded_at;
		return WHY_REFUNDED;
	}
	if (p->revoked_at != STORE_NULL) {
		*at = p->revoked_at;
		return WHY_REVOKED_THERE;
	}
	if (until == FOLD_DISPUTED) {
		*at = p->until != STORE_NULL	   ? p->until
		    : p->disputed_at != STORE_NULL ? p->disputed_at
						   : p->sold_at;
		return WHY_DISPUTED;
	}
	if (p->since == STORE_NULL)
		return WHY_NOTHING;
	*at = p->since;
	if (p->since > n->ask->now)
		return WHY_LATER;
	*at = p->until;
	return until == FOLD_BY_HAND ? WHY_REVOKED : WHY_OVER;
}

/* Is that purchase one the answer is about? */
static int
is_asked(const struct noting *n, const struct store_purchase *p)
{
	const struct access_key *k = n->ask->key;
	const struct str ids[] = { [STORE_BY_USER] = p->user_ref,
		[STORE_BY_EMAIL] = p->email,
		[STORE_BY_BUYER] = p->buyer,
		[STORE_BY_LICENSE] = p->license };
	if (k == NULL)
		return n->ask->sale.p == NULL || str_eq(p->sale, n->ask->sale);
	return str_eq(ids[k->by], k->id) || str_eq(ids[k->by], k->value);
}

struct reasons {
	size_t count[WHY__MAX];
	int64_t last[WHY__MAX];
};

static void
add_reasons(struct noting *n, const struct reasons *r, const char *one,
    const char *many)
{
	for (int why = 0; why < WHY__MAX; why++) {
		struct buf b;
		if (r->count[why] == 0)
			continue;
		buf_init(&b, NOTE_MAX);
		buf_addf(&b, "%zu %s: %s", r->count[why],
		    r->count[why] == 1 ? one : many, why_words[why]);
		say_time(&b, r->last[why]);
		buf_addc(&b, '.');
		add_note(n, buf_take(&b, n->a).p);
	}
}

static void
note_why(struct noting *n)
{
	struct reasons sold = { { 0 }, { 0 } }, granted = sold;
	int64_t at;
	for (size_t i = 0; i < n->x->n_subjects; i++) {
		const struct explain_subject *u = &n->x->subjects[i];
		struct reasons *r =
		    str_eq_z(u->platform, "manual") ? &granted : &sold;
		for (size_t k = 0; k < u->rows.n; k++) {
			if (!is_asked(n, &u->rows.v[k]))
				continue;
			enum why why = why_not(n, u, &u->rows.v[k], &at);
			if (r->count[why]++ == 0 || at > r->last[why])
				r->last[why] = at;
		}
	}
	add_reasons(n, &sold, "purchase", "purchases");
	add_reasons(n, &granted, "grant by hand", "grants by hand");
}

static void
note_kept(struct noting *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->x->n_subjects; i++)
		for (size_t k = 0; k < n->x->subjects[i].n_events; k++)
			if (str_eq_z(
				n->x->subjects[i].events[k].status, "kept"))
				kept++;
	if (kept > 0)
		add_note(n,
		    arena_printf(n->a,
			"%zu %s kept, not applied: 'gatepost event ID' shows "
			"what came.",
			kept, kept == 1 ? "delivery is" : "deliveries are"));
}

/* What links call the app's own user id. */
static struct str
reference(const struct config *c)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (c->platforms[i].reference.p != NULL)
			return c->platforms[i].reference;
	return STR_NONE;
}

static int
note_absent(struct noting *n, struct store *s, struct err *e)
{
	static const char *const names[] = { [STORE_BY_USER] = "user id",
		[STORE_BY_EMAIL] = "e-mail",
		[STORE_BY_BUYER] = "buyer",
		[STORE_BY_LICENSE] = "licence key" };
	struct store_carrying carrying;
	enum store_by by = n->ask->key->by;
	if (store_purchase_carrying(s, &carrying, e) != 0)
		return -1;
	add_note(n,
	    arena_printf(n->a,
		"No purchase carries that %s. Identifiers are never merged: "
		"purchases of the same person that carry another one are not "
		"looked up.",
		names[by]));
	int64_t without = carrying.all - carrying.by[by];
	if (without == 0)
		return 0;
	add_note(n,
	    arena_printf(n->a, "%lld of all %lld purchases carry no %s%s",
		(long long)without, (long long)carrying.all, names[by],
		by == STORE_BY_USER
		    ? arena_printf(n->a,
			  ": the link they were bought by had no %.*s. "
			  "'gatepost link' ties one to a user by hand.",
			  STR_ARG(reference(n->c)))
		    : "."));
	return 0;
}

/* ---- what to doubt ---- */

struct kinds {
	const struct platform *p;
	int others, extra;
};

static int
take_count(void *arg, const struct store_event_count *c)
{
	struct kinds *k = arg;
	if (!str_eq_z(c->platform, k->p->name) || platform_is_reading(c->kind))
		return 0;
	int extra = 0;
	for (const char *const *w = k->p->words.extra_kinds; *w != NULL; w++)
		extra |= str_eq_z(c->kind, *w);
	k->extra |= extra;
	k->others |= !extra && str_eq_z(c->status, "applied");
	return 0;
}

static int
concerns(const struct explain *x, const struct platform *p)
{
	for (size_t i = 0; i < x->n_subjects; i++)
		if (str_eq_z(x->subjects[i].platform, p->name))
			return 1;
	return x->n_subjects == 0;
}

/* Some kinds come only after they were asked for. */
static int
note_extra(
    struct noting *n, struct store *s, const struct platform *p, struct err *e)
{
	struct kinds k = { p, 0, 0 };
	if (p->words.extra_kinds == NULL || !concerns(n->x, p))
		return 0;
	if (store_event_counts(s, take_count, &k, e) != 0)
		return -1;
	if (k.others && !k.extra)
		add_note(n,
		    arena_printf(n->a,
			"No refund, dispute or cancellation has ever arrived "
			"from %s. %s.",
			p->name, p->words.extra));
	return 0;
}

int
explain_notes(struct store *s, const struct config *c,
    const struct explain_ask *ask, int cut, struct arena *a, struct explain *x,
    struct err *e)
{
	struct noting n = { .c = c, .ask = ask, .a = a, .x = x };
	int stale = 0;
	if (x->access.tier.p == NULL && x->n_subjects == 0 &&
	    note_absent(&n, s, e) != 0)
		return -1;
	if (x->access.tier.p == NULL)
		note_why(&n);
	note_kept(&n);
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (note_extra(&n, s, platforms[i], e) != 0)
			return -1;
	if (rebuild_needed(s, c, &stale, e) != 0)
		return -1;
	if (stale)
		add_note(&n,
		    "These purchases were worked out under other settings or "
		    "by another version: 'gatepost rebuild' brings them up to "
		    "date.");
	if (cut)
		add_note(&n,
		    arena_printf(a, "Cut: at most %d subjects and %d events.",
			EXPLAIN_SUBJECTS_MAX, EXPLAIN_EVENTS_MAX));
	return arena_failed(a) ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

#include "commit/replace.h"

#include <stdlib.h>

#include "access/access.h"
#include "fold/column.h"
#include "follow/outbox.h"
#include "access/owner.h"
#include "access/rows.h"

/* Somebody whose access may differ: the identifiers of a row. */
struct person {
	const struct store_purchase *row;
	struct str before;
};

enum { PERSONS_MAX = 32 }; /* of one subject; more share nothing in practice */

struct persons {
	struct person v[PERSONS_MAX];
	size_t n;
};

static int
same_person(const struct store_purchase *a, const struct store_purchase *b)
{
	return str_eq(a->user_ref, b->user_ref) && str_eq(a->email, b->email) &&
	    str_eq(a->buyer, b->buyer) && str_eq(a->license, b->license);
}

static int
has_identifier(const struct store_purchase *p)
{
	return p->user_ref.p != NULL || p->email.p != NULL ||
	    p->buyer.p != NULL || p->license.p != NULL;
}

static void
add_person(struct persons *all, const struct store_purchase *row)
{
	if (row == NULL || !has_identifier(row) || all->n == PERSONS_MAX)
		return;
	for (size_t i = 0; i < all->n; i++)
		if (same_person(all->v[i].row, row))
			return;
	all->v[all->n++].row = row;
}

/* What follows waits for the sale that it is about: the one that is new. */
static void
add_buyer(struct persons *all, const struct store_purchase *row)
{
	for (size_t i = 0; row != NULL && i < all->n; i++)
		if (row->confirmed_at == STORE_NULL &&
		    row->since != STORE_NULL && same_person(all->v[i].row, row))
			all->v[i].row = row;
	add_person(all, row);
}

/* Is it a window that is open at that time, or will be? */
static int
matters(const struct store_purchase *p, int64_t at)
{
	return p != NULL && p->since != STORE_NULL &&
	    (p->until == STORE_NULL || p->until > at);
}

static int
same_access(const struct store_purchase *a, const struct store_purchase *b)
{
	return same_person(a, b) && str_eq(a->tier, b->tier) &&
	    a->since == b->since && a->until == b->until &&
	    a->paid_until == b->paid_until;
}

/* A sale's row as it stands beside the one it has to be; NULL: none. */
struct pair {
	const struct store_purchase *was;
	const struct store_purchase *is;
};

struct pairs {
	struct pair *v;
	size_t n;
};

/* Those of the new rows first. A subject can have hundreds, of which one more
 * delivery changes one or two. */
static int
match(struct rows *old, const struct fold_rows *now, struct arena *a,
    struct pairs *out, struct err *e)
{
	size_t most = old->n + now->n_purchases + 1;
	unsigned char *taken = arena_alloc(a, most);
	out->n = 0;
	out->v = arena_alloc(a, most * sizeof(*out->v));
	if (old->failed || taken == NULL || out->v == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (old->n > 1)
		qsort(old->v, old->n, sizeof(old->v[0]), rows_by_sale);
	for (size_t i = 0; i < now->n_purchases; i++) {
		const struct store_purchase *is = &now->purchases[i];
		const struct store_purchase *was = old->n == 0
		    ? NULL
		    : bsearch(
			  is, old->v, old->n, sizeof(old->v[0]), rows_by_sale);
		if (was != NULL && taken[was - old->v]++ != 0)
			continue;
		out->v[out->n++] = (struct pair){ was, is };
	}
	for (size_t i = 0; i < old->n; i++)
		if (!taken[i])
			out->v[out->n++] = (struct pair){ &old->v[i], NULL };
	return 0;
}

static void
compare(const struct pairs *pairs, int64_t at, struct persons *out)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct store_purchase *was = pairs->v[i].was;
		const struct store_purchase *is = pairs->v[i].is;
		if ((was != NULL && is != NULL && same_access(was, is)) ||
		    (!matters(was, at) && !matters(is, at)))
			continue;
		add_person(out, was);
		add_buyer(out, is);
	}
}

int
replace_note(struct store *s, const struct store_purchase *row,
    struct str before, struct str after, const struct project_when *when,
    struct arena *a, struct err *e)
{
	struct store_change change = {
		.at = when->at,
		.user_ref = project_column(a, row->user_ref),
		.email = project_column(a, row->email),
		.buyer = project_column(a, owner_buyer(row, a)),
		.license = project_column(a, row->license),
		.before = project_column(a, before),
		.after = project_column(a, after),
		.event = when->event,
	};
	return store_change_add(s, &change, e);
}

/* Rebuilt rows (no event) are nothing new; nor is what `changes` has told of
 * already, as when rows that were not filled yet come back. */
static int
tell_outbox(struct store *s, const struct config *c, const struct person *who,
    struct str after, const struct project_when *when, struct arena *a,
    struct err *e)
{
	struct str told_tier, before = who->before;
	int64_t told;
	if (when->event == STORE_NULL || when->is_old ||
	    !rules_want(&c->follow_ups, RULE_TIER_CHANGED))
		return 0;
	if (owner_told(s, who->row, a, &told_tier, &told, e) != 0)
		return -1;
	if (told != STORE_NULL)
		before = told_tier;
	return outbox_changed(
	    s, c, who->row, before, after, when->at, when->event, a, e);
}

/* A subscription's row as the fold makes it, beside the one that stands. */
struct subscriptions {
	const struct store_subscription *now; /* NULL: none */
	int was;
	int same;
};

static int
same_subscription(
    const struct store_subscription *a, const struct store_subscription *b)
{
	return str_same(a->subscription, b->subscription) &&
	    str_same(a->product, b->product) && str_same(a->tier, b->tier) &&
	    str_same(a->status, b->status) && a->since == b->since &&
	    a->paid_until == b->paid_until &&
	    a->cancelled_at == b->cancelled_at && a->ended_at == b->ended_at &&
	    str_same(a->ended_reason, b->ended_reason) &&
	    str_same(a->next_tier, b->next_tier) &&
	    a->next_tier_at == b->next_tier_at;
}

static int
take_subscription(void *arg, const struct store_subscription *row)
{
	struct subscriptions *both = arg;
	both->was = 1;
	both->same = both->now != NULL && same_subscription(row, both->now);
	return 0;
}

static int
is_same(const struct pair *p)
{
	return p->was != NULL && p->is != NULL &&
	    store_purchase_same(p->was, p->is);
}

/* Writes what differs. */
static int
put_all(struct store *s, struct str platform, struct str subject,
    const struct pairs *pairs, const struct subscriptions *both, struct err *e)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *p = &pairs->v[i];
		if (is_same(p))
			continue;
		if ((p->was != NULL &&
			store_purchase_drop_sale(
			    s, platform, p->was->sale, e) != 0) ||
		    (p->is != NULL && store_purchase_put(s, p->is, e) != 0))
			return -1;
	}
	if (both->same)
		return 0;
	if (both->was && store_subscription_drop(s, platform, subject, e) != 0)
		return -1;
	return both->now == NULL ? 0 : store_subscription_put(s, both->now, e);
}

/* Somebody's tier, before and with one more row. */
static int
tier_before(struct store *s, const struct config *c,
    const struct store_purchase *row, int64_t at, struct rows *held,
    struct str *before, struct str *after, struct err *e)
{
	struct access_key key;
	struct access x;
	*before = *after = STR_NONE;
	if (owner_key(row, held->arena, &key) != 0)
		return 0;
	if (rows_by(s, key.by, key.platform, key.id, held, e) != 0 ||
	    access_of(held, &c->rules, at, held->arena, &x, e) != 0)
		return -1;
	*before = x.tier;
	if (row->since != STORE_NULL)
		rows_take(held, row);
	if (access_of(held, &c->rules, at, held->arena, &x, e) != 0)
		return -1;
	*after = x.tier;
	return 0;
}

static int
note_change(struct store *s, const struct config *c, const struct person *who,
    struct str after, const struct project_when *when, struct arena *a,
    struct err *e)
{
	return tell_outbox(s, c, who, after, when, a, e) != 0
	    ? -1
	    : replace_note(s, who->row, who->before, after, when, a, e);
}

int
replace_nothing(struct store *s, const struct config *c,
    const struct fold_rows *rows, const struct project_when *when,
    struct arena *a, struct err *e)
{
	struct pair pair = { NULL, rows->purchases };
	struct pairs pairs = { &pair, rows->n_purchases };
	struct subscriptions both = { .now = rows->subscription };
	struct persons who = { .n = 0 };
	struct rows held = { .arena = a };
	struct str after = STR_NONE;
	compare(&pairs, when->at, &who);
	if (who.n > 0 &&
	    tier_before(s, c, who.v[0].row, when->at, &held, &who.v[0].before,
		&after, e) != 0)
		return -1;
	if (put_all(s, STR_NONE, STR_NONE, &pairs, &both, e) != 0)
		return -1;
	return who.n > 0 ? note_change(s, c, &who.v[0], after, when, a, e) : 0;
}

/* What stands, beside what the fold makes. */
static int
read_old(struct store *s, struct str platform, struct str subject,
    const struct fold_rows *rows, struct arena *a, struct pairs *pairs,
    struct subscriptions *both, struct err *e)
{
	struct rows old = { .arena = a };
	*both = (struct subscriptions){ .now = rows->subscription };
	if (store_purchase_of_subject(
		s, platform, subject, rows_take, &old, e) != 0 ||
	    store_subscription_of_subject(
		s, platform, subject, take_subscription, both, e) != 0)
		return -1;
	return match(&old, rows, a, pairs, e);
}

int
replace_rows(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct fold_rows *rows,
    const struct project_when *when, struct arena *a, struct err *e)
{
	struct pairs pairs;
	struct subscriptions both;
	struct persons who = { .n = 0 };
	if (read_old(s, platform, subject, rows, a, &pairs, &both, e) != 0)
		return -1;
	compare(&pairs, when->at, &who);
	for (size_t i = 0; i < who.n; i++)
		if (owner_tier(s, c, who.v[i].row, when->at, a,
			&who.v[i].before, e) != 0)
			return -1;
	if (put_all(s, platform, subject, &pairs, &both, e) != 0)
		return -1;
	for (size_t i = 0; i < who.n; i++) {
		struct str after;
		if (owner_tier(s, c, who.v[i].row, when->at, a, &after, e) !=
			0 ||
		    note_change(s, c, &who.v[i], after, when, a, e) != 0)
			return -1;
	}
	return 0;
}

int
replace_differs(struct store *s, struct str platform, struct str subject,
    const struct fold_rows *rows, struct arena *a, size_t *differs,
    struct err *e)
{
	struct pairs pairs;
	struct subscriptions both;
	if (read_old(s, platform, subject, rows, a, &pairs, &both, e) != 0)
		return -1;
	*differs = both.was ? !both.same : both.now != NULL;
	for (size_t i = 0; i < pairs.n; i++)
		*differs += !is_same(&pairs.v[i]);
	return 0;
}

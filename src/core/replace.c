#include "core/replace.h"

#include "core/access.h"
#include "core/outbox.h"
#include "core/rows.h"

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

static const struct store_purchase *
find_sale(const struct store_purchase *rows, size_t n, struct str sale)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].sale, sale))
			return &rows[i];
	return NULL;
}

static void
compare(const struct rows *old, const struct fold_rows *now, int64_t at,
    struct persons *out)
{
	for (size_t i = 0; i < now->n_purchases; i++) {
		const struct store_purchase *b = &now->purchases[i];
		const struct store_purchase *a =
		    find_sale(old->v, old->n, b->sale);
		if ((a != NULL && same_access(a, b)) ||
		    (!matters(a, at) && !matters(b, at)))
			continue;
		add_person(out, a);
		add_person(out, b);
	}
	for (size_t i = 0; i < old->n; i++)
		if (find_sale(now->purchases, now->n_purchases,
			old->v[i].sale) == NULL &&
		    matters(&old->v[i], at))
			add_person(out, &old->v[i]);
}

static struct str
whole_buyer(const struct store_purchase *row, struct arena *a)
{
	if (row->buyer.p == NULL || str_eq_z(row->platform, "manual"))
		return row->buyer;
	return str_from(arena_printf(
	    a, "%.*s:%.*s", STR_ARG(row->platform), STR_ARG(row->buyer)));
}

int
replace_key(
    const struct store_purchase *row, struct arena *a, struct access_key *key)
{
	const struct {
		enum store_by by;
		struct str value;
	} ids[] = { { STORE_BY_USER, row->user_ref },
		{ STORE_BY_EMAIL, row->email },
		{ STORE_BY_BUYER, whole_buyer(row, a) },
		{ STORE_BY_LICENSE, row->license } };
	for (size_t i = 0; i < 4; i++)
		if (ids[i].value.p != NULL &&
		    access_key_parse(ids[i].by, ids[i].value, a, key, NULL) ==
			0)
			return 0;
	return -1;
}

int
replace_tier(struct store *s, const struct config *c,
    const struct store_purchase *row, int64_t at, struct arena *a,
    struct str *tier, struct err *e)
{
	struct access_key key;
	struct access x;
	*tier = STR_NONE;
	if (replace_key(row, a, &key) != 0)
		return 0;
	if (access_lookup(s, &c->rules, &key, at, a, &x, e) != 0)
		return -1;
	*tier = x.tier;
	return 0;
}

int
replace_told(struct store *s, const struct store_purchase *row, struct arena *a,
    struct str *tier, int64_t *at, struct err *e)
{
	struct access_key key;
	*at = STORE_NULL;
	*tier = STR_NONE;
	if (replace_key(row, a, &key) != 0)
		return 0;
	return store_change_told(s, key.by,
	    key.by == STORE_BY_BUYER ? key.value : key.id, a, tier, at, e);
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
		.buyer = project_column(a, whole_buyer(row, a)),
		.license = project_column(a, row->license),
		.before = project_column(a, before),
		.after = project_column(a, after),
		.event = when->event,
	};
	return store_change_add(s, &change, e);
}

static int
put_all(struct store *s, struct str platform, struct str subject,
    const struct fold_rows *rows, struct err *e)
{
	if (store_purchase_drop(s, platform, subject, e) != 0 ||
	    store_subscription_drop(s, platform, subject, e) != 0)
		return -1;
	for (size_t i = 0; i < rows->n_purchases; i++)
		if (store_purchase_put(s, &rows->purchases[i], e) != 0)
			return -1;
	return rows->subscription == NULL
	    ? 0
	    : store_subscription_put(s, rows->subscription, e);
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
	if (when->event == STORE_NULL ||
	    !rules_want(&c->follow_ups, RULE_TIER_CHANGED))
		return 0;
	if (replace_told(s, who->row, a, &told_tier, &told, e) != 0)
		return -1;
	if (told != STORE_NULL)
		before = told_tier;
	return outbox_changed(
	    s, c, who->row, before, after, when->at, when->event, a, e);
}

int
replace_rows(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct fold_rows *rows,
    const struct project_when *when, struct arena *a, struct err *e)
{
	struct rows old = { .arena = a };
	struct persons who = { .n = 0 };
	if (store_purchase_of_subject(
		s, platform, subject, rows_take, &old, e) != 0)
		return -1;
	if (old.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	compare(&old, rows, when->at, &who);
	for (size_t i = 0; i < who.n; i++)
		if (replace_tier(s, c, who.v[i].row, when->at, a,
			&who.v[i].before, e) != 0)
			return -1;
	if (put_all(s, platform, subject, rows, e) != 0)
		return -1;
	for (size_t i = 0; i < who.n; i++) {
		struct str after;
		if (replace_tier(s, c, who.v[i].row, when->at, a, &after, e) !=
			0 ||
		    tell_outbox(s, c, &who.v[i], after, when, a, e) != 0 ||
		    replace_note(s, who.v[i].row, who.v[i].before, after, when,
			a, e) != 0)
			return -1;
	}
	return 0;
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
	return str_eq(a->subscription, b->subscription) &&
	    str_eq(a->product, b->product) && str_eq(a->tier, b->tier) &&
	    str_eq(a->status, b->status) && a->since == b->since &&
	    a->paid_until == b->paid_until &&
	    a->cancelled_at == b->cancelled_at && a->ended_at == b->ended_at &&
	    str_eq(a->ended_reason, b->ended_reason) &&
	    str_eq(a->next_tier, b->next_tier) &&
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

int
replace_differs(struct store *s, struct str platform, struct str subject,
    const struct fold_rows *rows, struct arena *a, size_t *differs,
    struct err *e)
{
	struct rows old = { .arena = a };
	struct subscriptions both = { .now = rows->subscription };
	if (store_purchase_of_subject(
		s, platform, subject, rows_take, &old, e) != 0 ||
	    store_subscription_of_subject(
		s, platform, subject, take_subscription, &both, e) != 0)
		return -1;
	if (old.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	*differs = both.was ? !both.same : both.now != NULL;
	for (size_t i = 0; i < rows->n_purchases; i++) {
		const struct store_purchase *was =
		    find_sale(old.v, old.n, rows->purchases[i].sale);
		*differs += was == NULL ||
		    !store_purchase_same(was, &rows->purchases[i]);
	}
	for (size_t i = 0; i < old.n; i++)
		*differs += find_sale(rows->purchases, rows->n_purchases,
				old.v[i].sale) == NULL;
	return 0;
}

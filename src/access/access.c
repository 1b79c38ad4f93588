#include "access/access.h"

#include "base/jsonw.h"

static int
split_buyer(struct access_key *k, struct err *e)
{
	struct str platform, id;
	if (!str_cut(k->value, ':', &platform, &id) || id.n == 0 ||
	    platform_find(platform) == NULL)
		return err_set(e, ERR_INPUT,
		    "a buyer is written platform:id, for example %s:3443251",
		    platforms[0]->name);
	k->platform = platform;
	k->id = id;
	return 0;
}

int
access_key_parse(enum store_by by, struct str value, struct arena *a,
    struct access_key *out, struct err *e)
{
	*out = (struct access_key){
		.by = by, .word = access_words[by], .value = value, .id = value
	};
	if (value.n == 0)
		return err_set(e, ERR_INPUT, "%s is empty", out->word);
	if (by == STORE_BY_BUYER && split_buyer(out, e) != 0)
		return -1;
	if (by == STORE_BY_EMAIL) {
		out->id = platform_email(a, value);
		if (out->id.p == NULL)
			return err_set(
			    e, ERR_INPUT, "that is not an e-mail address");
	}
	if (by == STORE_BY_LICENSE)
		out->id = platform_license(a, value);
	if (platform_identifier(out->id).p == NULL)
		return err_set(e, ERR_INPUT, "%s is not 1 to %d bytes of text",
		    out->word, FACT_ID_MAX);
	return 0;
}

static int
is_open(const struct store_purchase *p, int64_t now)
{
	return p->tier.p != NULL && p->since != STORE_NULL && p->since <= now &&
	    (p->until == STORE_NULL || now < p->until);
}

int
access_is_higher(const struct tier_rules *rules, struct str a, struct str b)
{
	const struct tier *ta = tier_find(rules, a), *tb = tier_find(rules, b);
	if (ta == NULL || tb == NULL)
		return ta != NULL;
	return ta->rank != tb->rank ? ta->rank > tb->rank : ta < tb;
}

static void
choose(struct access *x, const struct tier_rules *rules)
{
	for (size_t i = 0; i < x->n_grants; i++)
		if (x->tier.p == NULL ||
		    access_is_higher(rules, x->grants[i].row.tier, x->tier))
			x->tier = x->grants[i].row.tier;
	const struct tier *t =
	    x->tier.p == NULL ? NULL : tier_find(rules, x->tier);
	x->rank = t == NULL ? 0 : t->rank;
	x->in_grace = x->tier.p != NULL;
	x->until = 0;
	for (size_t i = 0; i < x->n_grants; i++) {
		const struct access_grant *g = &x->grants[i];
		if (!str_eq(g->row.tier, x->tier))
			continue;
		if (!g->in_grace)
			x->in_grace = 0;
		if (x->since == STORE_NULL || g->row.since < x->since)
			x->since = g->row.since;
		if (g->row.until == STORE_NULL || x->until == STORE_NULL)
			x->until = STORE_NULL;
		else if (g->row.until > x->until)
			x->until = g->row.until;
	}
}

/* Does the window continue the one known so far, at either end? */
static int
extend(struct access *x, const struct store_purchase *p)
{
	int moved = 0;
	if (p->since < x->since && p->until != STORE_NULL &&
	    p->until >= x->since) {
		x->since = p->since;
		moved = 1;
	}
	if (x->until != STORE_NULL && p->since <= x->until &&
	    (p->until == STORE_NULL || p->until > x->until)) {
		x->until = p->until;
		moved = 1;
	}
	return moved;
}

/* Renewals and payments ahead are rows of their own: follow them back and on
 * while they touch. */
static void
follow(struct access *x, const struct rows *r)
{
	int moved = x->tier.p != NULL;
	while (moved) {
		moved = 0;
		for (size_t i = 0; i < r->n; i++)
			if (r->v[i].tier.p != NULL &&
			    str_eq(r->v[i].tier, x->tier))
				moved |= extend(x, &r->v[i]);
	}
}

int
access_allows(const struct access *x, struct str what)
{
	for (size_t i = 0; i < x->n_allows; i++)
		if (str_eq(x->allows[i], what))
			return 1;
	return 0;
}

static int
holds(const struct access *x, const struct tier *t)
{
	for (size_t i = 0; i < x->n_grants; i++)
		if (str_eq(x->grants[i].row.tier, t->name))
			return 1;
	return 0;
}

/* In the file's order. */
static int
collect_allows(
    struct access *x, const struct tier_rules *rules, struct arena *a)
{
	size_t most = 1;
	for (size_t i = 0; i < rules->n_tiers; i++)
		most += rules->tiers[i].n_allows;
	struct str *allows = arena_alloc(a, most * sizeof(*allows));
	if (allows == NULL)
		return -1;
	x->allows = allows;
	for (size_t i = 0; i < rules->n_tiers; i++) {
		const struct tier *t = &rules->tiers[i];
		for (size_t k = 0; holds(x, t) && k < t->n_allows; k++)
			if (!access_allows(x, t->allows[k]))
				allows[x->n_allows++] = t->allows[k];
	}
	return 0;
}

static int
is_confirmed(const struct tier_rules *rules, const struct store_purchase *row)
{
	const struct platform *p = platform_find(row->platform);
	if (row->confirmed_at != STORE_NULL)
		return 1;
	return p != NULL &&
		rules->confirm[platform_index(p)] != TIER_CONFIRM_OFF
	    ? 0
	    : -1;
}

int
access_of(const struct rows *r, const struct tier_rules *rules, int64_t now,
    struct arena *a, struct access *out, struct err *e)
{
	*out = (struct access){ .since = STORE_NULL,
		.until = STORE_NULL,
		.change = STORE_NULL,
		.passes_from = STORE_NULL };
	struct access_grant *grants =
	    arena_alloc(a, (r->n + 1) * sizeof(*grants));
	if (r->failed || grants == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < r->n; i++) {
		const struct store_purchase *p = &r->v[i];
		if (is_open(p, now))
			grants[out->n_grants++] =
			    (struct access_grant){ .row = *p,
				    .in_grace = p->paid_until != STORE_NULL &&
					p->paid_until <= now,
				    .confirmed = is_confirmed(rules, p) };
	}
	out->grants = grants;
	choose(out, rules);
	follow(out, r);
	if (collect_allows(out, rules, a) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

int
access_held(struct store *s, const struct tier_rules *rules,
    const struct access_key *key, int64_t now, struct arena *a,
    struct access *out, struct err *e)
{
	struct rows r = { .arena = a };
	if (rows_by(s, key->by, key->platform, key->id, &r, e) != 0)
		return -1;
	return access_of(&r, rules, now, a, out, e);
}

int
access_lookup(struct store *s, const struct tier_rules *rules,
    const struct access_key *key, int64_t now, struct arena *a,
    struct access *out, struct err *e)
{
	struct str id = key->by == STORE_BY_BUYER ? key->value : key->id;
	store_ahead_change(s, key->by, id);
	if (access_held(s, rules, key, now, a, out, e) != 0)
		return -1;
	return store_change_last_of(
	    s, key->by, id, &out->change, &out->passes_from, e);
}

int
access_allows_tier(
    const struct access *x, const struct tier_rules *rules, struct str tier)
{
	const struct tier *wanted = tier_find(rules, tier);
	for (size_t i = 0; i < x->n_grants; i++) {
		const struct tier *has =
		    tier_find(rules, x->grants[i].row.tier);
		if (wanted == NULL ? str_eq(x->grants[i].row.tier, tier)
				   : has != NULL && has->rank >= wanted->rank)
			return 1;
	}
	return 0;
}

static void
add_grant(struct buf *b, const struct access_grant *g)
{
	const struct store_purchase *p = &g->row;
	jsonw_open(b, '{');
	jsonw_text(b, "tier", p->tier);
	jsonw_text(b, "platform", p->platform);
	jsonw_text(b, "product", p->product);
	jsonw_text(b, "variant", p->variant);
	jsonw_text(b, "sale", p->sale);
	jsonw_text(b, "subscription", p->subscription);
	jsonw_text(b, "status", g->in_grace ? STR("grace") : STR("active"));
	jsonw_time(b, "since", p->since);
	jsonw_time(b, "paid_until", p->paid_until);
	jsonw_time(b, "until", p->until);
	jsonw_int(b, "quantity", p->quantity);
	if (g->confirmed < 0)
		jsonw_text(b, "confirmed", STR_NONE);
	else
		jsonw_bool(b, "confirmed", g->confirmed);
	jsonw_bool(b, "test", p->test != 0);
	jsonw_close(b, '}');
}

const char *
access_status(const struct access *x)
{
	if (x->tier.p == NULL)
		return "none";
	return x->in_grace ? "grace" : "active";
}

void
access_json(struct buf *b, const struct access *x, const struct access_key *key,
    int allowed)
{
	int has = x->tier.p != NULL;
	jsonw_open(b, '{');
	jsonw_key(b, "key");
	jsonw_open(b, '{');
	jsonw_text(b, key->word, key->value);
	jsonw_close(b, '}');
	jsonw_text(b, "tier", x->tier);
	jsonw_int(b, "rank", x->rank);
	jsonw_key(b, "allows");
	jsonw_open(b, '[');
	for (size_t i = 0; i < x->n_allows; i++)
		jsonw_element(b, x->allows[i]);
	jsonw_close(b, ']');
	jsonw_text(b, "status", str_from(access_status(x)));
	jsonw_time(b, "since", has ? x->since : STORE_NULL);
	jsonw_time(b, "until", has ? x->until : STORE_NULL);
	jsonw_key(b, "grants");
	jsonw_open(b, '[');
	for (size_t i = 0; i < x->n_grants; i++)
		add_grant(b, &x->grants[i]);
	jsonw_close(b, ']');
	jsonw_int(b, "change", x->change);
	if (x->confirming)
		jsonw_bool(b, "confirming", 1);
	if (allowed >= 0)
		jsonw_bool(b, "allowed", allowed);
	jsonw_close(b, '}');
}

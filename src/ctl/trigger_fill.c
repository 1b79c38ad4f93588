#include "ctl/trigger.h"

#include "access/rows.h"
#include "commit/sold.h"

/* What a sample takes from the database and from the settings' tiers. */

enum { LIST_MAX = 1024 }; /* bytes of an error's list */

/* ---- an earlier sale ---- */

static struct str
get_set(const struct trigger *t, const char *key)
{
	for (size_t i = t->opts.n_sets; key != NULL && i > 0; i--)
		if (str_eq_z(t->keys[i - 1], key))
			return t->values[i - 1];
	return STR_NONE;
}

static const struct store_purchase *
newest(const struct rows *rows, const struct platform *p)
{
	const struct store_purchase *found = NULL;
	for (size_t i = 0; i < rows->n; i++)
		if (str_eq_z(rows->v[i].platform, p->name) &&
		    (found == NULL || rows->v[i].sold_at > found->sold_at))
			found = &rows->v[i];
	return found;
}

void
trigger_find_earlier(struct ctl *ctl, struct trigger *t)
{
	struct rows rows = { .arena = ctl->arena };
	struct err e = { .code = ERR_NONE };
	struct str sale = get_set(t, t->sample->sale_key);
	struct str subscription = get_set(t, t->sample->subscription_key);
	if (sale.n == 0 && subscription.n == 0)
		return;
	const struct config *c = ctl_config(ctl, &e);
	struct store *s = c == NULL ? NULL : ctl_store(ctl, STORE_READ, &e);
	if (s == NULL)
		return;
	if (sale.n > 0)
		rows_of_sale(s, sale, &rows, &e);
	if (rows.n == 0 && subscription.n > 0)
		store_purchase_of_subscription(
		    s, subscription, rows_take, &rows, &e);
	const struct store_purchase *row = newest(&rows, t->platform);
	if (row != NULL &&
	    sold_find(s, c, row, ctl->arena, &t->earlier, &e) == 0 &&
	    t->earlier.kind != FACT_UNKNOWN)
		t->opts.earlier = &t->earlier;
}

/* ---- a tier ---- */

/* A name that fits the pattern; empty where anything does. */
static struct str
name_for(struct arena *a, struct str pattern)
{
	char *p = arena_alloc(a, pattern.n + 1);
	size_t n = 0;
	for (size_t i = 0; p != NULL && i < pattern.n; i++)
		if (pattern.p[i] != '*')
			p[n++] = pattern.p[i] == '?' ? 'x' : pattern.p[i];
	return (struct str){ p, n };
}

static void
fill_part(struct trigger *t, struct arena *a, enum sample_part part,
    struct str pattern)
{
	struct str value = name_for(a, pattern);
	const char *key = value.n == 0
	    ? NULL
	    : t->platform->sample_key(t->platform, t->sample, part, value);
	if (key == NULL)
		return;
	t->keys[t->opts.n_sets] = str_from(key);
	t->values[t->opts.n_sets++] = value;
}

/* Which tier a delivery gives that is made for the grant alone. */
static int
try_grant(struct ctl *ctl, struct trigger *t, const struct tier_grant *g,
    const struct tier **gives, struct err *e)
{
	*gives = NULL;
	t->opts.n_sets = 0;
	fill_part(t, ctl->arena, SAMPLE_PRODUCT, g->product);
	if (g->variant.p != NULL)
		fill_part(t, ctl->arena, SAMPLE_VARIANT, g->variant);
	if (trigger_make(ctl, t, e) != 0)
		return -1;
	*gives = tier_match(&ctl->config->rules, t->platform, &t->fact,
	    t->fact.kind == FACT_UPDATED ? t->fact.new_tier : STR_NONE);
	return 0;
}

static int
refuse_name(const struct tier_rules *rules, const char *name, struct err *e)
{
	struct buf b;
	buf_init(&b, LIST_MAX);
	for (size_t i = 0; i < rules->n_tiers; i++) {
		buf_addz(&b, i > 0 ? ", " : "");
		buf_add_visible(&b, rules->tiers[i].name);
	}
	err_set(e, ERR_USAGE, "no tier %s in the settings; there %s%.*s", name,
	    b.n > 0 ? "are: " : "is none", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return -1;
}

static int
refuse_place(const struct trigger *t, struct err *e)
{
	const char *key = t->sample->subscription_key;
	return err_set(e, ERR_USAGE,
	    "--tier has nothing to fill in: %s.%s %s%s%s", t->platform->name,
	    t->sample->event,
	    key == NULL ? "names no tier"
			: "takes product and tier of what it speaks of: --set ",
	    key == NULL ? "" : key, key == NULL ? "" : "=…");
}

static int
refuse_tier(const struct trigger *t, const struct tier *tier,
    const struct tier *gives, struct err *e)
{
	struct buf b;
	if (gives != NULL)
		return err_set(e, ERR_USAGE,
		    "what a grant of tier %.*s matches gives tier %.*s, of a "
		    "higher rank",
		    STR_ARG(tier->name), STR_ARG(gives->name));
	buf_init(&b, LIST_MAX);
	for (size_t i = 0; i < tier->n_grants; i++) {
		const struct tier_grant *g = &tier->grants[i];
		buf_addz(&b, i > 0 ? ", " : "");
		tier_grant_line(&b, g->platform, g->product, g->variant);
	}
	err_set(e, ERR_USAGE,
	    "no grant of tier %.*s fits %s.%s; it has %.*s. Add one to its "
	    "grants, such as '%s/PRODUCT/NAME', or trigger another event",
	    STR_ARG(tier->name), t->platform->name, t->sample->event,
	    b.n > 0 ? (int)b.n : 4, b.n > 0 ? b.p : "none", t->platform->name);
	buf_free(&b);
	return -1;
}

int
trigger_fill_tier(
    struct ctl *ctl, struct trigger *t, const char *name, struct err *e)
{
	struct str keys[CTL_VALUES_MAX], values[CTL_VALUES_MAX];
	const struct tier *gives = NULL, *higher = NULL;
	size_t n = t->opts.n_sets;
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return -1;
	const struct tier *tier = tier_find(&c->rules, str_from(name));
	if (tier == NULL)
		return refuse_name(&c->rules, name, e);
	if (t->platform->sample_key(
		t->platform, t->sample, SAMPLE_VARIANT, STR("x")) == NULL)
		return refuse_place(t, e);
	memcpy(keys, t->keys, n * sizeof(*keys));
	memcpy(values, t->values, n * sizeof(*values));
	for (size_t i = 0; gives != tier && i < tier->n_grants; i++) {
		if (!str_match_fold(
			tier->grants[i].platform, str_from(t->platform->name)))
			continue;
		if (try_grant(ctl, t, &tier->grants[i], &gives, e) != 0)
			return -1;
		higher = gives != NULL ? gives : higher;
	}
	if (gives != tier)
		return refuse_tier(t, tier, higher, e);
	memcpy(t->keys + t->opts.n_sets, keys, n * sizeof(*keys));
	memcpy(t->values + t->opts.n_sets, values, n * sizeof(*values));
	t->opts.n_sets += n;
	return 0;
}

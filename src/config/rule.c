#include "config/rule.h"

const char *const rule_words[RULE__MAX] = {
	[RULE_DELIVERY] = "delivery",
	[RULE_PURCHASE] = "purchase",
	[RULE_RENEWAL] = "renewal",
	[RULE_REFUNDED] = "refunded",
	[RULE_PARTIAL_REFUND] = "partial_refund",
	[RULE_DISPUTED] = "disputed",
	[RULE_DISPUTE_WON] = "dispute_won",
	[RULE_CANCELLED] = "cancelled",
	[RULE_RESTARTED] = "restarted",
	[RULE_ENDED] = "ended",
	[RULE_TIER_CHANGED] = "tier_changed",
	[RULE_EXPIRING] = "expiring",
	[RULE_LAPSED] = "lapsed",
	[RULE_KEPT] = "kept",
	[RULE_UNMATCHED] = "unmatched",
	[RULE_ALERT] = "alert",
};

static int
fits(struct str pattern, struct str s)
{
	if (pattern.p == NULL)
		return 1;
	if (s.p == NULL)
		s = STR("none");
	return str_match_fold(pattern, s);
}

const char *
rule_refusal(const struct rule *r, const struct rule_case *c)
{
	if ((r->events & 1U << c->event) == 0)
		return "event";
	if (r->product.p != NULL &&
	    (c->product.p == NULL || !str_match_fold(r->product, c->product)) &&
	    (c->product_name.p == NULL ||
		!str_match_fold(r->product, c->product_name)))
		return "product";
	return !fits(r->platform, c->platform) ? "platform"
	    : !fits(r->tier, c->tier)	       ? "tier"
	    : !fits(r->from, c->from)	       ? "from"
	    : !fits(r->to, c->to)	       ? "to"
	    : c->test && !r->test	       ? "test"
					       : NULL;
}

int
rule_fits(const struct rule *r, const struct rule_case *c)
{
	return rule_refusal(r, c) == NULL;
}

int
rules_want(const struct rules *r, enum rule_event event)
{
	for (size_t i = 0; i < r->n; i++)
		if ((r->v[i].events & 1U << event) != 0)
			return 1;
	return 0;
}

static int
is_target(const struct action *a, struct str kind, struct str name)
{
	return str_eq(a->name, name) && str_eq_z(kind, action_words[a->kind]);
}

const struct action *
rules_target(const struct rules *r, struct str kind, struct str name)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (is_target(r->targets[i], kind, name))
			return r->targets[i];
	return NULL;
}

const struct action *
rules_action(
    const struct rules *r, struct str kind, struct str name, struct str type)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->v[i].n_actions; k++)
			if (is_target(&r->v[i].actions[k], kind, name))
				for (int w = 0; w < RULE__MAX; w++)
					if ((r->v[i].events & 1U << w) != 0 &&
					    str_eq_z(type, rule_words[w]))
						return &r->v[i].actions[k];
	return rules_target(r, kind, name);
}

#include "access/access.h"

#include "base/time.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/table.h"

void
print_access(
    struct ctl *ctl, const struct access *x, const struct access_key *key)
{
	static const char *const heads[] = { "TIER", "STATUS", "PLATFORM",
		"PRODUCT", "SALE", "SINCE", "UNTIL" };
	char text[TIME_TEXT_MAX];
	struct buf *b = &ctl->out;
	buf_addf(b, "%s ", key->word);
	buf_add_visible(b, key->value);
	if (x->tier.p == NULL) {
		buf_addz(b, " has no tier\n");
		return;
	}
	buf_addz(b, " has tier ");
	buf_add_visible(b, x->tier);
	buf_addf(b, " (rank %lld, %s)", (long long)x->rank, access_status(x));
	buf_addf(b, " since %s", time_text(x->since, text));
	if (x->until == STORE_NULL)
		buf_addz(b, ", for ever\n");
	else
		buf_addf(b, " until %s\n", time_text(x->until, text));
	for (size_t i = 0; i < x->n_allows; i++) {
		buf_addz(b, i == 0 ? "allows " : ", ");
		buf_add_visible(b, x->allows[i]);
	}
	if (x->n_allows > 0)
		buf_addc(b, '\n');
	struct table *t = table_new(ctl->arena, heads, 7);
	for (size_t i = 0; i < x->n_grants; i++) {
		const struct access_grant *g = &x->grants[i];
		table_cell(t, g->row.tier);
		table_cell(t, g->in_grace ? STR("grace") : STR("active"));
		table_cell(t, g->row.platform);
		table_cell(t, g->row.product_name);
		table_cell(t, g->row.sale);
		table_cell_time(t, g->row.since);
		if (g->row.until == STORE_NULL)
			table_cell(t, STR("for ever"));
		else
			table_cell_time(t, g->row.until);
	}
	table_print(t, b);
}

/* -1: nothing was asked. */
static int
allowed(struct ctl *ctl, const struct access *x, const struct tier_rules *rules)
{
	const char *tier = ctl_get(ctl, "tier"), *allow = ctl_get(ctl, "allow");
	if (tier != NULL)
		return access_allows_tier(x, rules, str_from(tier));
	return allow != NULL ? access_allows(x, str_from(allow)) : -1;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct access_key key;
	struct access x;
	if (ctl_key(ctl, &key, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	const struct tier_rules *rules = &ctl->config->rules;
	if (access_lookup(s, rules, &key, time_now(), ctl->arena, &x, e) != 0)
		return CTL_SYSTEM;
	int answer = allowed(ctl, &x, rules);
	const char *asked = ctl_get(ctl, "tier");
	if (asked != NULL && !ctl->json && rules->n_tiers > 0 &&
	    tier_find(rules, str_from(asked)) == NULL)
		buf_addf(&ctl->out,
		    "note: no tier %s is configured (case counts); it is "
		    "compared by its name alone\n",
		    asked);
	if (ctl->json) {
		access_json(&ctl->out, &x, &key, answer);
		buf_addc(&ctl->out, '\n');
	} else {
		print_access(ctl, &x, &key);
		if (answer >= 0)
			buf_addf(&ctl->out, "%s\n",
			    answer ? "allowed" : "not allowed");
	}
	if (answer < 0)
		answer = x.tier.p != NULL;
	return answer ? CTL_YES : CTL_NO;
}

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{ "tier", "NAME", "is that tier, or a higher one, held?" },
	{ "allow", "NAME", "does a tier held allow that?" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_access = {
	.name = "access",
	.args = "--user ID|…",
	.help = "which tier somebody has now; exit 1 for none",
	.options = options,
	.run = run,
};

#include "base/jsonw.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

static int
json_row(void *arg, const struct store_subscription *s)
{
	struct buf *b = arg;
	jsonw_open(b, '{');
	jsonw_text(b, "platform", s->platform);
	jsonw_text(b, "subscription", s->subscription);
	jsonw_text(b, "product", s->product);
	jsonw_text(b, "tier", s->tier);
	jsonw_text(b, "status", s->status);
	jsonw_time(b, "since", s->since);
	jsonw_time(b, "paid_until", s->paid_until);
	jsonw_time(b, "cancelled_at", s->cancelled_at);
	jsonw_time(b, "ended_at", s->ended_at);
	jsonw_text(b, "ended_reason", s->ended_reason);
	jsonw_text(b, "next_tier", s->next_tier);
	jsonw_time(b, "next_tier_at", s->next_tier_at);
	jsonw_close(b, '}');
	return 0;
}

static int
table_row(void *arg, const struct store_subscription *s)
{
	struct table *t = arg;
	table_cell_time(t, s->since);
	table_cell(t, s->platform);
	table_cell(t, s->subscription);
	table_cell(t, s->product);
	table_cell(t, s->tier);
	table_cell(t, s->status);
	if (s->since != STORE_NULL && s->paid_until == STORE_NULL)
		table_cell(t, STR("for ever"));
	else
		table_cell_time(t, s->paid_until);
	table_cell(t, s->next_tier);
	return 0;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "SINCE", "PLATFORM",
		"SUBSCRIPTION", "PRODUCT", "TIER", "STATUS", "PAID UNTIL",
		"NEXT TIER" };
	int64_t limit;
	if (list_limit(ctl, &limit, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	void *list = list_begin(ctl, heads, 8);
	store_subscription_list(
	    s, limit, ctl->json ? json_row : table_row, list, e);
	list_end(ctl, list);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "limit", "N", "how many, 20 unless told" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_subscriptions = {
	.name = "subscriptions",
	.args = "",
	.help = "list memberships, newest first, and how each one stands",
	.options = options,
	.run = run,
};

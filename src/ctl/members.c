#include "base/jsonw.h"
#include "base/time.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

/* The view "members": one line per purchase that is open now. */

static int
json_row(void *arg, const struct store_purchase *p)
{
	struct buf *b = arg;
	jsonw_open(b, '{');
	jsonw_text(b, "user_ref", p->user_ref);
	jsonw_text(b, "email", p->email);
	jsonw_text(b, "buyer", p->buyer);
	jsonw_text(b, "platform", p->platform);
	jsonw_text(b, "tier", p->tier);
	jsonw_time(b, "since", p->since);
	jsonw_time(b, "until", p->until);
	jsonw_close(b, '}');
	return 0;
}

static int
table_row(void *arg, const struct store_purchase *p)
{
	struct table *t = arg;
	table_cell(t, p->user_ref);
	table_cell(t, p->email);
	table_cell(t, p->buyer);
	table_cell(t, p->platform);
	table_cell(t, p->tier);
	table_cell_time(t, p->since);
	if (p->until == STORE_NULL)
		table_cell(t, STR("for ever"));
	else
		table_cell_time(t, p->until);
	return 0;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "USER", "E-MAIL", "BUYER",
		"PLATFORM", "TIER", "SINCE", "UNTIL" };
	int64_t limit;
	if (list_limit(ctl, &limit, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	void *list = list_begin(ctl, heads, 7);
	store_purchase_open(
	    s, time_now(), limit, ctl->json ? json_row : table_row, list, e);
	list_end(ctl, list);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "limit", "N", "how many, 20 unless told" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_members = {
	.name = "members",
	.args = "",
	.help = "list who has access now, a line per purchase",
	.options = options,
	.run = run,
};

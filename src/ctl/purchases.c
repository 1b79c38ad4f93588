#include "base/jsonw.h"
#include "access/access.h"
#include "access/rows.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/table.h"
#include "platform/money.h"

enum { PRICE_MAX = 300 }; /* bytes of it as a text, currency included */

int
print_purchase_json(void *arg, const struct store_purchase *p)
{
	struct buf *b = arg;
	jsonw_open(b, '{');
	rows_write_product(b, p);
	jsonw_text(b, "user_ref", p->user_ref);
	jsonw_text(b, "email", p->email);
	jsonw_text(b, "buyer", p->buyer);
	jsonw_text(b, "license", p->license);
	rows_write_terms(b, p);
	jsonw_close(b, '}');
	return 0;
}

static const char *
note(const struct store_purchase *p)
{
	if (p->refunded_at != STORE_NULL)
		return "refunded";
	if (p->disputed_at != STORE_NULL && p->dispute_won_at == STORE_NULL)
		return "disputed";
	return p->test ? "test" : NULL;
}

static int
table_row(void *arg, const struct store_purchase *p)
{
	struct table *t = arg;
	struct buf price;
	buf_init(&price, PRICE_MAX);
	money_add(&price, p->price, p->currency);
	buf_addf(&price, " %.*s", STR_ARG(p->currency));
	table_cell_time(t, p->sold_at);
	table_cell(t, p->platform);
	table_cell(t, p->sale);
	table_cell(t, p->product_name);
	table_cell(t, p->user_ref.p != NULL ? p->user_ref : p->email);
	table_cell(t,
	    p->price == STORE_NULL || p->currency.p == NULL ? STR_NONE
							    : buf_str(&price));
	table_cell(t, p->tier);
	if (p->since != STORE_NULL && p->until == STORE_NULL)
		table_cell(t, STR("for ever"));
	else
		table_cell_time(t, p->until);
	table_cell(t, str_from(note(p)));
	buf_free(&price);
	return 0;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "SOLD", "PLATFORM", "SALE",
		"PRODUCT", "USER OR E-MAIL", "PRICE", "TIER", "UNTIL", "NOTE" };
	struct store_purchase_filter f = { .platform = str_from(
					       ctl_get(ctl, "platform")) };
	struct access_key key = { 0 };
	int wanted = 0;
	for (size_t by = 0; by < 4; by++)
		wanted += ctl_get(ctl, access_words[by]) != NULL;
	if (ctl_one_of(ctl, "platform", platform_columns, e) != 0 ||
	    (wanted > 0 && ctl_key(ctl, &key, e) != 0) ||
	    list_limit(ctl, &f.limit, e) != 0)
		return CTL_USAGE;
	struct str *by[] = { [STORE_BY_USER] = &f.user_ref,
		[STORE_BY_EMAIL] = &f.email,
		[STORE_BY_BUYER] = &f.buyer,
		[STORE_BY_LICENSE] = &f.license };
	if (wanted > 0) {
		*by[key.by] = key.id;
		if (key.by == STORE_BY_BUYER)
			f.platform = key.platform;
	}
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	void *list = list_begin(ctl, heads, 9);
	store_purchase_list(
	    s, &f, ctl->json ? print_purchase_json : table_row, list, e);
	list_end(ctl, list);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "limit", "N", "how many, 20 unless told" },
	{ "platform", "NAME", platform_words },
	CTL_KEY_OPTIONS,
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_purchases = {
	.name = "purchases",
	.args = "",
	.help = "list sales, newest first, with the tier each one gives",
	.options = options,
	.run = run,
};

#include "store/rows.h"

const char *const access_words[4] = {
	[STORE_BY_USER] = "user",
	[STORE_BY_EMAIL] = "email",
	[STORE_BY_BUYER] = "buyer",
	[STORE_BY_LICENSE] = "license",
};

struct each_purchase {
	store_purchase_fn *fn;
	void *arg;
};

static int
take_purchase(void *arg, const struct db_value *row, size_t n)
{
	struct each_purchase *each = arg;
	(void)n;
	struct store_purchase p = {
		.platform = db_str(&row[0]),
		.sale = db_str(&row[1]),
		.subscription = db_str(&row[2]),
		.product = db_str(&row[3]),
		.product_name = db_str(&row[4]),
		.variant = db_str(&row[5]),
		.user_ref = db_str(&row[6]),
		.email = db_str(&row[7]),
		.buyer = db_str(&row[8]),
		.license = db_str(&row[9]),
		.price = db_number(&row[10]),
		.currency = db_str(&row[11]),
		.quantity = db_number(&row[12]),
		.recurrence = db_str(&row[13]),
		.test = db_number(&row[14]),
		.sold_at = db_number(&row[15]),
		.refunded_at = db_number(&row[16]),
		.disputed_at = db_number(&row[17]),
		.dispute_won_at = db_number(&row[18]),
		.tier = db_str(&row[19]),
		.since = db_number(&row[20]),
		.paid_until = db_number(&row[21]),
		.until = db_number(&row[22]),
		.subject = db_str(&row[23]),
		.refunded_amount = db_number(&row[24]),
		.revoked_at = db_number(&row[25]),
		.confirmed_at = db_number(&row[26]),
	};
	return each->fn(each->arg, &p);
}

int
store_purchase_same(
    const struct store_purchase *a, const struct store_purchase *b)
{
	return str_same(a->platform, b->platform) &&
	    str_same(a->sale, b->sale) &&
	    str_same(a->subscription, b->subscription) &&
	    str_same(a->product, b->product) &&
	    str_same(a->product_name, b->product_name) &&
	    str_same(a->variant, b->variant) &&
	    str_same(a->user_ref, b->user_ref) &&
	    str_same(a->email, b->email) && str_same(a->buyer, b->buyer) &&
	    str_same(a->license, b->license) && a->price == b->price &&
	    str_same(a->currency, b->currency) && a->quantity == b->quantity &&
	    str_same(a->recurrence, b->recurrence) && a->test == b->test &&
	    a->sold_at == b->sold_at && a->refunded_at == b->refunded_at &&
	    a->disputed_at == b->disputed_at &&
	    a->dispute_won_at == b->dispute_won_at &&
	    str_same(a->tier, b->tier) && a->since == b->since &&
	    a->paid_until == b->paid_until && a->until == b->until &&
	    a->refunded_amount == b->refunded_amount &&
	    a->revoked_at == b->revoked_at &&
	    a->confirmed_at == b->confirmed_at &&
	    str_same(a->subject, b->subject);
}

int
store_purchase_drop(
    struct store *s, struct str platform, struct str subject, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(s, QUERY_PURCHASE_DROP, args, 2, NULL, NULL, e);
}

int
store_purchase_drop_sale(
    struct store *s, struct str platform, struct str sale, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(sale) };
	return store_run(s, QUERY_PURCHASE_DROP_SALE, args, 2, NULL, NULL, e);
}

int
store_purchase_put(
    struct store *s, const struct store_purchase *p, struct err *e)
{
	struct db_value args[] = {
		db_text(p->platform),
		db_text(p->sale),
		db_text(p->subscription),
		db_text(p->product),
		db_text(p->product_name),
		db_text(p->variant),
		db_text(p->user_ref),
		db_text(p->email),
		db_text(p->buyer),
		db_text(p->license),
		db_int(p->price),
		db_text(p->currency),
		db_int(p->quantity),
		db_text(p->recurrence),
		db_int(p->test),
		db_int(p->sold_at),
		db_int(p->refunded_at),
		db_int(p->disputed_at),
		db_int(p->dispute_won_at),
		db_text(p->tier),
		db_int(p->since),
		db_int(p->paid_until),
		db_int(p->until),
		db_text(p->subject),
		db_int(p->refunded_amount),
		db_int(p->revoked_at),
		db_int(p->confirmed_at),
	};
	return store_run(s, QUERY_PURCHASE_PUT, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
}

enum { WHOLE_BUYER_MAX = 2 * 255 + 2 };

/* Grants by hand have no platform of their own: "gumroad:123". */
static struct str
whole_buyer(struct str platform, struct str id, char text[WHOLE_BUYER_MAX])
{
	snprintf(
	    text, WHOLE_BUYER_MAX, "%.*s:%.*s", STR_ARG(platform), STR_ARG(id));
	return str_from(text);
}

int
store_purchase_by(struct store *s, enum store_by by, struct str platform,
    struct str id, store_purchase_fn *fn, void *arg, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_PURCHASE_BY_USER,
		[STORE_BY_EMAIL] = QUERY_PURCHASE_BY_EMAIL,
		[STORE_BY_BUYER] = QUERY_PURCHASE_BY_BUYER,
		[STORE_BY_LICENSE] = QUERY_PURCHASE_BY_LICENSE,
	};
	struct each_purchase each = { fn, arg };
	char whole[WHOLE_BUYER_MAX];
	struct db_value args[3] = { db_text(id), db_text(platform) };
	if (by == STORE_BY_BUYER)
		args[2] = db_text(whole_buyer(platform, id, whole));
	return store_run(s, queries[by], args, by == STORE_BY_BUYER ? 3 : 1,
	    take_purchase, &each, e);
}

int
store_purchase_waiting(struct store *s, enum store_by by, struct str platform,
    struct str id, int64_t after, int64_t limit, store_purchase_fn *fn,
    void *arg, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_PURCHASE_WAITING_BY_USER,
		[STORE_BY_EMAIL] = QUERY_PURCHASE_WAITING_BY_EMAIL,
		[STORE_BY_BUYER] = QUERY_PURCHASE_WAITING_BY_BUYER,
		[STORE_BY_LICENSE] = QUERY_PURCHASE_WAITING_BY_LICENSE,
	};
	struct each_purchase each = { fn, arg };
	struct db_value args[4] = { db_text(id), db_int(after), db_int(limit),
		db_text(platform) };
	return store_run(s, queries[by], args, by == STORE_BY_BUYER ? 4 : 3,
	    take_purchase, &each, e);
}

struct each_owner {
	store_subject_fn *fn;
	void *arg;
};

static int
take_owner(void *arg, const struct db_value *row, size_t n)
{
	struct each_owner *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_str(&row[1]));
}

int
store_purchase_subjects(struct store *s, enum store_by by, struct str platform,
    struct str id, int64_t limit, store_subject_fn *fn, void *arg,
    struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_PURCHASE_SUBJECTS_BY_USER,
		[STORE_BY_EMAIL] = QUERY_PURCHASE_SUBJECTS_BY_EMAIL,
		[STORE_BY_BUYER] = QUERY_PURCHASE_SUBJECTS_BY_BUYER,
		[STORE_BY_LICENSE] = QUERY_PURCHASE_SUBJECTS_BY_LICENSE,
	};
	struct each_owner each = { fn, arg };
	char whole[WHOLE_BUYER_MAX];
	struct db_value args[4] = { db_text(id), db_int(limit),
		db_text(platform) };
	if (by == STORE_BY_BUYER)
		args[3] = db_text(whole_buyer(platform, id, whole));
	return store_run(s, queries[by], args, by == STORE_BY_BUYER ? 4 : 2,
	    take_owner, &each, e);
}

static int
take_carrying(void *arg, const struct db_value *row, size_t n)
{
	struct store_carrying *out = arg;
	(void)n;
	out->all = db_number(&row[0]);
	out->by[STORE_BY_USER] = db_number(&row[1]);
	out->by[STORE_BY_EMAIL] = db_number(&row[2]);
	out->by[STORE_BY_BUYER] = db_number(&row[3]);
	out->by[STORE_BY_LICENSE] = db_number(&row[4]);
	return 1;
}

int
store_purchase_carrying(
    struct store *s, struct store_carrying *out, struct err *e)
{
	*out = (struct store_carrying){ 0 };
	return store_run(
	    s, QUERY_PURCHASE_CARRYING, NULL, 0, take_carrying, out, e);
}

struct first_purchase {
	struct each_purchase each;
	int found;
};

static int
take_first(void *arg, const struct db_value *row, size_t n)
{
	struct first_purchase *first = arg;
	first->found = 1;
	take_purchase(&first->each, row, n);
	return 1;
}

int
store_purchase_get(struct store *s, struct str platform, struct str sale,
    store_purchase_fn *fn, void *arg, struct err *e)
{
	struct first_purchase first = { { fn, arg }, 0 };
	struct db_value args[] = { db_text(platform), db_text(sale) };
	if (store_run(s, QUERY_PURCHASE_GET, args, 2, take_first, &first, e) !=
	    0)
		return -1;
	return first.found ? 0 : err_set(e, ERR_ABSENT, "no such sale");
}

int
store_purchase_of_subject(struct store *s, struct str platform,
    struct str subject, store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(
	    s, QUERY_PURCHASE_OF_SUBJECT, args, 2, take_purchase, &each, e);
}

int
store_purchase_of_subscription(struct store *s, struct str subscription,
    store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	struct db_value args[] = { db_text(subscription) };
	return store_run(s, QUERY_PURCHASE_OF_SUBSCRIPTION, args, 1,
	    take_purchase, &each, e);
}

int
store_purchase_turning(struct store *s, int64_t after, int64_t until,
    int64_t limit, store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	struct db_value args[] = { db_int(after), db_int(until),
		db_int(limit) };
	return store_run(
	    s, QUERY_PURCHASE_TURNING, args, 3, take_purchase, &each, e);
}

int
store_purchase_list(struct store *s, const struct store_purchase_filter *f,
    store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	struct db_value args[] = { db_text(f->platform), db_text(f->user_ref),
		db_text(f->email), db_text(f->buyer), db_text(f->license),
		db_int(f->limit) };
	return store_run(
	    s, QUERY_PURCHASE_LIST, args, 6, take_purchase, &each, e);
}

int
store_purchase_all(
    struct store *s, store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	return store_run(
	    s, QUERY_PURCHASE_ALL, NULL, 0, take_purchase, &each, e);
}

int
store_purchase_open(struct store *s, int64_t at, int64_t limit,
    store_purchase_fn *fn, void *arg, struct err *e)
{
	struct each_purchase each = { fn, arg };
	struct db_value args[] = { db_int(at), db_int(limit) };
	return store_run(
	    s, QUERY_PURCHASE_OPEN, args, 2, take_purchase, &each, e);
}

struct each_product {
	store_product_fn *fn;
	void *arg;
};

static int
take_product(void *arg, const struct db_value *row, size_t n)
{
	struct each_product *each = arg;
	(void)n;
	struct store_product p = {
		.platform = db_str(&row[0]),
		.product = db_str(&row[1]),
		.variant = db_str(&row[2]),
		.product_name = db_str(&row[3]),
		.tier = db_str(&row[4]),
		.count = db_number(&row[5]),
		.last_sold_at = db_number(&row[6]),
		.sale = db_str(&row[7]),
	};
	return each->fn(each->arg, &p);
}

int
store_products(struct store *s, store_product_fn *fn, void *arg, struct err *e)
{
	struct each_product each = { fn, arg };
	return store_run(
	    s, QUERY_PURCHASE_PRODUCTS, NULL, 0, take_product, &each, e);
}

/* ---- what will be asked ---- */

static void
look(struct store *s, enum query q, struct str a, struct str b)
{
	const struct db_value args[] = { db_text(a), db_text(b) };
	size_t n = b.p == NULL ? 1 : 2;
	if (a.p != NULL)
		store_look(s, q, args, n);
}

void
store_ahead_sale(struct store *s, struct str platform, struct str sale)
{
	if (sale.p != NULL)
		look(s, QUERY_PURCHASE_GET, platform, sale);
}

void
store_ahead_beside(struct store *s, struct str platform, struct str subject)
{
	look(s, QUERY_EVENT_BESIDE, platform, subject);
}

void
store_ahead_about(struct store *s, struct str about)
{
	look(s, QUERY_EVENT_OF_SUBJECT, STR("manual"), about);
}

void
store_ahead_subject(struct store *s, struct str platform, struct str subject)
{
	look(s, QUERY_EVENT_OF_SUBJECT, platform, subject);
	look(s, QUERY_PURCHASE_OF_SUBJECT, platform, subject);
	look(s, QUERY_SUBSCRIPTION_OF_SUBJECT, platform, subject);
}

void
store_ahead_person(struct store *s, struct str user_ref, struct str email)
{
	if (user_ref.p != NULL)
		look(s, QUERY_PURCHASE_BY_USER, user_ref, STR_NONE);
	else
		look(s, QUERY_PURCHASE_BY_EMAIL, email, STR_NONE);
}

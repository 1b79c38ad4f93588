#include "store/rows.h"

struct each_subscription {
	store_subscription_fn *fn;
	void *arg;
};

static int
take_subscription(void *arg, const struct db_value *row, size_t n)
{
	struct each_subscription *each = arg;
	(void)n;
	struct store_subscription sub = {
		.platform = db_str(&row[0]),
		.subscription = db_str(&row[1]),
		.product = db_str(&row[2]),
		.tier = db_str(&row[3]),
		.status = db_str(&row[4]),
		.since = db_number(&row[5]),
		.paid_until = db_number(&row[6]),
		.cancelled_at = db_number(&row[7]),
		.ended_at = db_number(&row[8]),
		.ended_reason = db_str(&row[9]),
		.next_tier = db_str(&row[10]),
		.next_tier_at = db_number(&row[11]),
		.subject = db_str(&row[12]),
	};
	return each->fn(each->arg, &sub);
}

int
store_subscription_drop(
    struct store *s, struct str platform, struct str subject, struct err *e)
{
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(s, QUERY_SUBSCRIPTION_DROP, args, 2, NULL, NULL, e);
}

int
store_subscription_put(
    struct store *s, const struct store_subscription *sub, struct err *e)
{
	struct db_value args[] = {
		db_text(sub->platform),
		db_text(sub->subscription),
		db_text(sub->product),
		db_text(sub->tier),
		db_text(sub->status),
		db_int(sub->since),
		db_int(sub->paid_until),
		db_int(sub->cancelled_at),
		db_int(sub->ended_at),
		db_text(sub->ended_reason),
		db_text(sub->next_tier),
		db_int(sub->next_tier_at),
		db_text(sub->subject),
	};
	return store_run(s, QUERY_SUBSCRIPTION_PUT, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
}

int
store_subscription_of_subject(struct store *s, struct str platform,
    struct str subject, store_subscription_fn *fn, void *arg, struct err *e)
{
	struct each_subscription each = { fn, arg };
	struct db_value args[] = { db_text(platform), db_text(subject) };
	return store_run(s, QUERY_SUBSCRIPTION_OF_SUBJECT, args, 2,
	    take_subscription, &each, e);
}

int
store_subscription_list(struct store *s, int64_t limit,
    store_subscription_fn *fn, void *arg, struct err *e)
{
	struct each_subscription each = { fn, arg };
	struct db_value args[] = { db_int(limit) };
	return store_run(
	    s, QUERY_SUBSCRIPTION_LIST, args, 1, take_subscription, &each, e);
}

int
store_subscription_all(
    struct store *s, store_subscription_fn *fn, void *arg, struct err *e)
{
	struct each_subscription each = { fn, arg };
	return store_run(
	    s, QUERY_SUBSCRIPTION_ALL, NULL, 0, take_subscription, &each, e);
}

/* ---- tiers ---- */

int
store_tier_drop_all(struct store *s, struct err *e)
{
	return store_run(s, QUERY_TIER_DROP_ALL, NULL, 0, NULL, NULL, e);
}

int
store_tier_put(struct store *s, struct str name, int64_t rank,
    struct str allows, struct err *e)
{
	struct db_value args[] = { db_text(name), db_int(rank),
		db_text(allows) };
	return store_run(s, QUERY_TIER_PUT, args, 3, NULL, NULL, e);
}

#include "base/time.h"
#include "fold/column.h"
#include "follow/outbox_own.h"

int
outbox_about(struct outbox_sink *k, struct effect *f, enum rule_event what,
    const struct store_purchase *row, struct str once, struct err *e)
{
	f->what = what;
	f->row = row;
	f->once = once;
	struct rule_case rc = outbox_case(f, row->tier);
	return outbox_happen(k, f, &rc, NULL, e);
}

const struct store_purchase *
outbox_sale(const struct rows *rows, struct str sale)
{
	for (size_t i = 0; sale.p != NULL && i < rows->n; i++)
		if (str_eq(rows->v[i].sale, sale))
			return &rows->v[i];
	return NULL;
}

const struct store_purchase *
outbox_newest(const struct rows *rows)
{
	const struct store_purchase *best = NULL;
	for (size_t i = 0; i < rows->n; i++)
		if (best == NULL || rows->v[i].sold_at > best->sold_at)
			best = &rows->v[i];
	return best;
}

static int
is_first(const struct rows *rows, const struct store_purchase *row)
{
	for (size_t i = 0; i < rows->n; i++)
		if (&rows->v[i] != row && rows->v[i].since != STORE_NULL)
			return 0;
	return 1;
}

static struct str
once_of(struct arena *a, const char *what, const struct store_purchase *row)
{
	return str_from(arena_printf(a, "%s %.*s/%.*s", what,
	    STR_ARG(row->platform), STR_ARG(row->sale)));
}

int
outbox_about_once(struct outbox_sink *k, struct effect *f, enum rule_event what,
    const struct store_purchase *row, struct err *e)
{
	/* the words that rows of the table have been told apart by so far */
	const char *word = what == RULE_DISPUTE_WON ? "won" : rule_words[what];
	return outbox_about(k, f, what, row, once_of(k->a, word, row), e);
}

struct str
outbox_partial(struct arena *a, const struct store_purchase *row)
{
	return str_from(
	    arena_printf(a, "partial %.*s/%.*s %lld", STR_ARG(row->platform),
		STR_ARG(row->sale), (long long)row->refunded_amount));
}

/* Why a sale's tier wants the owner's eye. */
enum unmatched {
	MATCHED,
	NO_GRANT, /* the first sale of its subject fits none */
	NO_GRANT_ANY_MORE, /* a renewal fits none, an earlier sale did */
	OLD_NAME, /* it fits by a name that the platform told before */
};

static const char *const unmatched_words[] = {
	[NO_GRANT] = "Somebody bought what no tier of gatepost.conf grants.",
	[NO_GRANT_ANY_MORE] =
	    "A member paid again, and no tier of gatepost.conf grants it, "
	    "though one granted what was bought before: the product or its "
	    "tier was renamed. The member has lost the tier.",
	[OLD_NAME] =
	    "A sale has its tier by an old name only: the product or its tier "
	    "was renamed. Who buys it for the first time gets no tier.",
};

static enum unmatched
judge_match(const struct outbox_sink *k, const struct effect *f,
    const struct rows *rows, const struct store_purchase *row,
    const struct fact *fact)
{
	const struct tier_rules *rules = &k->c->rules;
	const struct platform *p = platform_find(f->platform);
	if (row->since == STORE_NULL || rules->n_tiers == 0)
		return MATCHED;
	if (tier_find(rules, row->tier) != NULL)
		return tier_match(rules, p, fact, STR_NONE) == NULL ? OLD_NAME
								    : MATCHED;
	if (is_first(rows, row))
		return NO_GRANT;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].since != STORE_NULL &&
		    rows->v[i].sold_at <= row->sold_at &&
		    tier_find(rules, rows->v[i].tier) != NULL)
			return NO_GRANT_ANY_MORE;
	return MATCHED;
}

static int
alert_unmatched(struct outbox_sink *k, const struct effect *f,
    const struct store_purchase *row, const struct fact *fact,
    enum unmatched why, struct err *e)
{
	struct buf line;
	buf_init(&line, 4096);
	struct str variant =
	    platform_variant(row->platform, row->variant, row->product_name);
	/* ids stay where names change */
	struct str product =
	    fact->product_id.p != NULL ? fact->product_id : row->product;
	struct str title =
	    row->product_name.p != NULL ? row->product_name : row->product;
	int rc = 0;
	if (tier_grant_line(&line, row->platform, product, variant) == 0) {
		const char *once = arena_printf(k->a, "unmatched %s%.*s",
		    why == NO_GRANT	  ? ""
			: why == OLD_NAME ? "old "
					  : "again ",
		    STR_ARG(buf_str(&line)));
		buf_addz(&line, "\t# ");
		buf_add_visible(&line, title);
		const char *text = arena_printf(k->a,
		    "%s To give a tier for it, put this line into its "
		    "grants:\n\n\t%.*s\n",
		    unmatched_words[why], STR_ARG(buf_str(&line)));
		rc = once == NULL || text == NULL
		    ? err_no_memory(e)
		    : outbox_alert(k->s, k->c, once, text, f->at, k->a, e);
	}
	buf_free(&line);
	return rc;
}

int
outbox_sold(struct outbox_sink *k, struct effect *f, const struct rows *rows,
    const struct store_purchase *row, const struct fact *fact, struct err *e)
{
	/* a refund that came before its sale: nobody is to be welcomed */
	if ((row->since == STORE_NULL && !row->test) ||
	    row->refunded_at != STORE_NULL ||
	    (row->disputed_at != STORE_NULL &&
		row->dispute_won_at == STORE_NULL))
		return 0;
	enum unmatched why = judge_match(k, f, rows, row, fact);
	if (outbox_about(k, f,
		is_first(rows, row) ? RULE_PURCHASE : RULE_RENEWAL, row,
		once_of(k->a, "sale", row), e) != 0)
		return -1;
	if (why == MATCHED)
		return 0;
	if (outbox_about_once(k, f, RULE_UNMATCHED, row, e) != 0)
		return -1;
	/* of a flood that is told of by itself there would be one a product */
	return k->plan != NULL || k->due > 0
	    ? 0
	    : alert_unmatched(k, f, row, fact, why, e);
}

int
outbox_renamed(struct outbox_sink *k, const struct effect *f,
    const struct rows *rows, const struct store_purchase *row,
    const struct fact *fact, struct err *e)
{
	return judge_match(k, f, rows, row, fact) != OLD_NAME
	    ? 0
	    : alert_unmatched(k, f, row, fact, OLD_NAME, e);
}

/* An end is known by the newest sale: a reading knows another time of it than
 * the ping. */
int
outbox_membership(struct outbox_sink *k, struct effect *f, enum rule_event what,
    int64_t at, const struct store_purchase *row, struct err *e)
{
	const char *once = what == RULE_ENDED
	    ? arena_printf(k->a, "%s %.*s/%.*s %.*s", rule_words[what],
		  STR_ARG(f->platform), STR_ARG(f->subject), STR_ARG(row->sale))
	    : arena_printf(k->a, "%s %.*s/%.*s %lld", rule_words[what],
		  STR_ARG(f->platform), STR_ARG(f->subject), (long long)at);
	return outbox_about(k, f, what, row, str_from(once), e);
}

struct subscription {
	int found, cancelled, ended, active;
	int64_t cancelled_at, ended_at;
};

static int
take_subscription(void *arg, const struct store_subscription *row)
{
	struct subscription *sub = arg;
	*sub = (struct subscription){ 1, str_eq_z(row->status, "cancelled"),
		str_eq_z(row->status, "ended"), str_eq_z(row->status, "active"),
		row->cancelled_at, row->ended_at };
	return 1;
}

/* One of the four pings about a subscription. What it says may be void, or
 * was known: the state after the fold decides. */
static int
subscription(struct outbox_sink *k, struct effect *f, const struct fact *fact,
    const struct rows *rows, struct err *e)
{
	struct subscription sub = { 0 };
	const struct store_purchase *row = outbox_newest(rows);
	if (store_subscription_of_subject(
		k->s, f->platform, f->subject, take_subscription, &sub, e) != 0)
		return -1;
	if (!sub.found || row == NULL)
		return 0;
	const struct {
		enum rule_event what;
		int is;
		int64_t at;
	} cases[] = {
		{ RULE_CANCELLED,
		    fact->kind == FACT_CANCELLATION && sub.cancelled,
		    sub.cancelled_at },
		{ RULE_ENDED, fact->kind == FACT_ENDED && sub.ended,
		    sub.ended_at },
		{ RULE_RESTARTED, fact->kind == FACT_RESTARTED && sub.active,
		    fact->restarted_at },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cases[i].is)
			return outbox_membership(
			    k, f, cases[i].what, cases[i].at, row, e);
	return 0;
}

/* A date that moved nearer never crosses the line the clock looks at. */
int
outbox_expires_soon(struct outbox_sink *k, const struct effect *f,
    const struct rows *rows, struct err *e)
{
	const struct rules *rules = &k->c->follow_ups;
	for (size_t i = 0; i < rules->n; i++) {
		if ((rules->v[i].events & 1U << RULE_EXPIRING) == 0)
			continue;
		for (size_t n = 0; n < rows->n; n++)
			if (rows->v[n].until != STORE_NULL &&
			    rows->v[n].until > f->at &&
			    rows->v[n].until <= f->at + rules->v[i].before &&
			    k->plan == NULL &&
			    outbox_expiring(k->s, k->c, &rows->v[n],
				&rules->v[i], f->at, k->a, e) != 0)
				return -1;
	}
	return 0;
}

static int
applied(struct outbox_sink *k, struct effect *f,
    const struct outbox_delivery *d, const struct rows *rows, struct err *e)
{
	const struct fact *fact = d->fact;
	const struct store_purchase *row =
	    outbox_sale(rows, project_column(k->a, fact->sale));
	switch (fact->kind) {
	case FACT_SALE:
	case FACT_PAYMENT:
	case FACT_STATE:
		return row == NULL ? 0 : outbox_sold(k, f, rows, row, fact, e);
	case FACT_REFUND:
		if (row != NULL && !fact->refunded)
			return outbox_about(k, f, RULE_PARTIAL_REFUND, row,
			    row->refunded_amount > 0
				? outbox_partial(k->a, row)
				: str_from(arena_printf(k->a, "partial %.*s",
				      STR_ARG(fact->delivery))),
			    e);
		if (row != NULL && row->refunded_at != STORE_NULL &&
		    outbox_about_once(k, f, RULE_REFUNDED, row, e) != 0)
			return -1;
		break;
	case FACT_DISPUTE:
		if (row != NULL &&
		    outbox_about_once(k, f, RULE_DISPUTED, row, e) != 0)
			return -1;
		break;
	case FACT_DISPUTE_WON:
		if (row != NULL &&
		    outbox_about_once(k, f, RULE_DISPUTE_WON, row, e) != 0)
			return -1;
		break;
	case FACT_CANCELLATION:
	case FACT_ENDED:
	case FACT_RESTARTED:
		if (subscription(k, f, fact, rows, e) != 0)
			return -1;
		break;
	case FACT_UNKNOWN:
	case FACT_UPDATED:
	case FACT_READBACK:
	case FACT_SUBSCRIBER:
	case FACT_ABSENT:
	case FACT_MEMBER:
		break;
	}
	return outbox_expires_soon(k, f, rows, e);
}

static int
kept(struct outbox_sink *k, struct effect *f, const struct outbox_delivery *d,
    struct err *e)
{
	char day[TIME_TEXT_MAX];
	f->what = RULE_KEPT;
	f->reason = d->reason;
	f->once = str_from(arena_printf(k->a, "kept %.*s/%.*s",
	    STR_ARG(f->platform), STR_ARG(d->fact->delivery)));
	struct rule_case rc = outbox_case(f, STR_NONE);
	if (outbox_happen(k, f, &rc, NULL, e) != 0)
		return -1;
	if (k->plan != NULL)
		return 0;
	time_text(f->at, day);
	const char *once = arena_printf(k->a, "kept %.10s", day);
	const char *text = arena_printf(k->a,
	    "A delivery of %.*s was kept and not applied (%.*s). It is event "
	    "%lld; gatepost event %lld shows it. No more mails about kept "
	    "deliveries come today.\n",
	    STR_ARG(f->platform), STR_ARG(d->reason), (long long)d->event,
	    (long long)d->event);
	return once == NULL || text == NULL
	    ? err_no_memory(e)
	    : outbox_alert(k->s, k->c, once, text, f->at, k->a, e);
}

int
outbox_deliver(
    struct outbox_sink *k, const struct outbox_delivery *d, struct err *e)
{
	struct rows rows = { .arena = k->a };
	struct effect f = { .what = RULE_DELIVERY,
		.at = d->at,
		.event = d->event,
		.platform = str_from(d->platform->name),
		.subject = d->subject };
	int is_applied = str_eq_z(d->status, "applied");
	if (str_eq_z(d->reason, PLATFORM_PROBE)) /* the doctor's own */
		return 0;
	if (is_applied &&
	    store_purchase_of_subject(
		k->s, f.platform, f.subject, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_no_memory(e);
	f.once = str_from(arena_printf(k->a, "delivery %.*s/%.*s",
	    STR_ARG(f.platform), STR_ARG(d->fact->delivery)));
	f.row = outbox_sale(&rows, project_column(k->a, d->fact->sale));
	if (f.row == NULL)
		f.row = outbox_newest(&rows);
	struct rule_case rc =
	    outbox_case(&f, f.row == NULL ? STR_NONE : f.row->tier);
	rc.test |= str_eq_z(d->status, "test") || d->fact->test;
	if (outbox_happen(k, &f, &rc, NULL, e) != 0)
		return -1;
	f.row = NULL;
	if (is_applied)
		return applied(k, &f, d, &rows, e);
	return str_eq_z(d->status, "kept") ? kept(k, &f, d, e) : 0;
}

#include "follow/outbox.h"

#include "base/jsonw.h"
#include "base/time.h"
#include "follow/outbox_own.h"
#include "access/owner.h"
#include "follow/rate.h"

static int
is_wanted(const struct config *c)
{
	return c->follow_ups.n > 0 || c->follow_ups.alert_mail.p != NULL;
}

/* What went wrong goes into a note: the cause goes on without it. */
static int
end_guard(struct store *s, int rc, struct err *e)
{
	if (rc == 0)
		return store_release(s, e);
	if (err_ends_transaction(e))
		return -1;
	struct err why = *e;
	*e = (struct err){ .code = ERR_NONE };
	if (store_rollback_to(s, e) != 0 || store_release(s, e) != 0)
		return -1;
	return store_meta_put(s, STR("outbox_error"), str_from(why.text), e);
}

static int
alert_flood(struct outbox_sink *k, const struct outbox_delivery *d,
    const struct rate *r, struct err *e)
{
	char day[TIME_TEXT_MAX];
	const char *platform = d->platform->name;
	time_text(d->at, day);
	const char *once = arena_printf(k->a, "rate %s %.10s", platform, day);
	const char *text = arena_printf(k->a,
	    "%lld sales came from %s within an hour; %lld.%lld are usual. Did "
	    "you sell so much? Then there is nothing to do.\n\nElse somebody "
	    "may know the secret of your hook: put a new one first in "
	    "gatepost.conf, give it to %s, take the old one out, and take back "
	    "what came by it:\n\tgatepost void --by HEX --since TIME\n"
	    "'gatepost event %lld' shows the newest, with its HEX.\n\n"
	    "Until it is calmer, follow-ups of %s go out at %lld sales an "
	    "hour. Those that wait, and are right, go out at once with:\n"
	    "\tgatepost outbox retry --state waiting\n"
	    "No more mails about this come today.\n",
	    (long long)rate_hourly(r, d->at), platform,
	    (long long)(r->usual / 1000), (long long)(r->usual % 1000 / 100),
	    platform, (long long)d->event, platform, (long long)rate_limit(r));
	return once == NULL || text == NULL
	    ? err_no_memory(e)
	    : outbox_alert(k->s, k->c, once, text, d->at, k->a, e);
}

static int
is_sale(const struct outbox_delivery *d)
{
	return (d->fact->kind == FACT_SALE || d->fact->kind == FACT_PAYMENT) &&
	    str_eq_z(d->status, "applied");
}

/* Counts a sale, and sets when the follow-ups go out. */
static int
hold_back(struct outbox_sink *k, const struct outbox_delivery *d, struct err *e)
{
	struct str platform = str_from(d->platform->name);
	struct rate r;
	if (rate_get(k->s, platform, k->a, &r, e) != 0)
		return -1;
	if (is_sale(d)) {
		if (r.hour == 0 && rate_begin(k->s, d->at, &r, e) != 0)
			return -1;
		rate_add(&r, d->at);
		if (rate_put(k->s, platform, &r, e) != 0)
			return -1;
	}
	k->due = rate_due(&r, d->at);
	return k->due == 0 ? 0 : alert_flood(k, d, &r, e);
}

int
outbox_delivered(struct store *s, const struct config *c,
    const struct outbox_delivery *d, struct arena *a, struct err *e)
{
	struct outbox_sink k = { .s = s, .c = c, .a = a };
	if (!is_wanted(c))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	int rc = hold_back(&k, d, e);
	return end_guard(s, rc == 0 ? outbox_deliver(&k, d, e) : rc, e);
}

int
outbox_read(struct store *s, const struct config *c,
    const struct outbox_reading *d, struct arena *a, struct err *e)
{
	struct outbox_sink k = { .s = s, .c = c, .a = a };
	if (!is_wanted(c))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	return end_guard(s, outbox_deliver_reading(&k, d, e), e);
}

int
outbox_plan(struct store *s, const struct config *c,
    const struct outbox_delivery *d, outbox_plan_fn *fn, void *arg,
    struct arena *a, struct err *e)
{
	struct outbox_sink k = {
		.s = s, .c = c, .a = a, .plan = fn, .arg = arg
	};
	return outbox_deliver(&k, d, e);
}

static int
changed(struct outbox_sink *k, struct effect *f, struct err *e)
{
	struct access_key key;
	struct rate r;
	if (owner_key(f->row, k->a, &key) != 0)
		return 0;
	/* by a delivery: what the clock ends is no flood */
	if (f->event != STORE_NULL) {
		if (rate_get(k->s, f->platform, k->a, &r, e) != 0)
			return -1;
		k->due = rate_due(&r, f->at);
	}
	f->what = RULE_TIER_CHANGED;
	f->once = str_from(arena_printf(k->a, "changed %s:%.*s %.*s>%.*s %lld",
	    key.word, STR_ARG(key.value), STR_ARG(f->before), STR_ARG(f->after),
	    (long long)(f->event != STORE_NULL ? f->event : f->at)));
	struct rule_case rc = outbox_case(f, f->after);
	if (outbox_happen(k, f, &rc, NULL, e) != 0)
		return -1;
	if (f->event != STORE_NULL || f->after.p != NULL)
		return 0;
	f->what = RULE_LAPSED;
	f->once = str_from(arena_printf(k->a, "lapsed %s:%.*s %lld", key.word,
	    STR_ARG(key.value), (long long)f->at));
	rc = outbox_case(f, f->before);
	return outbox_happen(k, f, &rc, NULL, e);
}

int
outbox_changed(struct store *s, const struct config *c,
    const struct store_purchase *row, struct str before, struct str after,
    int64_t at, int64_t event, struct arena *a, struct err *e)
{
	struct outbox_sink k = { .s = s, .c = c, .a = a };
	struct effect f = { .at = at,
		.event = event,
		.platform = row->platform,
		.subject = row->subject,
		.row = row,
		.before = before,
		.after = after };
	if (c->follow_ups.n == 0 || str_eq(before, after))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	return end_guard(s, changed(&k, &f, e), e);
}

int
outbox_expiring(struct store *s, const struct config *c,
    const struct store_purchase *row, const struct rule *rule, int64_t at,
    struct arena *a, struct err *e)
{
	struct outbox_sink k = { .s = s, .c = c, .a = a };
	struct effect f = { .what = RULE_EXPIRING,
		.at = at,
		.event = STORE_NULL,
		.platform = row->platform,
		.subject = row->subject,
		.row = row };
	struct str now, then;
	/* what another purchase goes on giving does not end */
	if (owner_tier(s, c, row, at, a, &now, e) != 0 ||
	    owner_tier(s, c, row, row->until, a, &then, e) != 0)
		return -1;
	if (now.p == NULL || str_eq(now, then))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	f.once = str_from(arena_printf(a, "expiring %.*s/%.*s %lld",
	    STR_ARG(row->platform), STR_ARG(row->sale), (long long)row->until));
	struct rule_case rc = outbox_case(&f, row->tier);
	return end_guard(s, outbox_happen(&k, &f, &rc, rule, e), e);
}

/* The mail to the owner, which no rule names. */
static int
alert_owner(struct outbox_sink *k, const struct effect *f, struct err *e)
{
	char id[EFFECT_ID_MAX];
	struct buf b;
	if (k->c->follow_ups.alert_mail.p == NULL)
		return 0;
	if (effect_id(f, ACTION_MAIL, STR(ALERT_TARGET), id, e) != 0)
		return -1;
	buf_init(&b, EFFECT_PAYLOAD_MAX);
	int rc = effect_write(&b, f, NULL, NULL, e);
	const struct store_outbox row = { .kind = STR("mail"),
		.target = STR(ALERT_TARGET),
		.payload = buf_str(&b),
		.dedupe = str_from(id),
		.event = STORE_NULL,
		.added_at = f->at };
	if (rc == 0)
		rc = store_outbox_add(k->s, &row, e);
	buf_free(&b);
	return rc;
}

int
outbox_alert(struct store *s, const struct config *c, const char *once,
    const char *text, int64_t at, struct arena *a, struct err *e)
{
	struct outbox_sink k = { .s = s, .c = c, .a = a };
	const struct effect f = { .what = RULE_ALERT,
		.at = at,
		.event = STORE_NULL,
		.text = str_from(text),
		.once = str_from(arena_printf(a, "alert %s", once)) };
	const struct rule_case rc = outbox_case(&f, STR_NONE);
	if (f.once.p == NULL)
		return err_no_memory(e);
	return alert_owner(&k, &f, e) != 0
	    ? -1
	    : outbox_happen(&k, &f, &rc, NULL, e);
}

/* ---- when to try again --------------------------------------------------- */

int64_t
outbox_delay(int64_t attempts, uint32_t random)
{
	static const int32_t steps[OUTBOX_ATTEMPTS_MAX - 1] = { 5, 300, 1800,
		7200, 18000, 36000, 50400, 72000, 86400 };
	if (attempts < 1 || attempts >= OUTBOX_ATTEMPTS_MAX)
		return -1;
	int64_t step = steps[attempts - 1];
	return step + step * (int64_t)(random % 1000) / 5000;
}

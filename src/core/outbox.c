#include "core/outbox.h"

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "core/replace.h"
#include "core/rows.h"

enum { PERSON_HEX = 16 };

/* What is told of each action that would run. */
struct sink {
	struct store *s;
	const struct config *c;
	struct arena *a;
	outbox_plan_fn *plan; /* NULL: into the table */
	void *arg;
};

static int
no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

static int
is_wanted(const struct config *c)
{
	return c->follow_ups.n > 0 || c->follow_ups.alert_mail.p != NULL;
}

/* ---- one effect ---------------------------------------------------------- */

static int
person_digest(const struct access_key *key, char out[PERSON_HEX + 1])
{
	uint8_t digest[CRYPTO_SHA256];
	const struct str pieces[] = { str_from(key->word), STR(":"),
		key->value };
	if (crypto_hmac_sha256(STR("person"), pieces, 3, digest) != 0)
		return -1;
	crypto_hex(digest, PERSON_HEX / 2, out);
	return 0;
}

/* The payload and whom it is about; made once for all actions. */
static int
prepare(struct sink *k, const struct effect *f, struct buf *b,
    struct store_outbox *row, struct err *e)
{
	struct access_key key;
	struct access access;
	char person[PERSON_HEX + 1];
	int known = f->row != NULL && replace_key(f->row, k->a, &key) == 0;
	if (known) {
		if (access_lookup(
			k->s, &k->c->rules, &key, f->at, k->a, &access, e) != 0)
			return -1;
		if (person_digest(&key, person) != 0)
			return no_memory(e);
		row->person = str_from(arena_printf(k->a, "%s", person));
	}
	if (effect_write(b, f, known ? &access : NULL, &key, e) != 0)
		return -1;
	row->payload = buf_str(b);
	row->event = f->event;
	row->added_at = f->at;
	return 0;
}

static int
queue(struct sink *k, const struct effect *f, const struct action *action,
    struct buf *b, struct store_outbox *row, struct err *e)
{
	char id[EFFECT_ID_MAX];
	if (effect_id(f, action->kind, action->name, id, e) != 0)
		return -1;
	if (b->n == 0 && prepare(k, f, b, row, e) != 0)
		return -1;
	row->kind = str_from(action_words[action->kind]);
	row->target = action->name;
	row->dedupe = str_from(id);
	return store_outbox_add(k->s, row, e);
}

static int
happen(struct sink *k, const struct effect *f, const struct rule_case *rc,
    const struct rule *only, struct err *e)
{
	const struct rules *rules = &k->c->follow_ups;
	struct store_outbox row = { .event = STORE_NULL };
	struct buf b;
	int result = 0;
	if (f->once.p == NULL)
		return no_memory(e);
	buf_init(&b, EFFECT_PAYLOAD_MAX);
	for (size_t i = 0; result == 0 && i < rules->n; i++) {
		const struct rule *r = &rules->v[i];
		const char *refusal = rule_refusal(r, rc);
		if (k->plan != NULL && refusal != NULL &&
		    (r->events & 1U << rc->event) != 0)
			k->plan(k->arg, f, r, NULL, refusal);
		if ((only != NULL && only != r) || refusal != NULL)
			continue;
		for (size_t n = 0; result == 0 && n < r->n_actions; n++) {
			char id[EFFECT_ID_MAX];
			const struct action *action = &r->actions[n];
			if (k->plan == NULL)
				result = queue(k, f, action, &b, &row, e);
			else if ((result = effect_id(f, action->kind,
				      action->name, id, e)) == 0)
				k->plan(k->arg, f, r, action, id);
		}
	}
	buf_free(&b);
	return result;
}

static struct rule_case
case_of(const struct effect *f, struct str tier)
{
	struct rule_case rc = { .event = f->what,
		.platform = f->platform,
		.tier = tier,
		.from = f->before,
		.to = f->after };
	if (f->row != NULL) {
		rc.product = f->row->product;
		rc.product_name = f->row->product_name;
		rc.test = f->row->test != 0;
	}
	return rc;
}

/* Something about a purchase. */
static int
about_row(struct sink *k, struct effect *f, enum rule_event what,
    const struct store_purchase *row, struct str once, struct err *e)
{
	f->what = what;
	f->row = row;
	f->once = once;
	struct rule_case rc = case_of(f, row->tier);
	return happen(k, f, &rc, NULL, e);
}

/* ---- what a delivery did ------------------------------------------------- */

static const struct store_purchase *
find_sale(const struct rows *rows, struct str sale)
{
	for (size_t i = 0; sale.p != NULL && i < rows->n; i++)
		if (str_eq(rows->v[i].sale, sale))
			return &rows->v[i];
	return NULL;
}

static const struct store_purchase *
newest(const struct rows *rows)
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

static int
alert_unmatched(struct sink *k, const struct effect *f,
    const struct store_purchase *row, struct err *e)
{
	struct buf line;
	buf_init(&line, 4096);
	struct str variant = row->variant;
	/* Gank names the product in the title, Gumroad in the permalink */
	if (variant.p == NULL && str_eq_z(row->platform, "gank"))
		variant = row->product_name;
	int rc = 0;
	if (tier_grant_line(&line, row->platform, row->product, variant) == 0) {
		const char *once = arena_printf(
		    k->a, "unmatched %.*s", STR_ARG(buf_str(&line)));
		const char *text = arena_printf(k->a,
		    "Somebody bought what no tier of gatepost.conf grants. To "
		    "give a tier for it, put this line into its grants:\n\n\t"
		    "%.*s\n",
		    STR_ARG(buf_str(&line)));
		rc = once == NULL || text == NULL
		    ? no_memory(e)
		    : outbox_alert(k->s, k->c, once, text, f->at, k->a, e);
	}
	buf_free(&line);
	return rc;
}

static int
sold(struct sink *k, struct effect *f, const struct rows *rows,
    const struct store_purchase *row, struct err *e)
{
	/* a refund that came before its sale: nobody is to be welcomed */
	if ((row->since == STORE_NULL && !row->test) ||
	    row->refunded_at != STORE_NULL ||
	    (row->disputed_at != STORE_NULL &&
		row->dispute_won_at == STORE_NULL))
		return 0;
	int first = is_first(rows, row);
	if (about_row(k, f, first ? RULE_PURCHASE : RULE_RENEWAL, row,
		once_of(k->a, "sale", row), e) != 0)
		return -1;
	if (!first || row->since == STORE_NULL || k->c->rules.n_tiers == 0 ||
	    tier_find(&k->c->rules, row->tier) != NULL)
		return 0;
	if (about_row(k, f, RULE_UNMATCHED, row,
		once_of(k->a, "unmatched", row), e) != 0)
		return -1;
	return k->plan != NULL ? 0 : alert_unmatched(k, f, row, e);
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
subscription(struct sink *k, struct effect *f, const struct fact *fact,
    const struct rows *rows, struct err *e)
{
	struct subscription sub = { 0 };
	const struct store_purchase *row = newest(rows);
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
			return about_row(k, f, cases[i].what, row,
			    str_from(arena_printf(k->a, "%s %.*s/%.*s %lld",
				rule_words[cases[i].what], STR_ARG(f->platform),
				STR_ARG(f->subject), (long long)cases[i].at)),
			    e);
	return 0;
}

/* A date that moved nearer never crosses the line the clock looks at. */
static int
expires_soon(struct sink *k, const struct effect *f, const struct rows *rows,
    struct err *e)
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
applied(struct sink *k, struct effect *f, const struct outbox_delivery *d,
    const struct rows *rows, struct err *e)
{
	const struct fact *fact = d->fact;
	const struct store_purchase *row =
	    find_sale(rows, project_column(k->a, fact->sale));
	switch (fact->kind) {
	case FACT_SALE:
	case FACT_PAYMENT:
		return row == NULL ? 0 : sold(k, f, rows, row, e);
	case FACT_REFUND:
		if (row != NULL && !fact->refunded)
			return about_row(k, f, RULE_PARTIAL_REFUND, row,
			    str_from(arena_printf(
				k->a, "partial %.*s", STR_ARG(fact->delivery))),
			    e);
		if (row != NULL && row->refunded_at != STORE_NULL &&
		    about_row(k, f, RULE_REFUNDED, row,
			once_of(k->a, "refunded", row), e) != 0)
			return -1;
		break;
	case FACT_DISPUTE:
		if (row != NULL &&
		    about_row(k, f, RULE_DISPUTED, row,
			once_of(k->a, "disputed", row), e) != 0)
			return -1;
		break;
	case FACT_DISPUTE_WON:
		if (row != NULL &&
		    about_row(k, f, RULE_DISPUTE_WON, row,
			once_of(k->a, "won", row), e) != 0)
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
		break;
	}
	return expires_soon(k, f, rows, e);
}

static int
kept(struct sink *k, struct effect *f, const struct outbox_delivery *d,
    struct err *e)
{
	char day[TIME_TEXT_MAX];
	f->what = RULE_KEPT;
	f->reason = d->reason;
	f->once = str_from(arena_printf(k->a, "kept %.*s/%.*s",
	    STR_ARG(f->platform), STR_ARG(d->fact->delivery)));
	struct rule_case rc = case_of(f, STR_NONE);
	if (happen(k, f, &rc, NULL, e) != 0)
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
	    ? no_memory(e)
	    : outbox_alert(k->s, k->c, once, text, f->at, k->a, e);
}

static int
delivered(struct sink *k, const struct outbox_delivery *d, struct err *e)
{
	struct rows rows = { .arena = k->a };
	struct effect f = { .what = RULE_DELIVERY,
		.at = d->at,
		.event = d->event,
		.platform = str_from(d->platform->name),
		.subject = d->subject };
	int is_applied = str_eq_z(d->status, "applied");
	if (is_applied &&
	    store_purchase_of_subject(
		k->s, f.platform, f.subject, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return no_memory(e);
	f.once = str_from(arena_printf(k->a, "delivery %.*s/%.*s",
	    STR_ARG(f.platform), STR_ARG(d->fact->delivery)));
	f.row = find_sale(&rows, project_column(k->a, d->fact->sale));
	if (f.row == NULL)
		f.row = newest(&rows);
	struct rule_case rc =
	    case_of(&f, f.row == NULL ? STR_NONE : f.row->tier);
	rc.test |= str_eq_z(d->status, "test") || d->fact->test;
	if (happen(k, &f, &rc, NULL, e) != 0)
		return -1;
	f.row = NULL;
	if (is_applied)
		return applied(k, &f, d, &rows, e);
	return str_eq_z(d->status, "kept") ? kept(k, &f, d, e) : 0;
}

/* ---- the door ------------------------------------------------------------ */

static int
is_fatal(const struct err *e)
{
	return e->code == ERR_DB || e->code == ERR_BUSY ||
	    e->code == ERR_ABSENT;
}

/* What went wrong goes into a note: the cause goes on without it. */
static int
end_guard(struct store *s, int rc, struct err *e)
{
	if (rc == 0)
		return store_release(s, e);
	if (is_fatal(e))
		return -1;
	struct err why = *e;
	*e = (struct err){ .code = ERR_NONE };
	if (store_rollback_to(s, e) != 0 || store_release(s, e) != 0)
		return -1;
	return store_meta_put(s, STR("outbox_error"), str_from(why.text), e);
}

int
outbox_delivered(struct store *s, const struct config *c,
    const struct outbox_delivery *d, struct arena *a, struct err *e)
{
	struct sink k = { .s = s, .c = c, .a = a };
	if (!is_wanted(c))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	return end_guard(s, delivered(&k, d, e), e);
}

int
outbox_plan(struct store *s, const struct config *c,
    const struct outbox_delivery *d, outbox_plan_fn *fn, void *arg,
    struct arena *a, struct err *e)
{
	struct sink k = { .s = s, .c = c, .a = a, .plan = fn, .arg = arg };
	return delivered(&k, d, e);
}

static int
changed(struct sink *k, struct effect *f, struct err *e)
{
	struct access_key key;
	if (replace_key(f->row, k->a, &key) != 0)
		return 0;
	f->what = RULE_TIER_CHANGED;
	f->once = str_from(arena_printf(k->a, "changed %s:%.*s %.*s>%.*s %lld",
	    key.word, STR_ARG(key.value), STR_ARG(f->before), STR_ARG(f->after),
	    (long long)(f->event != STORE_NULL ? f->event : f->at)));
	struct rule_case rc = case_of(f, f->after);
	if (happen(k, f, &rc, NULL, e) != 0)
		return -1;
	if (f->event != STORE_NULL || f->after.p != NULL)
		return 0;
	f->what = RULE_LAPSED;
	f->once = str_from(arena_printf(k->a, "lapsed %s:%.*s %lld", key.word,
	    STR_ARG(key.value), (long long)f->at));
	rc = case_of(f, f->before);
	return happen(k, f, &rc, NULL, e);
}

int
outbox_changed(struct store *s, const struct config *c,
    const struct store_purchase *row, struct str before, struct str after,
    int64_t at, int64_t event, struct arena *a, struct err *e)
{
	struct sink k = { .s = s, .c = c, .a = a };
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
	struct sink k = { .s = s, .c = c, .a = a };
	struct effect f = { .what = RULE_EXPIRING,
		.at = at,
		.event = STORE_NULL,
		.platform = row->platform,
		.subject = row->subject,
		.row = row };
	struct str now, then;
	/* what another purchase goes on giving does not end */
	if (replace_tier(s, c, row, at, a, &now, e) != 0 ||
	    replace_tier(s, c, row, row->until, a, &then, e) != 0)
		return -1;
	if (now.p == NULL || str_eq(now, then))
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	f.once = str_from(arena_printf(a, "expiring %.*s/%.*s %lld",
	    STR_ARG(row->platform), STR_ARG(row->sale), (long long)row->until));
	struct rule_case rc = case_of(&f, row->tier);
	return end_guard(s, happen(&k, &f, &rc, rule, e), e);
}

int
outbox_alert(struct store *s, const struct config *c, const char *once,
    const char *text, int64_t at, struct arena *a, struct err *e)
{
	char id[EFFECT_ID_MAX];
	struct effect f = { .once =
				str_from(arena_printf(a, "alert %s", once)) };
	struct buf b;
	if (c->follow_ups.alert_mail.p == NULL)
		return 0;
	if (f.once.p == NULL)
		return no_memory(e);
	if (effect_id(&f, ACTION_MAIL, STR(RULE_ALERT), id, e) != 0)
		return -1;
	buf_init(&b, EFFECT_PAYLOAD_MAX);
	jsonw_open(&b, '{');
	jsonw_text(&b, "type", STR("alert"));
	jsonw_time(&b, "timestamp", at);
	jsonw_key(&b, "data");
	jsonw_open(&b, '{');
	jsonw_text(&b, "text", str_from(text));
	jsonw_close(&b, '}');
	jsonw_close(&b, '}');
	struct store_outbox row = { .kind = STR("mail"),
		.target = STR(RULE_ALERT),
		.payload = buf_str(&b),
		.dedupe = str_from(id),
		.event = STORE_NULL,
		.added_at = at };
	int rc = buf_ok(&b) ? store_outbox_add(s, &row, e) : no_memory(e);
	buf_free(&b);
	return rc;
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

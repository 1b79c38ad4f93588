#include "commit/project.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "fold/column.h"
#include "config/config_names.h"
#include "fold/fold.h"
#include "fold/manual.h"
#include "commit/gather.h"
#include "commit/refile.h"
#include "commit/replace.h"

enum { DIGEST_TEXT_MAX = 1024 * 1024 };

/* Texts fit for columns, in place. */
static int
clean(struct arena *a, struct str *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*texts[i] = project_column(a, *texts[i]);
	return arena_failed(a) ? -1 : 0;
}

static int
clean_purchase(struct arena *a, struct store_purchase *p)
{
	struct str *const texts[] = { &p->sale, &p->subscription, &p->product,
		&p->product_name, &p->variant, &p->user_ref, &p->email,
		&p->buyer, &p->license, &p->currency, &p->recurrence, &p->tier,
		&p->subject };
	return clean(a, texts, sizeof(texts) / sizeof(texts[0]));
}

static int
clean_subscription(struct arena *a, struct store_subscription *sub)
{
	struct str *const texts[] = { &sub->subscription, &sub->product,
		&sub->tier, &sub->ended_reason, &sub->next_tier,
		&sub->subject };
	return clean(a, texts, sizeof(texts) / sizeof(texts[0]));
}

static int
clean_rows(struct arena *a, struct fold_rows *rows, struct err *e)
{
	int bad = 0;
	for (size_t i = 0; i < rows->n_purchases; i++)
		bad |= clean_purchase(a, &rows->purchases[i]);
	if (rows->subscription != NULL)
		bad |= clean_subscription(a, rows->subscription);
	return bad ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

/* What the subject's rows have to be. */
static int
fold_now(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, const struct project_known *known, struct gather *g,
    struct fold_rows *rows, struct err *e)
{
	g->config = c;
	g->platform = p;
	g->known = known;
	g->err = e;
	if (gather_subject(g, s, subject) != 0 || gather_marks(g, s) != 0 ||
	    gather_entries(g, s, subject) != 0 ||
	    fold_subject(
		p, subject, g->d, g->n, &c->rules, g->arena, rows, e) != 0)
		return -1;
	return clean_rows(g->arena, rows, e);
}

static int
is_in(const int64_t *v, size_t n, int64_t event)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == event)
			return 1;
	return 0;
}

/* Notes in the log which events contradict the one that counts. */
static int
note_conflicts(struct store *s, const struct gather *g,
    const struct fold_rows *rows, struct err *e)
{
	for (size_t i = 0; i < rows->n_conflicts; i++)
		if (!is_in(g->conflicts, g->n_conflicts, rows->conflicts[i]) &&
		    store_event_status(s, rows->conflicts[i], STR("applied"),
			STR(GATHER_CONFLICT), e) != 0)
			return -1;
	for (size_t i = 0; i < g->n_conflicts; i++)
		if (!is_in(
			rows->conflicts, rows->n_conflicts, g->conflicts[i]) &&
		    store_event_status(
			s, g->conflicts[i], STR("applied"), STR_NONE, e) != 0)
			return -1;
	return 0;
}

struct owner {
	struct arena *arena;
	struct str subject; /* that the row of a sale belongs to */
};

static int
take_owner(void *arg, const struct store_purchase *row)
{
	struct owner *o = arg;
	o->subject = str_copy(o->arena, row->subject);
	return 1;
}

/* A sale whose row another subject holds: deliveries of it are filed there as
 * well, as when those here were voided meanwhile. They come together here.
 * *moved: some did. */
static int
gather_sales(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, const struct fold_rows *rows,
    const struct project_when *when, struct arena *a, int *moved, struct err *e)
{
	*moved = 0;
	for (size_t i = 0; i < rows->n_purchases + rows->n_moves; i++) {
		struct str sale = i < rows->n_purchases
		    ? rows->purchases[i].sale
		    : project_column(
			  a, rows->moves[i - rows->n_purchases].sale);
		struct owner o = { .arena = a };
		struct err absent = { .code = ERR_NONE };
		if (store_purchase_get(s, str_from(p->name), sale, take_owner,
			&o, &absent) != 0 &&
		    absent.code != ERR_ABSENT) {
			*e = absent;
			return -1;
		}
		if (o.subject.p == NULL || str_eq(o.subject, subject))
			continue;
		*moved = 1;
		if (refile_sale(s, c, p, sale, o.subject, subject, a, e) != 0 ||
		    project_subject(s, c, p, o.subject, NULL, when, a, e) != 0)
			return -1;
	}
	return 0;
}

/* The sales that belong elsewhere go there. */
static int
send_sales(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, const struct fold_rows *rows,
    const struct project_when *when, struct arena *a, struct err *e)
{
	for (size_t i = 0; i < rows->n_moves; i++)
		if (refile_sale(s, c, p, rows->moves[i].sale, subject,
			rows->moves[i].subject, a, e) != 0 ||
		    project_subject(
			s, c, p, rows->moves[i].subject, NULL, when, a, e) != 0)
			return -1;
	return 0;
}

/* *entries: as in struct gather. */
static int
project_one(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, struct project_known *known,
    const struct project_when *when, struct arena *a, struct str *entries,
    struct err *e)
{
	struct gather g = { .arena = a };
	struct fold_rows rows;
	int again = 0;
	if (fold_now(s, c, p, subject, known, &g, &rows, e) != 0)
		return -1;
	*entries = g.entries;
	if (known != NULL && known->alone && rows.n_purchases <= 1)
		return replace_nothing(s, c, &rows, when, a, e);
	if (known == NULL &&
	    gather_sales(s, c, p, subject, &rows, when, a, &again, e) != 0)
		return -1;
	if (again) {
		g = (struct gather){ .arena = a };
		if (fold_now(s, c, p, subject, NULL, &g, &rows, e) != 0)
			return -1;
	}
	if (known != NULL)
		known->moved = rows.n_moves > 0;
	return note_conflicts(s, &g, &rows, e) != 0 ||
		replace_rows(
		    s, c, str_from(p->name), subject, &rows, when, a, e) != 0
	    ? -1
	    : send_sales(s, c, p, subject, &rows, when, a, e);
}

/* What the list of members says of a buyer belongs to one of all his
 * memberships; which, the others' payments tell too. */
int
project_subject(struct store *s, const struct config *c,
    const struct platform *p, struct str subject, struct project_known *known,
    const struct project_when *when, struct arena *a, struct err *e)
{
	struct str entries, names[GATHER_MEMBERSHIPS + 1];
	size_t n = 0;
	if (project_one(s, c, p, subject, known, when, a, &entries, e) != 0)
		return -1;
	if (entries.p != NULL &&
	    gather_memberships(s, p, entries, a, names, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(names[i], subject) &&
		    project_one(
			s, c, p, names[i], NULL, when, a, &entries, e) != 0)
			return -1;
	return 0;
}

static int
fold_grant_now(struct store *s, struct str subject, struct arena *a,
    struct fold_rows *rows, struct err *e)
{
	struct gather g = { .arena = a, .err = e };
	if (gather_by_hand(&g, s, subject) != 0 ||
	    fold_grants(subject, g.d, g.n, a, rows, e) != 0)
		return -1;
	return clean_rows(a, rows, e);
}

int
project_grant(struct store *s, const struct config *c, struct str subject,
    const struct project_when *when, struct arena *a, struct err *e)
{
	struct fold_rows rows;
	if (fold_grant_now(s, subject, a, &rows, e) != 0)
		return -1;
	return replace_rows(s, c, STR("manual"), subject, &rows, when, a, e);
}

static int
is_grant(struct str platform, struct str subject)
{
	return str_eq_z(platform, "manual") &&
	    str_starts(subject, STR("grant:"));
}

int
project_any(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct project_when *when, struct arena *a,
    struct err *e)
{
	const struct platform *p = platform_find(platform);
	if (is_grant(platform, subject))
		return project_grant(s, c, subject, when, a, e);
	return p == NULL ? 0
			 : project_subject(s, c, p, subject, NULL, when, a, e);
}

int
project_differs(struct store *s, const struct config *c, struct str platform,
    struct str subject, struct arena *a, size_t *rows, struct err *e)
{
	struct gather g = { .arena = a };
	struct fold_rows now;
	const struct platform *p = platform_find(platform);
	*rows = 0;
	if (is_grant(platform, subject)) {
		if (fold_grant_now(s, subject, a, &now, e) != 0)
			return -1;
	} else if (p == NULL) {
		return 0;
	} else if (fold_now(s, c, p, subject, NULL, &g, &now, e) != 0) {
		return -1;
	}
	return replace_differs(s, platform, subject, &now, a, rows, e);
}

int
project_waits(struct store *s, const struct config *c,
    const struct store_purchase *sale, struct arena *a, int *waits,
    struct err *e)
{
	struct gather g = { .arena = a };
	struct fold_rows now;
	const struct platform *p = platform_find(sale->platform);
	*waits = 0;
	if (p == NULL)
		return 0;
	if (fold_now(s, c, p, sale->subject, NULL, &g, &now, e) != 0)
		return -1;
	for (size_t i = 0; i < now.n_purchases; i++)
		if (str_eq(now.purchases[i].sale, sale->sale))
			*waits = now.whys[i].known == FOLD_UNCONFIRMED;
	return 0;
}

static void
add_allows(struct buf *b, const struct tier *t)
{
	for (size_t i = 0; i < t->n_allows; i++) {
		if (i > 0)
			buf_addc(b, ',');
		buf_adds(b, t->allows[i]);
	}
}

static int
put_tiers(
    struct store *s, const struct tier_rules *r, struct buf *b, struct err *e)
{
	if (store_tier_drop_all(s, e) != 0)
		return -1;
	for (size_t i = 0; i < r->n_tiers; i++) {
		buf_reset(b);
		add_allows(b, &r->tiers[i]);
		if (store_tier_put(s, r->tiers[i].name, r->tiers[i].rank,
			buf_str(b), e) != 0)
			return -1;
	}
	return 0;
}

/* What the tiers table has to hold, as 64 hex digits. */
static int
tiers_digest(const struct tier_rules *r, struct buf *b,
    char hex[CRYPTO_SHA256_HEX + 1], struct err *e)
{
	uint8_t digest[CRYPTO_SHA256];
	for (size_t i = 0; i < r->n_tiers; i++) {
		buf_add_json(b, r->tiers[i].name);
		buf_addi(b, r->tiers[i].rank);
		add_allows(b, &r->tiers[i]);
		buf_addc(b, '\n');
	}
	if (!buf_ok(b) || crypto_sha256(buf_str(b), digest) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(digest, sizeof(digest), hex);
	return 0;
}

int
project_tiers(struct store *s, const struct config *c, struct err *e)
{
	char hex[CRYPTO_SHA256_HEX + 1];
	struct buf b;
	int same = 0, rc = -1;
	buf_init(&b, DIGEST_TEXT_MAX);
	if (tiers_digest(&c->rules, &b, hex, e) != 0 ||
	    store_meta_is(s, STR("tiers"), str_from(hex), &same, e) != 0)
		goto out;
	if (same) {
		rc = 0;
		goto out;
	}
	if (store_begin(s, e) != 0)
		goto out;
	rc = put_tiers(s, &c->rules, &b, e) == 0 &&
		store_meta_put(s, STR("tiers"), str_from(hex), e) == 0 &&
		store_commit(s, e) == 0
	    ? 0
	    : -1;
	if (rc != 0)
		store_rollback(s);
out:
	buf_free(&b);
	return rc;
}

static void
add_rules(struct buf *b, const struct tier_rules *r)
{
	for (size_t i = 0; i < r->n_tiers; i++) {
		const struct tier *t = &r->tiers[i];
		buf_add_json(b, t->name);
		buf_addf(b, " %lld %d %d\n", (long long)t->rank, (int)t->lasts,
		    t->payments);
		for (size_t k = 0; k < t->n_grants; k++) {
			buf_add_json(b, t->grants[k].platform);
			buf_add_json(b, t->grants[k].product);
			if (t->grants[k].variant.p != NULL)
				buf_add_json(b, t->grants[k].variant);
			buf_addc(b, '\n');
		}
	}
}

int
project_digest(const struct config *c, char hex[65], struct err *e)
{
	uint8_t digest[CRYPTO_SHA256];
	struct buf b;
	buf_init(&b, DIGEST_TEXT_MAX);
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		buf_addf(&b, "%s %d %lld %d %d ", platforms[i]->name,
		    platforms[i]->version, (long long)c->rules.grace[i],
		    c->rules.accept_test[i], (int)c->rules.confirm[i]);
		buf_add_json(&b, c->platforms[i].reference);
		buf_addc(&b, '\n');
	}
	add_rules(&b, &c->rules);
	int rc = buf_ok(&b) && crypto_sha256(buf_str(&b), digest) == 0
	    ? 0
	    : err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0)
		crypto_hex(digest, sizeof(digest), hex);
	buf_free(&b);
	return rc;
}

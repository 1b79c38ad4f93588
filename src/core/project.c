#include "core/project.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "core/fold.h"
#include "core/manual.h"
#include "core/replace.h"

enum { DELIVERIES_FIRST = 16, DIGEST_TEXT_MAX = 1024 * 1024 };

struct decode_opts
project_opts(const struct config *c, const struct platform *p)
{
	return (struct decode_opts){
		.reference = c->platforms[platform_index(p)].reference
	};
}

struct str
project_column(struct arena *a, struct str s)
{
	return s.p == NULL ? s : str_clean_utf8(a, s, 1);
}

struct gather {
	const struct config *config;
	const struct platform *platform;
	const struct project_known *known;
	struct arena *arena;
	struct fold_delivery *d;
	size_t n, size;
	struct err *err;
	int failed;
};

static struct fold_delivery *
gather_room(struct gather *g)
{
	if (g->n == g->size) {
		size_t size = g->size == 0 ? DELIVERIES_FIRST : g->size * 2;
		struct fold_delivery *d =
		    arena_alloc(g->arena, size * sizeof(*d));
		if (d == NULL)
			return NULL;
		if (g->n > 0)
			memcpy(d, g->d, g->n * sizeof(*d));
		g->d = d;
		g->size = size;
	}
	return &g->d[g->n];
}

/* A later decoder may understand less: what it keeps does not count. */
static int
take_fact(struct gather *g, const struct fact *fact, int64_t received_at,
    int64_t sent_at)
{
	if (fact->status == FACT_APPLIED)
		g->d[g->n++] = (struct fold_delivery){ .fact = fact,
			.received_at = received_at,
			.sent_at = sent_at };
	return 0;
}

static int
take_delivery(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	const struct fact *fact = NULL;
	if (gather_room(g) == NULL)
		goto memory;
	if (g->known != NULL && g->known->event == row->id) {
		fact = g->known->fact;
	} else {
		struct fact *f = arena_alloc(g->arena, sizeof(*f));
		char *body = arena_dup(g->arena, row->body.p, row->body.n);
		struct decode_opts opts = project_opts(g->config, g->platform);
		if (f == NULL || body == NULL)
			goto memory;
		if (g->platform->decode((struct str){ body, row->body.n },
			&opts, g->arena, f, g->err) != 0) {
			g->failed = 1;
			return 1;
		}
		/* that of a delivery rewritten since would be another one */
		f->delivery.p =
		    arena_dup(g->arena, row->delivery.p, row->delivery.n);
		f->delivery.n = row->delivery.n;
		if (f->delivery.p == NULL)
			goto memory;
		fact = f;
	}
	return take_fact(g, fact, row->received_at, row->sent_at);
memory:
	g->failed = 1;
	err_set(g->err, ERR_MEMORY, "out of memory");
	return 1;
}

/* Manual events about the subject, decoded; one that this version does not
 * know says nothing. */
static int
take_manual(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	struct fold_delivery *d = gather_room(g);
	struct manual *m = arena_alloc(g->arena, sizeof(*m));
	struct err err = { .code = ERR_NONE };
	char *delivery = arena_dup(g->arena, row->delivery.p, row->delivery.n);
	int unknown = d != NULL && m != NULL && delivery != NULL &&
	    manual_decode(g->arena, row->body,
		(struct str){ delivery, row->delivery.n }, m, &err) != 0;
	if (d == NULL || m == NULL || delivery == NULL ||
	    err.code == ERR_MEMORY) {
		g->failed = 1;
		err_set(g->err, ERR_MEMORY, "out of memory");
		return 1;
	}
	if (unknown)
		return 0;
	*d = (struct fold_delivery){ .manual = m,
		.event = row->id,
		.received_at = row->received_at,
		.sent_at = FACT_NO_TIME };
	g->n++;
	return 0;
}

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

static int
gather_deliveries(struct gather *g, struct store *s, struct str subject)
{
	const struct project_known *known = g->known;
	if (known == NULL || !known->alone)
		return store_event_of_subject(s, str_from(g->platform->name),
			   subject, take_delivery, g, g->err) != 0 ||
			g->failed
		    ? -1
		    : 0;
	if (gather_room(g) == NULL)
		return err_set(g->err, ERR_MEMORY, "out of memory");
	return take_fact(g, known->fact, known->received_at, known->sent_at);
}

/* What the subject's rows have to be. */
static int
fold_now(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, const struct project_known *known, struct arena *a,
    struct fold_rows *rows, struct err *e)
{
	struct str platform = str_from(p->name);
	struct str about = manual_subject(a, platform, subject);
	struct gather g = {
		.config = c, .platform = p, .known = known, .arena = a, .err = e
	};
	if (about.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (gather_deliveries(&g, s, subject) != 0 ||
	    store_event_of_subject(
		s, STR("manual"), about, take_manual, &g, e) != 0 ||
	    g.failed ||
	    fold_subject(p, subject, g.d, g.n, &c->rules, a, rows, e) != 0)
		return -1;
	return clean_rows(a, rows, e);
}

int
project_subject(struct store *s, const struct config *c,
    const struct platform *p, struct str subject,
    const struct project_known *known, const struct project_when *when,
    struct arena *a, struct err *e)
{
	struct fold_rows rows;
	if (fold_now(s, c, p, subject, known, a, &rows, e) != 0)
		return -1;
	return known != NULL && known->alone && rows.n_purchases <= 1
	    ? replace_nothing(s, c, &rows, when, a, e)
	    : replace_rows(s, c, str_from(p->name), subject, &rows, when, a, e);
}

static int
fold_grant_now(struct store *s, struct str subject, struct arena *a,
    struct fold_rows *rows, struct err *e)
{
	struct gather g = { .arena = a, .err = e };
	if (store_event_of_subject(
		s, STR("manual"), subject, take_manual, &g, e) != 0 ||
	    g.failed || fold_grants(subject, g.d, g.n, a, rows, e) != 0)
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
	struct fold_rows now;
	const struct platform *p = platform_find(platform);
	*rows = 0;
	if (is_grant(platform, subject)) {
		if (fold_grant_now(s, subject, a, &now, e) != 0)
			return -1;
	} else if (p == NULL) {
		return 0;
	} else if (fold_now(s, c, p, subject, NULL, a, &now, e) != 0) {
		return -1;
	}
	return replace_differs(s, platform, subject, &now, a, rows, e);
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
		buf_addf(b, " %lld %d\n", (long long)t->rank, t->forever);
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
		buf_addf(&b, "%s %d %lld %d ", platforms[i]->name,
		    platforms[i]->version, (long long)c->rules.grace[i],
		    c->rules.accept_test[i]);
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

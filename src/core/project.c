#include "core/project.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "core/fold.h"

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

static int
take_delivery(void *arg, const struct store_event *row)
{
	struct gather *g = arg;
	struct fold_delivery *d = gather_room(g);
	const struct fact *fact = NULL;
	if (d == NULL)
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
		fact = f;
	}
	/* a later decoder may understand less: what it keeps does not count */
	if (fact->status != FACT_APPLIED)
		return 0;
	*d = (struct fold_delivery){ .fact = fact,
		.received_at = row->received_at,
		.sent_at = row->sent_at };
	g->n++;
	return 0;
memory:
	g->failed = 1;
	err_set(g->err, ERR_MEMORY, "out of memory");
	return 1;
}

static int
put_purchase(struct store *s, const struct store_purchase *row, struct arena *a,
    struct err *e)
{
	struct store_purchase p = *row;
	struct str *texts[] = { &p.sale, &p.subscription, &p.product,
		&p.product_name, &p.variant, &p.user_ref, &p.email, &p.buyer,
		&p.license, &p.currency, &p.recurrence, &p.tier, &p.subject };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = project_column(a, *texts[i]);
	return store_purchase_put(s, &p, e);
}

static int
put_subscription(struct store *s, const struct store_subscription *row,
    struct arena *a, struct err *e)
{
	struct store_subscription sub = *row;
	struct str *texts[] = { &sub.subscription, &sub.product, &sub.tier,
		&sub.ended_reason, &sub.next_tier, &sub.subject };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = project_column(a, *texts[i]);
	return store_subscription_put(s, &sub, e);
}

int
project_subject(struct store *s, const struct config *c,
    const struct platform *p, struct str subject,
    const struct project_known *known, struct arena *a, struct err *e)
{
	struct str platform = str_from(p->name);
	struct gather g = {
		.config = c, .platform = p, .known = known, .arena = a, .err = e
	};
	struct fold_rows rows;
	if (store_event_of_subject(
		s, platform, subject, take_delivery, &g, e) != 0 ||
	    g.failed ||
	    fold_subject(p, subject, g.d, g.n, &c->rules, a, &rows, e) != 0 ||
	    store_purchase_drop(s, platform, subject, e) != 0 ||
	    store_subscription_drop(s, platform, subject, e) != 0)
		return -1;
	for (size_t i = 0; i < rows.n_purchases; i++)
		if (put_purchase(s, &rows.purchases[i], a, e) != 0)
			return -1;
	return rows.subscription == NULL
	    ? 0
	    : put_subscription(s, rows.subscription, a, e);
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

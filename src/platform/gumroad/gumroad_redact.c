#include "platform/gumroad/gumroad.h"

#include <string.h>

#include "base/form.h"
#include "base/json.h"
#include "base/time.h"
#include "platform/redact.h"

/*
 * What stays of a ping when its buyer is erased: these keys, of these shapes,
 * and nothing else, so that no text of a buyer's slips through. Keys are
 * those of app/modules/purchase/ping_notification.rb and
 * app/modules/subscription/ping_notification.rb.
 */
enum shape {
	ID,
	NAME, /* the seller's words */
	NUMBER,
	FLAG,
	MOMENT,
	NAMES, /* a map or list of them */
	IDS,
	PLAN,
};

static const struct kept {
	const char *key;
	enum shape shape;
} keeps[] = {
	{ "seller_id", ID },
	{ "product_id", NAME }, /* a name like the others, to grants */
	{ "product_name", NAME },
	{ "permalink", NAME },
	{ "product_permalink", NAME },
	{ "short_product_id", NAME },
	{ "price", NUMBER },
	{ "gumroad_fee", NUMBER },
	{ "currency", NAME },
	{ "quantity", NUMBER },
	{ "sale_id", ID },
	{ "sale_timestamp", MOMENT },
	{ "subscription_id", ID },
	{ "variants", NAMES },
	{ "test", FLAG },
	{ "is_recurring_charge", FLAG },
	{ "is_preorder_authorization", FLAG },
	{ "shipping_rate", NUMBER },
	{ "recurrence", NAME },
	{ "affiliate_credit_amount_cents", NUMBER },
	{ "gift_price", NUMBER },
	{ "purchase_ids", IDS },
	{ "created_at", MOMENT },
	{ "charge_occurrence_count", NUMBER },
	{ "free_trial_ends_at", MOMENT },
	{ "is_gift_receiver_purchase", FLAG },
	{ "refunded", FLAG },
	{ "disputed", FLAG },
	{ "dispute_won", FLAG },
	{ "cancelled", FLAG },
	{ "cancelled_at", MOMENT },
	{ "cancelled_by_admin", FLAG },
	{ "cancelled_by_buyer", FLAG },
	{ "cancelled_by_seller", FLAG },
	{ "cancelled_due_to_payment_failures", FLAG },
	{ "ended_at", MOMENT },
	{ "ended_reason", NAME },
	{ "restarted_at", MOMENT },
	{ "type", NAME },
	{ "effective_as_of", MOMENT },
	{ "old_plan", PLAN },
	{ "new_plan", PLAN },
};

/* Keys under which an address is the buyer's. */
static const char *const own[] = { "email", "user_email", "card[visual]" };

enum { BODY_MAX = 8 * 1024 * 1024 }; /* all escaped twice: five for one */

static void
add_pair(struct buf *b, struct str key, struct str value)
{
	if (b->n > 0)
		buf_addc(b, '&');
	form_encode(b, key);
	buf_addc(b, '=');
	form_encode(b, value);
}

static int
fits(enum shape shape, struct str s)
{
	int64_t v;
	switch (shape) {
	case ID:
		return platform_identifier(s).p != NULL;
	case NUMBER:
		return str_int64(s, INT64_MIN, INT64_MAX, &v) == 0;
	case FLAG:
		return str_eq_z(s, "true") || str_eq_z(s, "false");
	case MOMENT:
		return time_parse(s, &v) == 0;
	default:
		return s.n > 0;
	}
}

static void
add_scalar(
    struct buf *b, struct str key, const struct node *n, enum shape shape)
{
	struct str s = node_text(n);
	if (s.p != NULL && fits(shape, s))
		add_pair(b, key, s);
}

/* A name of a map: brackets in it as Gumroad writes them, escaped twice. */
static void
add_name(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '[')
			buf_addz(b, "%5B");
		else if (name.p[i] == ']')
			buf_addz(b, "%5D");
		else
			buf_addc(b, name.p[i]);
	}
}

static void
add_children(
    struct buf *b, const char *key, const struct node *parent, enum shape shape)
{
	struct buf name;
	int is_map = parent->kind == NODE_MAP;
	if (!is_map && parent->kind != NODE_LIST)
		return;
	buf_init(&name, BODY_MAX);
	for (const struct node *c = parent->first; c != NULL; c = c->next) {
		/* without a name it would be read as a list */
		if (is_map && c->key.n == 0)
			continue;
		buf_reset(&name);
		buf_addf(&name, "%s[", key);
		add_name(&name, is_map ? c->key : STR(""));
		buf_addc(&name, ']');
		add_scalar(b, buf_str(&name), c, shape);
	}
	b->failed |= !buf_ok(&name);
	buf_free(&name);
}

static void
add_plan(struct buf *b, const char *key, const struct node *plan)
{
	static const struct {
		const char *map, *key;
		enum shape shape;
	} parts[] = { { "tier", "id", ID }, { "tier", "name", NAME },
		{ NULL, "recurrence", NAME }, { NULL, "price_cents", NUMBER },
		{ NULL, "quantity", NUMBER } };
	size_t before = b->n;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char name[64];
		const char *map = parts[i].map;
		const struct node *in =
		    map == NULL ? plan : node_get_z(plan, map);
		snprintf(name, sizeof(name), "%s%s%s%s[%s]", key,
		    map == NULL ? "" : "[", map == NULL ? "" : map,
		    map == NULL ? "" : "]", parts[i].key);
		add_scalar(b, str_from(name), node_get_z(in, parts[i].key),
		    parts[i].shape);
	}
	/* a map it was, and without one the change would not be one */
	if (plan->kind == NODE_MAP && b->n == before)
		buf_addf(b, "&%s[erased]=true", key);
}

static void
add_kept(struct buf *b, const struct gumroad_read *r, const struct kept *k)
{
	const struct node *n = node_get_z(r->root, k->key);
	if (n == NULL || gumroad_is_shadowed(r, k->key))
		return;
	if (k->shape == PLAN)
		add_plan(b, k->key, n);
	else if (k->shape == NAMES || k->shape == IDS)
		add_children(b, k->key, n, k->shape == IDS ? ID : NAME);
	else
		add_scalar(b, str_from(k->key), n, k->shape);
}

/* What decode kept must not be applied by a later replay: it has lost what
 * made it doubtful. Without a resource and a test mark no ping is. */
static void
redact_all(const struct fact *f, struct buf *b)
{
	const struct gumroad_read *r = f->detail_of_platform;
	int kept = f->status == FACT_KEPT;
	buf_addz(b, "erased=true");
	if (r->root == NULL || r->shape == GUMROAD_NEITHER)
		return;
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++)
		if (!kept || strcmp(keeps[i].key, "test") != 0)
			add_kept(b, r, &keeps[i]);
	if (!kept && r->resource_named)
		add_pair(b, STR("resource_name"), f->kind_name);
}

static int
is_own(struct str key)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (str_eq_z(key, own[i]))
			return 1;
	return 0;
}

/* Leaves out the pairs that name the address. What cannot be taken apart and
 * holds it goes as a whole. */
static int
redact_form(struct str body, struct str address, struct arena *a, struct buf *b,
    struct redacted *out, int *found, struct err *e)
{
	struct form_walk walk = { .rest = body };
	struct form_pair pair;
	const char *reason = NULL;
	int more;
	while ((more = form_next(&walk, a, &pair, &reason, e)) == 1) {
		if (!redact_mentions(a, pair.key, address) &&
		    !redact_mentions(a, pair.value, address)) {
			if (pair.value.p != NULL) {
				add_pair(b, pair.key, pair.value);
				continue;
			}
			if (b->n > 0)
				buf_addc(b, '&');
			form_encode(b, pair.key);
			continue;
		}
		*found = 1;
		out->is_buyer |= is_own(pair.key);
	}
	if (more == 0)
		return 0;
	if (reason == NULL)
		return -1;
	*found |= redact_mentions(a, body, address);
	buf_reset(b);
	buf_addz(b, "erased=true");
	return 0;
}

static int
redact_json_body(struct str body, struct str address, struct arena *a,
    struct buf *b, struct redacted *out, int *found, struct err *e)
{
	const char *reason = NULL;
	json_t *root = json_load_strict(a, body, JSON_KEEP_NUL, &reason, e);
	if (root == NULL) {
		*found = reason != NULL && redact_mentions(a, body, address);
		buf_addz(b, "erased=true");
		return reason == NULL ? -1 : 0;
	}
	const json_t *card = json_object_get(root, "card");
	const json_t *named[] = { json_object_get(root, "email"),
		json_object_get(root, "user_email"),
		json_object_get(root, "card[visual]"),
		json_object_get(card, "visual") };
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct str s;
		json_text(named[i], &s);
		out->is_buyer |= redact_mentions(a, s, address);
	}
	int n = redact_json(a, root, address);
	struct str text = STR_NONE;
	int rc = n < 0 ? err_set(e, ERR_MEMORY, "out of memory")
		       : redact_dump(a, root, &text, e);
	*found = n > 0;
	if (rc == 0)
		buf_adds(b, text);
	json_decref(root);
	return rc;
}

int
gumroad_redact(const struct platform *p, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	struct fact f;
	struct buf b;
	int found = 1, rc;
	*out = (struct redacted){ .body = STR_NONE };
	buf_init(&b, BODY_MAX);
	if (opts->address.p == NULL) {
		rc = p->decode(p, body, NULL, a, &f, e);
		if (rc == 0)
			redact_all(&f, &b);
	} else {
		found = 0;
		rc = str_starts(str_trim(body), STR("{"))
		    ? redact_json_body(
			  body, opts->address, a, &b, out, &found, e)
		    : redact_form(body, opts->address, a, &b, out, &found, e);
	}
	if (rc == 0 && found) {
		struct str s = buf_str(&b);
		out->body.p = arena_dup(a, s.p == NULL ? "" : s.p, s.n);
		out->body.n = s.n;
		if (!buf_ok(&b) || out->body.p == NULL)
			rc = err_set(e, ERR_MEMORY, "out of memory");
	}
	buf_free(&b);
	return rc;
}

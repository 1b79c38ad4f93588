#include "platform/gumroad/gumroad_api.h"

#include "base/json.h"
#include "platform/redact.h"

/*
 * What Gumroad's API says of a sale and of a membership, reduced to the keys
 * that are used: app/models/concerns/purchase/json.rb (the sale of /v2/sales)
 * and app/models/subscription.rb (the subscriber of /v2/subscribers).
 */
#define FILLS(member) offsetof(struct fact, member)

static const struct gumroad_key sale_keys[] = {
	{ "id", GUMROAD_ID, GUMROAD_REQUIRED, FILLS(sale) },
	{ "seller_id", GUMROAD_ID, 0, FILLS(owner) },
	{ "created_at", GUMROAD_MOMENT, GUMROAD_REQUIRED, FILLS(sold_at) },
	{ "product_id", GUMROAD_TEXT, GUMROAD_REQUIRED, FILLS(product_id) },
	{ "product_name", GUMROAD_TEXT, 0, FILLS(product_name) },
	{ "product_permalink", GUMROAD_TEXT, 0, 0 },
	/* of /v2/products */
	{ "custom_permalink", GUMROAD_TEXT, GUMROAD_OURS, 0 },
	{ "price", GUMROAD_NUMBER, 0, FILLS(price) },
	{ "currency", GUMROAD_TEXT, 0, 0 }, /* of the listing */
	{ "refunded", GUMROAD_FLAG, 0, FILLS(refunded) },
	{ "partially_refunded", GUMROAD_FLAG, 0, FILLS(partly_refunded) },
	{ "amount_refundable_in_currency", GUMROAD_TEXT, 0, 0 },
	{ "disputed", GUMROAD_FLAG, 0, FILLS(disputed) },
	{ "dispute_won", GUMROAD_FLAG, 0, FILLS(dispute_won) },
	{ "chargedback", GUMROAD_FLAG, 0, 0 },
	{ "access_revoked", GUMROAD_FLAG, 0, FILLS(revoked) },
	{ "variants", GUMROAD_NAMES, 0, 0 },
	{ "purchase_email", GUMROAD_EMAIL, GUMROAD_PERSON, FILLS(email) },
	{ "giftee_email", GUMROAD_EMAIL, GUMROAD_PERSON, 0 },
	{ "is_gift_sender_purchase", GUMROAD_FLAG, 0, FILLS(gift_sender) },
	{ "is_gift_receiver_purchase", GUMROAD_FLAG, 0, FILLS(gift) },
	{ "license_key", GUMROAD_LICENSE, GUMROAD_PERSON, FILLS(license) },
	{ "subscription_id", GUMROAD_ID, 0, FILLS(subscription) },
	{ "subscription_duration", GUMROAD_TEXT, 0, FILLS(recurrence) },
	{ "quantity", GUMROAD_NUMBER, 0, FILLS(quantity) },
	{ "purchaser_id", GUMROAD_ID, GUMROAD_PERSON, FILLS(buyer) },
	{ "recurring_charge", GUMROAD_FLAG, 0, 0 },
	{ "is_preorder_authorization", GUMROAD_FLAG, 0, FILLS(preorder) },
	{ "cancelled", GUMROAD_FLAG, 0, 0 },
	{ "dead", GUMROAD_FLAG, 0, 0 },
	{ "ended", GUMROAD_FLAG, 0, 0 },
	{ "listed", GUMROAD_FLAG, GUMROAD_OURS, FILLS(listed) },
	{ "test", GUMROAD_FLAG, GUMROAD_OURS, FILLS(test) },
	{ 0 },
};

static const struct gumroad_key subscriber_keys[] = {
	{ "id", GUMROAD_ID, GUMROAD_REQUIRED, FILLS(subscription) },
	{ "product_id", GUMROAD_TEXT, 0, FILLS(product_id) },
	{ "created_at", GUMROAD_MOMENT, 0, 0 },
	{ "charge_occurrence_count", GUMROAD_NUMBER, 0, FILLS(charges) },
	{ "recurrence", GUMROAD_TEXT, 0, FILLS(recurrence) },
	{ "cancelled_at", GUMROAD_MOMENT, 0, FILLS(cancelled_at) },
	{ "user_requested_cancellation_at", GUMROAD_MOMENT, 0, 0 },
	{ "ended_at", GUMROAD_MOMENT, 0, FILLS(ended_at) },
	{ "failed_at", GUMROAD_MOMENT, 0, FILLS(failed_at) },
	{ "free_trial_ends_at", GUMROAD_MOMENT, 0, FILLS(trial_ends_at) },
	{ "status", GUMROAD_TEXT, GUMROAD_REQUIRED, FILLS(ended_reason) },
	{ 0 },
};

static const struct gumroad_key absent_keys[] = {
	{ "id", GUMROAD_ID, GUMROAD_REQUIRED, FILLS(sale) },
	{ 0 },
};

static const struct gumroad_reading readings[] = {
	{ PLATFORM_READBACK, FACT_READBACK, sale_keys },
	{ PLATFORM_SUBSCRIBER, FACT_SUBSCRIBER, subscriber_keys },
	{ PLATFORM_ABSENT, FACT_ABSENT, absent_keys },
};

static const struct gumroad_reading *
find_reading(struct str kind)
{
	size_t i = 0;
	while (i + 1 < sizeof(readings) / sizeof(readings[0]) &&
	    !str_eq_z(kind, readings[i].name))
		i++;
	return &readings[i];
}

static void
drop_json(void *v)
{
	json_decref(v);
}

static int
gumroad_api_decode(const struct platform *p, struct str kind, struct str body,
    struct arena *a, struct fact *out, struct err *e)
{
	struct gumroad_answer *r = arena_alloc(a, sizeof(*r));
	(void)p;
	*out = fact_none();
	out->delivery = platform_digest(a, body);
	if (r == NULL || out->delivery.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	*r = (struct gumroad_answer){ .reading = find_reading(kind),
		.arena = a };
	out->kind = r->reading->kind;
	out->kind_name = str_from(r->reading->name);
	out->currency = STR("USD");
	json_t *root = json_load_strict(a, body, 0, &out->reason, e);
	if (root == NULL && out->reason == NULL)
		return -1;
	if (root != NULL && arena_defer(a, drop_json, root) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (root == NULL) {
		out->status = FACT_KEPT;
	} else {
		r->root = root;
		out->detail_of_platform = r;
		gumroad_read_answer(r, out);
	}
	out->subject = gumroad_subject(a, out);
	return arena_failed(a) ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

static json_t *
gumroad_api_describe(const struct platform *p, const struct fact *f)
{
	const struct gumroad_answer *r = f->detail_of_platform;
	(void)p;
	if (r == NULL)
		return NULL;
	json_t *out = json_pack("{ss}", "kind", r->reading->name);
	int bad = out == NULL;
	for (const struct gumroad_key *k = r->reading->keys;
	     !bad && k->name != NULL; k++) {
		json_t *v = gumroad_value(r->root, k);
		bad = json_object_set_new(
		    out, k->name, v == NULL ? json_null() : json_incref(v));
	}
	if (!bad)
		return out;
	json_decref(out);
	return NULL;
}

/* Those keys that have none of the flags; a new reference. */
static json_t *
without(
    const struct gumroad_reading *reading, const json_t *object, unsigned flags)
{
	json_t *out = json_object();
	int bad = out == NULL;
	for (const struct gumroad_key *k = reading->keys;
	     !bad && k->name != NULL; k++) {
		json_t *v = gumroad_value(object, k);
		if (v != NULL && (k->flags & flags) == 0)
			bad = json_object_set(out, k->name, v);
	}
	if (!bad)
		return out;
	json_decref(out);
	return NULL;
}

json_t *
gumroad_reduce(struct str kind, const json_t *object)
{
	return without(find_reading(kind), object, GUMROAD_OURS);
}

/* One that is kept has keys of any shape: nothing of it stays, and it is kept
 * without them, too. */
static int
redact_all(
    const struct fact *f, struct arena *a, struct redacted *out, struct err *e)
{
	const struct gumroad_answer *r = f->detail_of_platform;
	json_t *left = f->status == FACT_APPLIED
	    ? without(r->reading, r->root, GUMROAD_PERSON)
	    : json_object();
	int rc = left == NULL ||
		json_object_set_new(left, "erased", json_true()) != 0
	    ? err_set(e, ERR_MEMORY, "out of memory")
	    : redact_dump(a, left, &out->body, e);
	json_decref(left);
	return rc;
}

static int
gumroad_api_redact(const struct platform *p, struct str kind, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	struct fact f;
	*out = (struct redacted){ .body = STR_NONE };
	if (gumroad_api_decode(p, kind, body, a, &f, e) != 0)
		return -1;
	const struct gumroad_answer *r = f.detail_of_platform;
	if (opts->address.p == NULL)
		return redact_all(&f, a, out, e);
	if (r == NULL)
		return redact_mentions(a, body, opts->address)
		    ? redact_all(&f, a, out, e)
		    : 0;
	out->is_buyer = redact_mentions(a,
	    gumroad_text(r, f.gift_sender ? "giftee_email" : "purchase_email"),
	    opts->address);
	json_t *left = json_deep_copy(r->root);
	int n = left == NULL ? -1 : redact_json(a, left, opts->address);
	int rc = n < 0 ? err_set(e, ERR_MEMORY, "out of memory")
	    : n == 0   ? 0
		       : redact_dump(a, left, &out->body, e);
	json_decref(left);
	return rc;
}

static const char *const kinds[] = { "sale", "refund", "dispute", "dispute_won",
	"cancellation", "subscription_updated", "subscription_ended",
	"subscription_restarted", NULL };

const struct platform_api gumroad_api = {
	.address = "https://api.gumroad.com",
	.token_key = "api_token",
	.scope = "view_sales",
	.token_words =
	    "With it Gatepost has refunds, disputes and cancellations sent "
	    "here, reads what was sold before, and looks up each sale. "
	    "Gumroad, Settings, Advanced, Applications: make an application, "
	    "then press Generate access token. That token can do more than "
	    "read; gatepost-truth(7) says how to get one that cannot.",
	.reconcile = "15m",
	.asks = (1U << ASK__MAX) - 1,
	.confirms = 1,
	.oldest = 1293840000, /* 2011: it was founded in April */
	.kinds = kinds,
	.request = gumroad_request,
	.judge = gumroad_judge,
	.reduce = gumroad_reduce,
	.know = gumroad_know,
	.id = gumroad_id,
	.product = gumroad_product,
	.offers = gumroad_offers,
	.url = gumroad_url,
	.decode = gumroad_api_decode,
	.describe = gumroad_api_describe,
	.redact = gumroad_api_redact,
};

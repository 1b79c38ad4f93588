#include "platform/gumroad/gumroad.h"

/*
 * All that a body says, under the names `gatepost decode` prints. Unlike
 * struct fact it shows shadowed values too: shadowed_keys says which.
 */
enum how {
	AS_TEXT, /* blank: null */
	AS_INTEGER, /* unreadable: null */
	AS_COUNT, /* absent: 0 */
	AS_BOOLEAN,
	AS_MAP,
	AS_FIELDS, /* a map in which true and false are booleans */
	AS_TEXTS, /* a list */
	AS_PLAN,
	AS_RESOURCE,
	AS_RESOURCE_PRESENT,
	AS_USD,
	AS_TIER,
	AS_PARTIAL,
	AS_OPEN,
	AS_CANCELLED_BY,
	AS_SHADOWED,
};

struct column {
	const char *name;
	const char *key; /* of the body */
	enum how how;
};

static const struct column purchase_columns[] = {
	{ "resource", NULL, AS_RESOURCE },
	{ "resource_name_present", NULL, AS_RESOURCE_PRESENT },
	{ "sale_id", "sale_id", AS_TEXT },
	{ "order_number", "order_number", AS_INTEGER },
	{ "seller_id", "seller_id", AS_TEXT },
	{ "product_id", "product_id", AS_TEXT },
	{ "product_name", "product_name", AS_TEXT },
	{ "short_product_id", "short_product_id", AS_TEXT },
	{ "permalink", "permalink", AS_TEXT },
	{ "product_permalink", "product_permalink", AS_TEXT },
	{ "email", "email", AS_TEXT },
	{ "full_name", "full_name", AS_TEXT },
	{ "purchaser_id", "purchaser_id", AS_TEXT },
	{ "price_minor", "price", AS_INTEGER },
	{ "money_currency", NULL, AS_USD },
	{ "listing_currency", "currency", AS_TEXT },
	{ "gumroad_fee_minor", "gumroad_fee", AS_INTEGER },
	{ "quantity", "quantity", AS_INTEGER },
	{ "sale_timestamp", "sale_timestamp", AS_TEXT },
	{ "subscription_id", "subscription_id", AS_TEXT },
	{ "recurrence", "recurrence", AS_TEXT },
	{ "variants", "variants", AS_MAP },
	{ "tier", "variants", AS_TIER },
	{ "offer_code", "offer_code", AS_TEXT },
	{ "license_key", "license_key", AS_TEXT },
	{ "custom_fields", "custom_fields", AS_FIELDS },
	{ "url_params", "url_params", AS_MAP },
	{ "test", "test", AS_BOOLEAN },
	{ "is_recurring_charge", "is_recurring_charge", AS_BOOLEAN },
	{ "is_preorder_authorization", "is_preorder_authorization",
	    AS_BOOLEAN },
	{ "is_gift_receiver_purchase", "is_gift_receiver_purchase",
	    AS_BOOLEAN },
	{ "gift_price_minor", "gift_price", AS_INTEGER },
	{ "gifter_email", "gifter_email", AS_TEXT },
	{ "refunded", "refunded", AS_BOOLEAN },
	{ "partial_refund", NULL, AS_PARTIAL },
	{ "disputed", "disputed", AS_BOOLEAN },
	{ "dispute_won", "dispute_won", AS_BOOLEAN },
	{ "dispute_open", NULL, AS_OPEN },
	{ "retry_count", "retry_count", AS_COUNT },
	{ "shadowed_keys", NULL, AS_SHADOWED },
	{ NULL, NULL, AS_TEXT },
};

static const struct column subscription_columns[] = {
	{ "resource", NULL, AS_RESOURCE },
	{ "resource_name_present", NULL, AS_RESOURCE_PRESENT },
	{ "subscription_id", "subscription_id", AS_TEXT },
	{ "product_id", "product_id", AS_TEXT },
	{ "product_name", "product_name", AS_TEXT },
	{ "user_id", "user_id", AS_TEXT },
	{ "email", "user_email", AS_TEXT },
	{ "purchase_ids", "purchase_ids", AS_TEXTS },
	{ "created_at", "created_at", AS_TEXT },
	{ "charge_occurrence_count", "charge_occurrence_count", AS_INTEGER },
	{ "recurrence", "recurrence", AS_TEXT },
	{ "free_trial_ends_at", "free_trial_ends_at", AS_TEXT },
	{ "license_key", "license_key", AS_TEXT },
	{ "custom_fields", "custom_fields", AS_FIELDS },
	{ "cancelled", "cancelled", AS_BOOLEAN },
	{ "cancelled_at", "cancelled_at", AS_TEXT },
	{ "cancelled_by", NULL, AS_CANCELLED_BY },
	{ "ended_at", "ended_at", AS_TEXT },
	{ "ended_reason", "ended_reason", AS_TEXT },
	{ "restarted_at", "restarted_at", AS_TEXT },
	{ "change_type", "type", AS_TEXT },
	{ "effective_as_of", "effective_as_of", AS_TEXT },
	{ "old_plan", "old_plan", AS_PLAN },
	{ "new_plan", "new_plan", AS_PLAN },
	{ "retry_count", "retry_count", AS_COUNT },
	{ "shadowed_keys", NULL, AS_SHADOWED },
	{ NULL, NULL, AS_TEXT },
};

static json_t *
text_json(const struct gumroad_read *r, struct str s)
{
	if (s.p == NULL || s.n == 0)
		return json_null();
	s = str_clean_utf8(r->arena, s, 0);
	return s.p == NULL ? NULL : json_stringn(s.p, s.n);
}

static json_t *
integer_json(const struct node *n)
{
	int64_t v;
	if (str_int64(node_text(n), INT64_MIN, INT64_MAX, &v) != 0)
		return json_null();
	return json_integer(v);
}

static int
is_true(const struct gumroad_read *r, const char *key)
{
	return str_eq_z(node_text(node_get_z(r->root, key)), "true");
}

/* url_params[]=x alone looks like a list, but is the key "" of a map. */
static json_t *
map_json(const struct gumroad_read *r, const struct node *n, int flags)
{
	if (n == NULL || (n->kind != NODE_MAP && n->kind != NODE_LIST))
		return json_object();
	if (n->kind == NODE_MAP)
		return node_to_json(n, r->arena, flags);
	const struct node *held =
	    n->first != NULL && n->first->next == NULL ? n->first : n;
	return json_pack("{so}", "", node_to_json(held, r->arena, flags));
}

static json_t *
texts_json(const struct gumroad_read *r, const struct node *n)
{
	json_t *j = json_array();
	if (n == NULL || n->kind != NODE_LIST)
		return j;
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		struct str s = node_text(c);
		/* an empty list is sent as one blank element */
		if (s.n > 0 && json_array_append_new(j, text_json(r, s)) != 0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

static json_t *
plan_json(const struct gumroad_read *r, const struct node *n)
{
	if (n == NULL || n->kind != NODE_MAP)
		return json_null();
	const struct node *tier = node_get_z(n, "tier");
	json_t *t = json_null();
	if (tier != NULL && tier->kind == NODE_MAP)
		t = json_pack("{soso}", "id",
		    text_json(r, node_text(node_get_z(tier, "id"))), "name",
		    text_json(r, node_text(node_get_z(tier, "name"))));
	return json_pack("{sosososo}", "tier", t, "recurrence",
	    text_json(r, node_text(node_get_z(n, "recurrence"))), "price_cents",
	    integer_json(node_get_z(n, "price_cents")), "quantity",
	    integer_json(node_get_z(n, "quantity")));
}

static json_t *
cancelled_by_json(const struct gumroad_read *r)
{
	static const char *const by[][2] = {
		{ "cancelled_by_admin", "admin" },
		{ "cancelled_by_buyer", "buyer" },
		{ "cancelled_by_seller", "seller" },
		{ "cancelled_due_to_payment_failures", "payment_failures" },
	};
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		if (is_true(r, by[i][0]))
			return json_string(by[i][1]);
	return json_null();
}

static json_t *
shadowed_json(const struct gumroad_read *r)
{
	json_t *j = json_array();
	for (size_t i = 0; i < r->n_shadowed; i++) {
		if (json_array_append_new(j, text_json(r, r->shadowed[i])) !=
		    0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

/* What needs more than one key of the body. */
static json_t *
special_json(const struct gumroad_read *r, const struct fact *f, enum how how)
{
	switch (how) {
	case AS_RESOURCE:
		return text_json(r, f->kind_name);
	case AS_RESOURCE_PRESENT:
		return json_boolean(r->resource_named);
	case AS_USD:
		return json_string("USD");
	case AS_TIER:
		return text_json(r,
		    node_text(
			node_get_z(node_get_z(r->root, "variants"), "Tier")));
	case AS_PARTIAL:
		return f->kind == FACT_REFUND
		    ? json_boolean(!is_true(r, "refunded"))
		    : json_null();
	case AS_OPEN:
		return json_boolean(
		    is_true(r, "disputed") && !is_true(r, "dispute_won"));
	case AS_CANCELLED_BY:
		return cancelled_by_json(r);
	default:
		return shadowed_json(r);
	}
}

static json_t *
column_json(
    const struct gumroad_read *r, const struct fact *f, const struct column *c)
{
	const struct node *n =
	    c->key == NULL ? NULL : node_get_z(r->root, c->key);
	switch (c->how) {
	case AS_TEXT:
		return text_json(r, node_text(n));
	case AS_INTEGER:
		return integer_json(n);
	case AS_COUNT:
		return n == NULL ? json_integer(0) : integer_json(n);
	case AS_BOOLEAN:
		return json_boolean(is_true(r, c->key));
	case AS_MAP:
		return map_json(r, n, 0);
	case AS_FIELDS:
		return map_json(r, n, NODE_BOOLEANS);
	case AS_TEXTS:
		return texts_json(r, n);
	case AS_PLAN:
		return plan_json(r, n);
	default:
		return special_json(r, f, c->how);
	}
}

json_t *
gumroad_describe(const struct platform *p, const struct fact *f)
{
	(void)p;
	const struct gumroad_read *r = f->detail_of_platform;
	if (r == NULL || r->shape == GUMROAD_NEITHER)
		return NULL;
	int purchase = r->shape == GUMROAD_PURCHASE;
	json_t *j = json_object();
	int bad = json_object_set_new(
	    j, "kind", json_string(purchase ? "purchase" : "subscription"));
	const struct column *c =
	    purchase ? purchase_columns : subscription_columns;
	for (; c->name != NULL; c++)
		bad |= json_object_set_new(j, c->name, column_json(r, f, c));
	if (bad) {
		json_decref(j);
		return NULL;
	}
	return j;
}

#include "platform/gumroad/gumroad.h"

/*
 * custom_fields.each { payload[field[:name]] = field[:value] }: a seller's
 * field called "email" lets the buyer's answer replace the e-mail at the top
 * level (app/modules/purchase/ping_notification.rb). The same answer then
 * stands under custom_fields as well, which is how it is found out. Renewals
 * copy custom_fields only, so a differing value is Gumroad's own.
 *
 * Not in this list: what Gumroad always sets after the custom fields, which
 * are custom_fields, is_gift_receiver_purchase, refunded, resource_name,
 * disputed and dispute_won.
 */
static const struct key {
	const char *name;
	int critical; /* the tier or its time depends on it */
} keys[] = {
	{ "seller_id", 0 },
	{ "product_id", 1 },
	{ "product_name", 0 },
	{ "permalink", 1 },
	{ "product_permalink", 0 },
	{ "short_product_id", 0 },
	{ "email", 0 },
	{ "price", 0 },
	{ "gumroad_fee", 0 },
	{ "currency", 0 },
	{ "quantity", 0 },
	{ "discover_fee_charged", 0 },
	{ "can_contact", 0 },
	{ "referrer", 0 },
	{ "card", 0 },
	{ "order_number", 0 },
	{ "sale_id", 1 },
	{ "sale_timestamp", 1 },
	{ "full_name", 0 },
	{ "purchaser_id", 0 },
	{ "subscription_id", 1 },
	{ "affiliate_credit_amount_cents", 0 },
	{ "url_params", 0 },
	{ "variants", 1 },
	{ "offer_code", 0 },
	{ "test", 1 },
	{ "is_recurring_charge", 0 },
	{ "is_preorder_authorization", 1 },
	{ "street_address", 0 },
	{ "country", 0 },
	{ "state", 0 },
	{ "zip_code", 0 },
	{ "city", 0 },
	{ "shipping_information", 0 },
	{ "license_key", 0 },
	{ "is_multiseat_license", 0 },
	{ "ip_country", 0 },
	{ "shipping_rate", 0 },
	{ "recurrence", 1 },
	{ "affiliate", 0 },
	{ "gift_price", 0 },
	{ "gifter_email", 0 },
	{ "sku_id", 0 },
	{ "original_sku_id", 0 },
	{ "retry_count", 0 },
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static const struct key *
find_key(struct str name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (str_eq_z(name, keys[i].name))
			return &keys[i];
	return NULL;
}

const char *
gumroad_known_key(struct str name)
{
	static const char *const late[] = { "custom_fields",
		"is_gift_receiver_purchase", "refunded", "resource_name",
		"disputed", "dispute_won" };
	const struct key *k = find_key(name);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		if (str_eq_z(name, late[i]))
			return late[i];
	return k == NULL ? NULL : k->name;
}

/* In JSON the text "true" and the boolean are the same, as in a form. */
static int
is_same(const struct node *a, const struct node *b)
{
	struct str x = node_text(a), y = node_text(b);
	return x.p != NULL && y.p != NULL ? str_eq(x, y) : node_equal(a, b);
}

int
gumroad_find_shadowed(struct gumroad_read *r)
{
	const struct node *fields = node_get_z(r->root, "custom_fields");
	if (fields == NULL || fields->kind != NODE_MAP)
		return 0;
	struct str *found = arena_alloc(r->arena, KEYS * sizeof(*found));
	if (found == NULL)
		return -1;
	/* names in a map are unique, so KEYS of them are the most */
	for (const struct node *c = fields->first; c != NULL; c = c->next) {
		if (find_key(c->key) == NULL)
			continue;
		const struct node *top = node_get(r->root, c->key);
		if (top != NULL && is_same(c, top))
			found[r->n_shadowed++] = c->key;
	}
	r->shadowed = found;
	return 0;
}

int
gumroad_is_shadowed(const struct gumroad_read *r, const char *key)
{
	for (size_t i = 0; i < r->n_shadowed; i++)
		if (str_eq_z(r->shadowed[i], key))
			return 1;
	return 0;
}

const char *
gumroad_critical_shadow(const struct gumroad_read *r)
{
	for (size_t i = 0; i < r->n_shadowed; i++) {
		const struct key *k = find_key(r->shadowed[i]);
		if (k != NULL && k->critical)
			return k->name;
	}
	return NULL;
}

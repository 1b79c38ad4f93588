#include "platform/gank.h"

#include <string.h>

#include "base/json.h"
#include "platform/redact.h"

/* What stays of a delivery when its payer is erased, and of which kind; all
 * else goes: names, addresses, the app's own reference, discount codes. */
enum shape { TEXT, NUMBER, FLAG, PAYER };

static const struct kept {
	const char *key;
	enum shape shape;
} keeps[] = {
	{ "creator_user_id", TEXT },
	{ "subscriber_user_id", PAYER },
	{ "buyer_user_id", PAYER },
	{ "membership_title", TEXT },
	{ "price_event_id", TEXT },
	{ "billing_period", NUMBER },
	{ "catalog_id", TEXT },
	{ "catalog_title", TEXT },
	{ "catalog_price_id", TEXT },
	{ "is_fee_covered", FLAG },
	{ "is_fee_covered_forever", FLAG },
};

static json_t *
copy_of(const json_t *from, const struct kept *k, struct str pseudonym)
{
	json_t *v = json_object_get(from, k->key);
	int fits = k->shape == NUMBER ? json_is_number(v)
	    : k->shape == FLAG	      ? json_is_boolean(v)
				      : json_is_string(v);
	if (!fits)
		return NULL;
	return k->shape == PAYER && json_string_length(v) > 0
	    ? json_from_text(pseudonym)
	    : json_incref(v);
}

static int
set_text(json_t *to, const char *key, const json_t *from)
{
	json_t *v = json_object_get(from, key);
	return json_is_string(v) ? json_object_set(to, key, v) : 0;
}

/* root's facts; a new reference, or NULL without memory. Without its status
 * a payment is kept. */
static json_t *
facts_of(const json_t *root, struct str pseudonym, int kept)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *usecase = json_object_get(data, "usecase_data");
	const json_t *within = json_object_get(usecase, "data");
	json_t *purchase = json_object(), *middle = json_object();
	json_t *outer = json_object(), *out = json_object();
	int bad = 0;
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		json_t *v = copy_of(within, &keeps[i], pseudonym);
		if (v != NULL)
			bad |= json_object_set_new(purchase, keeps[i].key, v);
	}
	bad |= set_text(outer, "human_id", data);
	bad |= kept ? 0 : set_text(outer, "payment_status", data);
	bad |= set_text(middle, "usecase", usecase);
	bad |= set_text(out, "event", root);
	bad |= json_object_set_new(middle, "data", purchase);
	bad |= json_object_set_new(outer, "usecase_data", middle);
	bad |= json_object_set_new(out, "data", outer);
	bad |= json_object_set_new(out, "erased", json_true());
	if (bad == 0)
		return out;
	json_decref(out);
	return NULL;
}

static int
redact_all(const json_t *root, struct str body, const struct redact_opts *opts,
    struct arena *a, struct redacted *out, struct err *e)
{
	struct fact f;
	if (platform_gank.decode(body, NULL, a, &f, e) != 0)
		return -1;
	json_t *facts =
	    facts_of(root, opts->pseudonym, f.status != FACT_APPLIED);
	int rc = redact_dump(a, facts, &out->body, e);
	json_decref(facts);
	return rc;
}

static int
redact_some(json_t *root, struct str address, struct arena *a,
    struct redacted *out, struct err *e)
{
	static const char *const emails[] = { "subscriber_user_email",
		"buyer_user_email" };
	const json_t *within = json_object_get(
	    json_object_get(json_object_get(root, "data"), "usecase_data"),
	    "data");
	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
		struct str s;
		json_text(json_object_get(within, emails[i]), &s);
		out->is_buyer |= redact_mentions(a, s, address);
	}
	int n = redact_json(a, root, address);
	if (n < 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	return n == 0 ? 0 : redact_dump(a, root, &out->body, e);
}

int
gank_redact(struct str body, const struct redact_opts *opts, struct arena *a,
    struct redacted *out, struct err *e)
{
	const char *reason = NULL;
	struct str address = opts->address;
	*out = (struct redacted){ .body = STR_NONE };
	json_t *root = json_load_strict(a, body, 0, &reason, e);
	if (root == NULL && reason == NULL)
		return -1;
	if (root == NULL) {
		/* nothing can be told apart: it was kept, and stays so */
		if (address.p == NULL || redact_mentions(a, body, address))
			out->body = STR("{\"erased\":true}");
		return 0;
	}
	int rc = address.p == NULL ? redact_all(root, body, opts, a, out, e)
				   : redact_some(root, address, a, out, e);
	json_decref(root);
	return rc;
}

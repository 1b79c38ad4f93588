#include "follow/effect.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "access/rows.h"
#include "platform/money.h"

enum { PRICE_MAX = 40 }; /* bytes of it as a text */

/* ---- written ------------------------------------------------------------- */

static void
add_person(struct buf *b, const struct store_purchase *p)
{
	jsonw_key(b, "person");
	jsonw_open(b, '{');
	jsonw_text(b, "user", p->user_ref);
	jsonw_text(b, "email", p->email);
	jsonw_text(b, "buyer", p->buyer);
	jsonw_text(b, "license", p->license);
	jsonw_close(b, '}');
}

static void
add_purchase(struct buf *b, const struct store_purchase *p)
{
	jsonw_key(b, "purchase");
	jsonw_open(b, '{');
	rows_write_product(b, p);
	rows_write_terms(b, p);
	jsonw_close(b, '}');
}

int
effect_write(struct buf *b, const struct effect *f, const struct access *access,
    const struct access_key *key, struct err *e)
{
	jsonw_open(b, '{');
	jsonw_text(b, "type", str_from(rule_words[f->what]));
	jsonw_time(b, "timestamp", f->at);
	jsonw_key(b, "data");
	jsonw_open(b, '{');
	jsonw_int(b, "event", f->event);
	jsonw_text(b, "platform", f->platform);
	if (f->reason.p != NULL)
		jsonw_text(b, "reason", f->reason);
	if (f->text.p != NULL)
		jsonw_text(b, "text", f->text);
	if (f->row != NULL) {
		add_person(b, f->row);
		add_purchase(b, f->row);
	}
	if (f->what == RULE_TIER_CHANGED || f->what == RULE_LAPSED) {
		jsonw_text(b, "before", f->before);
		jsonw_text(b, "after", f->after);
	}
	if (access != NULL) {
		jsonw_key(b, "access");
		access_json(b, access, key, -1);
	}
	jsonw_close(b, '}');
	jsonw_close(b, '}');
	return buf_ok(b)
	    ? 0
	    : err_set(e, ERR_LIMIT, "more than %d bytes to tell of an effect",
		  EFFECT_PAYLOAD_MAX);
}

int
effect_id(const struct effect *f, enum action_kind kind, struct str target,
    char out[EFFECT_ID_MAX], struct err *e)
{
	uint8_t digest[CRYPTO_SHA256];
	struct crypto_hash *h = crypto_hash_new();
	crypto_hash_add(h, action_words[kind], strlen(action_words[kind]) + 1);
	crypto_hash_add(h, target.p, target.n);
	crypto_hash_add(h, "", 1);
	crypto_hash_add(h, f->once.p, f->once.n);
	int rc = crypto_hash_end(h, digest);
	crypto_hash_free(h);
	if (rc != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(out, "msg_", 4);
	crypto_hex(digest, 20, out + 4);
	return 0;
}

/* ---- read ---------------------------------------------------------------- */

static struct str
text_of(struct arena *a, const json_t *o, const char *key)
{
	struct str s;
	const json_t *v = json_object_get(o, key);
	if (json_text(v, &s) == 0)
		return s;
	if (json_is_integer(v))
		return str_from(
		    arena_printf(a, "%lld", (long long)json_integer_value(v)));
	if (json_is_boolean(v))
		return json_is_true(v) ? STR("true") : STR("false");
	return STR_NONE;
}

/* "12.50" */
static struct str
price_of(struct arena *a, const json_t *purchase)
{
	const json_t *v = json_object_get(purchase, "price");
	if (!json_is_integer(v))
		return STR_NONE;
	struct str currency, out;
	struct buf b;
	json_text(json_object_get(purchase, "currency"), &currency);
	buf_init(&b, PRICE_MAX);
	money_add(&b, json_integer_value(v), currency);
	out = str_from(str_z(a, buf_str(&b)));
	buf_free(&b);
	return out;
}

int
effect_read(struct arena *a, struct str payload, struct str *type,
    struct action_fact *out, size_t *n, struct err *e)
{
	const char *reason = NULL;
	const json_t *j = json_load_kept(a, payload, 0, &reason, e);
	if (j == NULL)
		return reason == NULL
		    ? -1
		    : err_set(e, ERR_INPUT, "the payload is %s", reason);
	const json_t *data = json_object_get(j, "data");
	const json_t *person = json_object_get(data, "person");
	const json_t *purchase = json_object_get(data, "purchase");
	const json_t *access = json_object_get(data, "access");
	const struct {
		const char *name, *key;
		const json_t *in;
	} facts[] = {
		{ "type", "type", j },
		{ "at", "timestamp", j },
		{ "event", "event", data },
		{ "user", "user", person },
		{ "email", "email", person },
		{ "buyer", "buyer", person },
		{ "license", "license", person },
		{ "platform", "platform", data },
		{ "product", "product", purchase },
		{ "product_name", "product_name", purchase },
		{ "variant", "variant", purchase },
		{ "sale", "sale", purchase },
		{ "subscription", "subscription", purchase },
		{ "price", "price", purchase },
		{ "currency", "currency", purchase },
		{ "quantity", "quantity", purchase },
		{ "recurrence", "recurrence", purchase },
		{ "tier", "tier", access },
		{ "before", "before", data },
		{ "after", "after", data },
		{ "status", "status", access },
		{ "since", "since", purchase },
		{ "paid_until", "paid_until", purchase },
		{ "until", "until", purchase },
		{ "test", "test", purchase },
		{ "reason", "reason", data },
		{ "text", "text", data },
	};
	*n = sizeof(facts) / sizeof(facts[0]);
	for (size_t i = 0; i < *n; i++)
		out[i] = (struct action_fact){ facts[i].name,
			strcmp(facts[i].name, "price") == 0
			    ? price_of(a, purchase)
			    : text_of(a, facts[i].in, facts[i].key) };
	*type = out[0].value;
	return arena_failed(a) ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

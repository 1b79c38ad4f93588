#include "platform/gank.h"

#include "base/crypto.h"
#include "base/json.h"
#include "platform/signature.h"

enum {
	MONTHS_MAX = 120, /* a billing period longer than that is a mistake */
	SUBJECT_MAX = 200, /* bytes; a longer title is put as its digest */
	KIND_NAME_MAX = 64, /* bytes of an unknown event's name */
};

/* Which event, and the column of a field's key and demand. */
enum kind { MEMBERSHIP, GOODS, OTHER };
enum { KINDS_KNOWN = 2 };

enum place { ENVELOPE, USECASE_DATA, PURCHASE, PLACE__MAX };

static const char *const place_keys[PLACE__MAX] = {
	[ENVELOPE] = "data",
	[USECASE_DATA] = "usecase_data",
	[PURCHASE] = "data",
};
static const char *const place_paths[PLACE__MAX] = {
	[ENVELOPE] = "data",
	[USECASE_DATA] = "data.usecase_data",
	[PURCHASE] = "data.usecase_data.data",
};

enum type {
	TEXT,
	IDENTIFIER, /* a text that platform_identifier takes */
	FLAG,
	MONTHS,
};

/* In the order describe prints them. */
enum field {
	PAYMENT_STATUS,
	HUMAN_ID,
	USECASE,
	CREATOR_ID,
	CREATOR_NAME,
	PAYER_ID,
	PAYER_NAME,
	PAYER_EMAIL,
	ITEM_ID,
	ITEM_TITLE,
	PRICE_ID,
	BILLING_PERIOD,
	FEE_COVERED,
	FEE_COVERED_FOREVER,
	DISCOUNT_CODE,
	REFERENCE,
	FIELD__MAX
};

static const struct rule {
	const char *fact; /* its name in describe */
	enum place place;
	enum type type;
	const char *keys[KINDS_KNOWN]; /* NULL: not in that event */
	int required[KINDS_KNOWN];
} rules[FIELD__MAX] = {
	[PAYMENT_STATUS] = { "payment_status", ENVELOPE, TEXT,
	    { "payment_status", "payment_status" }, { 1, 1 } },
	[HUMAN_ID] = { "human_id", ENVELOPE, IDENTIFIER,
	    { "human_id", "human_id" }, { 1, 1 } },
	[USECASE] = { "usecase", USECASE_DATA, TEXT, { "usecase", "usecase" },
	    { 0, 0 } },
	[CREATOR_ID] = { "creator_user_id", PURCHASE, IDENTIFIER,
	    { "creator_user_id", "creator_user_id" }, { 1, 1 } },
	[CREATOR_NAME] = { "creator_nickname", PURCHASE, TEXT,
	    { "creator_user_nickname", "creator_user_nickname" }, { 0, 0 } },
	[PAYER_ID] = { "payer_user_id", PURCHASE, IDENTIFIER,
	    { "subscriber_user_id", "buyer_user_id" }, { 1, 1 } },
	[PAYER_NAME] = { "payer_nickname", PURCHASE, TEXT,
	    { "subscriber_user_nickname", "buyer_user_nickname" }, { 0, 0 } },
	[PAYER_EMAIL] = { "payer_email", PURCHASE, TEXT,
	    { "subscriber_user_email", "buyer_user_email" }, { 0, 0 } },
	[ITEM_ID] = { "item_id", PURCHASE, IDENTIFIER, { NULL, "catalog_id" },
	    { 0, 1 } },
	[ITEM_TITLE] = { "item_title", PURCHASE, TEXT,
	    { "membership_title", "catalog_title" }, { 1, 0 } },
	[PRICE_ID] = { "price_id", PURCHASE, TEXT,
	    { "price_event_id", "catalog_price_id" }, { 0, 0 } },
	[BILLING_PERIOD] = { "months", PURCHASE, MONTHS,
	    { "billing_period", NULL }, { 1, 0 } },
	[FEE_COVERED] = { "fee_covered", PURCHASE, FLAG,
	    { "is_fee_covered", "is_fee_covered" }, { 0, 0 } },
	[FEE_COVERED_FOREVER] = { "fee_covered_forever", PURCHASE, FLAG,
	    { "is_fee_covered_forever", NULL }, { 0, 0 } },
	[DISCOUNT_CODE] = { "discount_code", PURCHASE, TEXT,
	    { NULL, "discount_code" }, { 0, 0 } },
	[REFERENCE] = { "custom_reference_id", PURCHASE, TEXT,
	    { "custom_reference_id", "custom_reference_id" }, { 0, 0 } },
};

/* Of several, the last in this list is the reason. */
enum fault { FINE, CONTRADICTS, OUT_OF_RANGE, MISSING, WRONG_TYPE };

static const char *const fault_words[] = {
	[FINE] = NULL,
	[CONTRADICTS] = "status_contradicts_event",
	[OUT_OF_RANGE] = "out_of_range",
	[MISSING] = "missing_field",
	[WRONG_TYPE] = "wrong_type",
};

/* What was read. The values are borrowed from the body's JSON. */
struct reading {
	enum kind kind;
	const json_t *event; /* a text, or NULL */
	json_t *values[FIELD__MAX]; /* NULL: absent, null or unreadable */
	int64_t months; /* whole, in range or not; or FACT_NO_NUMBER */
	enum fault fault;
	const char *path; /* of the fault: where, */
	const char *key; /* NULL: the path itself, */
	const char *shape; /* and what is there */
};

static void
complain(struct reading *r, enum fault fault, enum place place, const char *key,
    const char *shape)
{
	if (fault <= r->fault)
		return;
	r->fault = fault;
	r->path = place_paths[place];
	r->key = key;
	r->shape = shape;
}

/* Absent and null read the same. */
static json_t *
member(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);
	return json_is_null(v) ? NULL : v;
}

static json_t *
open_place(struct reading *r, const json_t *within, enum place place)
{
	json_t *v = member(within, place_keys[place]);
	if (v == NULL)
		complain(r, MISSING, place, NULL, "missing");
	else if (!json_is_object(v))
		complain(r, WRONG_TYPE, place, NULL, json_shape(v));
	return json_is_object(v) ? v : NULL;
}

/* The field's value by the key of its event; an unknown event's by any. */
static json_t *
find_value(const json_t *within, const struct rule *rule, enum kind kind,
    const char **key)
{
	json_t *v = NULL;
	for (int k = MEMBERSHIP; k < KINDS_KNOWN && v == NULL; k++) {
		if ((kind != OTHER && kind != (enum kind)k) ||
		    rule->keys[k] == NULL)
			continue;
		*key = rule->keys[k];
		v = member(within, *key);
	}
	return v;
}

/* A whole number as int64_t: 1, 1.0 or 1e0. JSON has one kind of number. */
static int
whole(const json_t *v, int64_t *out)
{
	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return 0;
	}
	double d = json_real_value(v);
	if (!(d > -1e15 && d < 1e15) || (double)(int64_t)d < d ||
	    (double)(int64_t)d > d)
		return -1;
	*out = (int64_t)d;
	return 0;
}

/* Is v of the rule's type? What it is instead, or NULL. */
static const char *
misfit(const struct rule *rule, const json_t *v)
{
	struct str text;
	int64_t n;
	switch (rule->type) {
	case TEXT:
		return json_is_string(v) ? NULL : json_shape(v);
	case IDENTIFIER:
		if (json_text(v, &text) != 0)
			return json_shape(v);
		return text.n > 0 && platform_identifier(text).p == NULL
		    ? "too long for an identifier, or has control characters"
		    : NULL;
	case FLAG:
		return json_is_boolean(v) ? NULL : json_shape(v);
	case MONTHS:
		if (!json_is_number(v))
			return json_shape(v);
		return whole(v, &n) == 0 || json_real_value(v) >= 1e15 ||
			json_real_value(v) <= -1e15
		    ? NULL
		    : "not a whole number";
	}
	return NULL;
}

static void
read_field(struct reading *r, const json_t *within, enum field f)
{
	const struct rule *rule = &rules[f];
	const char *key = NULL;
	json_t *v = find_value(within, rule, r->kind, &key);
	int required = r->kind != OTHER && rule->required[r->kind];
	const char *shape = v == NULL ? NULL : misfit(rule, v);
	if (shape != NULL) {
		complain(r, WRONG_TYPE, rule->place, key, shape);
		return;
	}
	if (required &&
	    (v == NULL || (json_is_string(v) && json_string_length(v) == 0)))
		complain(r, MISSING, rule->place, key,
		    v == NULL ? "missing" : "empty");
	r->values[f] = v;
	if (rule->type == MONTHS && v != NULL &&
	    (whole(v, &r->months) != 0 || r->months < 1 ||
		r->months > MONTHS_MAX))
		complain(r, OUT_OF_RANGE, rule->place, key, "out of range");
}

static struct str
text_of(const struct reading *r, enum field f)
{
	struct str s;
	json_text(r->values[f], &s);
	return s.n > 0 ? s : STR_NONE;
}

static void
read_body(const json_t *root, struct reading *r)
{
	const json_t *within = root, *places[PLACE__MAX];
	struct str event;
	*r = (struct reading){ .kind = OTHER, .months = FACT_NO_NUMBER };
	if (json_text(member(root, "event"), &event) == 0) {
		r->event = member(root, "event");
		if (str_eq_z(event, GANK_EVENT_MEMBERSHIP))
			r->kind = MEMBERSHIP;
		else if (str_eq_z(event, GANK_EVENT_GOODS))
			r->kind = GOODS;
	}
	for (int p = 0; p < PLACE__MAX; p++)
		places[p] = within = open_place(r, within, (enum place)p);
	for (int f = 0; f < FIELD__MAX; f++)
		read_field(r, places[rules[f].place], (enum field)f);
	/* exactly: a word Gank has not told us about is not a payment */
	if (!str_eq_z(text_of(r, PAYMENT_STATUS), GANK_STATUS))
		complain(r, CONTRADICTS, ENVELOPE, "payment_status",
		    "not " GANK_STATUS);
}

/* The event's name for a column: no control characters, cut. */
static struct str
clean_name(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, KIND_NAME_MAX);
	size_t n = 0;
	if (p == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n;) {
		struct str c = { s.p + i, str_char(s, i) };
		i += c.n;
		if (str_has_control(c))
			c = STR("?");
		if (c.n > KIND_NAME_MAX - n)
			break;
		memcpy(p + n, c.p, c.n);
		n += c.n;
	}
	return (struct str){ p, n };
}

/* Gank's pages show "..." and Cloudflare's "[email protected]" where an
 * address was taken out; neither they nor anything else without a part on
 * both sides of an '@', or with a blank in it, is one. */
static struct str
address(const struct reading *r)
{
	struct str s = text_of(r, PAYER_EMAIL), local, domain;
	if (!str_cut(s, '@', &local, &domain) || local.n == 0 ||
	    domain.n == 0 || s.p[s.n - 1] == '@' || str_has_byte(s, ' ') ||
	    str_has_control(s) || memmem(s.p, s.n, "\xC2\xA0", 2) != NULL)
		return STR_NONE;
	return s;
}

static struct str
hex_digest(struct arena *a, struct str s)
{
	uint8_t digest[CRYPTO_SHA256];
	char *hex = arena_alloc(a, CRYPTO_SHA256_HEX + 1);
	if (hex == NULL || crypto_sha256(s, digest) != 0)
		return STR_NONE;
	crypto_hex(digest, sizeof(digest), hex);
	return str_from(hex);
}

/* What adds up with other payments: a payer's membership under one title (a
 * retitled membership is another one; no id of the membership is sent). */
static struct str
subject_of(struct arena *a, const struct reading *r)
{
	struct str id = text_of(r, HUMAN_ID), creator = text_of(r, CREATOR_ID);
	struct str payer = text_of(r, PAYER_ID), title = text_of(r, ITEM_TITLE);
	const char *mark = "";
	if (r->kind == GOODS && id.p != NULL)
		return str_from(arena_printf(a, "goods:%.*s", STR_ARG(id)));
	if (r->kind != MEMBERSHIP || creator.p == NULL || payer.p == NULL ||
	    title.p == NULL)
		return STR_NONE;
	if (sizeof("membership:::") - 1 + creator.n + payer.n + title.n >
	    SUBJECT_MAX) {
		mark = "sha256:";
		title = hex_digest(a, title);
		if (title.p == NULL)
			return STR_NONE;
	}
	return str_from(arena_printf(a, "membership:%.*s:%.*s:%s%.*s",
	    STR_ARG(creator), STR_ARG(payer), mark, STR_ARG(title)));
}

static void
add_name(struct fact *f, struct str s)
{
	if (s.p != NULL)
		f->names[f->n_names++] = s;
}

static void
fill(struct arena *a, const struct reading *r, struct fact *f)
{
	static const char *const no_reference[] = {
		"custom_reference_id is no identifier (1 to 255 bytes, no "
		"control characters): left out",
	};
	struct str email = address(r), reference = text_of(r, REFERENCE);
	f->sale = text_of(r, HUMAN_ID);
	f->test = str_starts(f->sale, STR(GANK_TEST_MEMBERSHIP)) ||
	    str_starts(f->sale, STR(GANK_TEST_GOODS));
	f->owner = text_of(r, CREATOR_ID);
	f->buyer = text_of(r, PAYER_ID);
	f->user_ref = platform_identifier(reference);
	if (reference.p != NULL && f->user_ref.p == NULL) {
		f->warnings = no_reference;
		f->n_warnings = 1;
	}
	if (email.p != NULL)
		f->email = platform_email(a, email);
	if (r->kind == OTHER)
		return;
	f->kind = FACT_PAYMENT;
	f->kind_name = r->kind == MEMBERSHIP ? STR("membership") : STR("goods");
	f->product = f->kind_name;
	f->product_name = f->tier = text_of(r, ITEM_TITLE);
	add_name(f, f->product_name);
	add_name(f, text_of(r, r->kind == MEMBERSHIP ? PRICE_ID : ITEM_ID));
	f->quantity = 1;
	/* billing_period counts months: subscription_period does, in the
	 * same site's list of subscribers */
	if (r->kind == MEMBERSHIP && r->months >= 1 && r->months <= MONTHS_MAX)
		f->months = (int)r->months;
	f->subject = subject_of(a, r);
}

static void
judge(struct arena *a, const json_t *root, const struct reading *r,
    struct fact *f)
{
	struct str event;
	const json_t *named = member(root, "event");
	f->status = FACT_KEPT;
	json_text(r->event, &event);
	if (named != NULL && r->event == NULL) {
		f->reason = "wrong_type";
		f->detail =
		    str_from(arena_printf(a, "event is %s", json_shape(named)));
	} else if (event.n == 0) {
		f->reason = "missing_event";
	} else if (r->kind == OTHER) {
		f->reason = "unknown_event";
		f->kind_name = clean_name(a, event);
	} else if (r->fault != FINE) {
		f->reason = fault_words[r->fault];
		f->detail = str_from(arena_printf(a, "%s%s%s is %s", r->path,
		    r->key == NULL ? "" : ".", r->key == NULL ? "" : r->key,
		    r->shape));
	} else {
		f->status = FACT_APPLIED;
	}
}

static void
drop_json(void *v)
{
	json_decref(v);
}

static int
gank_decode(struct str body, const struct decode_opts *opts, struct arena *a,
    struct fact *out, struct err *e)
{
	(void)opts; /* the reference has one name: custom_reference_id */
	*out = (struct fact){ .status = FACT_KEPT,
		.kind_name = STR("unknown"),
		.price = FACT_NO_NUMBER,
		.quantity = FACT_NO_NUMBER,
		.sold_at = FACT_NO_TIME,
		.cancelled_at = FACT_NO_TIME,
		.ended_at = FACT_NO_TIME,
		.restarted_at = FACT_NO_TIME,
		.effective_at = FACT_NO_TIME,
		.trial_ends_at = FACT_NO_TIME,
		.charges = FACT_NO_NUMBER };
	out->delivery = hex_digest(a, body);
	if (out->delivery.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	json_t *root = json_load_strict(a, body, 0, &out->reason, e);
	if (root == NULL)
		return out->reason == NULL ? -1 : 0;
	struct reading *r = arena_alloc(a, sizeof(*r));
	if (arena_defer(a, drop_json, root) != 0 || r == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	read_body(root, r);
	fill(a, r, out);
	judge(a, root, r, out);
	out->detail_of_platform = r;
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

static json_t *
describe_field(const struct reading *r, enum field f)
{
	if (f == PAYER_EMAIL)
		return json_from_text(address(r));
	if (f == BILLING_PERIOD)
		return r->months == FACT_NO_NUMBER ? json_null()
						   : json_integer(r->months);
	return r->values[f] == NULL ? json_null() : json_incref(r->values[f]);
}

static json_t *
gank_describe(const struct fact *f)
{
	static const char *const kinds[KINDS_KNOWN] = {
		[MEMBERSHIP] = "membership",
		[GOODS] = "digital_goods",
	};
	const struct reading *r = f->detail_of_platform;
	struct str event;
	if (r == NULL)
		return NULL;
	json_t *out = json_object();
	json_text(r->event, &event);
	int rc = json_object_set_new(out, "event", json_from_text(event));
	rc |= json_object_set_new(out, "kind",
	    r->kind == OTHER ? json_null() : json_string(kinds[r->kind]));
	for (int i = 0; i < FIELD__MAX; i++)
		rc |= json_object_set_new(
		    out, rules[i].fact, describe_field(r, (enum field)i));
	if (rc != 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static int
gank_sign(struct str body, struct str secret, int64_t now, struct buf *header,
    struct err *e)
{
	buf_addz(header, "Gank-Signature: ");
	return signature_make(body, secret, now, header, e);
}

const struct platform platform_gank = {
	.name = "gank",
	.version = 1,
	.body_max = GANK_BODY_MAX,
	.content_type = "application/json",
	.secrets_key = "secrets",
	.owner_key = "creator_id",
	.owner_field = "creator_user_id",
	/* a repeat is told by its bytes, so age alone is no danger */
	.tolerance_default = 86400,
	.shop_host = "ganknow.com",
	.shop_parameter = "custom_reference_id",
	.secret_min = 1,
	.secret_short = 16,
	.signature_param = "HTTP_GANK_SIGNATURE",
	.refused_status = 401,
	.verify = signature_verify,
	.decode = gank_decode,
	.redact = gank_redact,
	.describe = gank_describe,
	.sign = gank_sign,
	.sample = gank_sample,
	.sample_key = gank_sample_key,
	.samples = gank_samples,
};

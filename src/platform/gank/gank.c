#include "platform/gank/gank.h"

#include "platform/proof.h"

/*
 * Gank's payment webhooks: docs.ganknow.com, essentials, payment webhooks.
 * What those pages leave open is said where it is decided.
 */
enum {
	SUBJECT_MAX = 200, /* bytes; a longer title is put as its digest */
	MEMBERSHIP = 0, /* places in the list of events */
	GOODS = 1,
};

static const struct document_event events[] = {
	{ GANK_EVENT_MEMBERSHIP, "membership", FACT_PAYMENT, "membership" },
	{ GANK_EVENT_GOODS, "digital_goods", FACT_PAYMENT, "goods" },
	{ 0 },
};

#define M 1U << MEMBERSHIP
#define G 1U << GOODS
#define DATA "data."
#define USECASE "data.usecase_data."
#define PURCHASE "data.usecase_data.data."
#define NEEDED FIELD_REQUIRED | FIELD_STAYS
#define PAYER FIELD_REQUIRED | FIELD_PERSON

static const struct field fields[] = {
	{ "payment_status", DATA "payment_status", FIELD_TEXT,
	    .flags = NEEDED },
	{ "human_id", DATA "human_id", FIELD_ID, .flags = NEEDED,
	    .fills = FILLS(sale) },
	{ "usecase", USECASE "usecase", FIELD_TEXT, .flags = FIELD_STAYS },
	{ "creator_user_id", PURCHASE "creator_user_id", FIELD_ID,
	    .flags = NEEDED, .fills = FILLS(owner) },
	{ "creator_nickname", PURCHASE "creator_user_nickname", FIELD_TEXT,
	    .flags = 0 },
	{ "payer_user_id", PURCHASE "subscriber_user_id", FIELD_ID,
	    .flags = PAYER, .events = M, .fills = FILLS(buyer) },
	{ "payer_user_id", PURCHASE "buyer_user_id", FIELD_ID, .flags = PAYER,
	    .events = G, .fills = FILLS(buyer) },
	{ "payer_nickname", PURCHASE "subscriber_user_nickname", FIELD_TEXT,
	    .events = M },
	{ "payer_nickname", PURCHASE "buyer_user_nickname", FIELD_TEXT,
	    .events = G },
	{ "payer_email", PURCHASE "subscriber_user_email", FIELD_EMAIL,
	    .events = M, .fills = FILLS(email) },
	{ "payer_email", PURCHASE "buyer_user_email", FIELD_EMAIL, .events = G,
	    .fills = FILLS(email) },
	{ "item_id", PURCHASE "catalog_id", FIELD_ID, .flags = NEEDED,
	    .events = G },
	{ "item_title", PURCHASE "membership_title", FIELD_TEXT,
	    .flags = NEEDED, .events = M, .fills = FILLS(product_name) },
	{ "item_title", PURCHASE "catalog_title", FIELD_TEXT,
	    .flags = FIELD_STAYS, .events = G, .fills = FILLS(product_name) },
	{ "price_id", PURCHASE "price_event_id", FIELD_TEXT,
	    .flags = FIELD_STAYS, .events = M },
	{ "price_id", PURCHASE "catalog_price_id", FIELD_TEXT,
	    .flags = FIELD_STAYS, .events = G },
	/* months: subscription_period counts them, in the same site's list of
	 * subscribers */
	{ "months", PURCHASE "billing_period", FIELD_MONTHS, .flags = NEEDED,
	    .events = M, .fills = FILLS(months) },
	{ "fee_covered", PURCHASE "is_fee_covered", FIELD_FLAG,
	    .flags = FIELD_STAYS },
	{ "fee_covered_forever", PURCHASE "is_fee_covered_forever", FIELD_FLAG,
	    .flags = FIELD_STAYS, .events = M },
	{ "discount_code", PURCHASE "discount_code", FIELD_TEXT, .events = G },
	{ "custom_reference_id", PURCHASE "custom_reference_id",
	    FIELD_REFERENCE, .fills = FILLS(user_ref) },
	{ 0 },
};

/* An owner that nobody knows is nobody's. */
struct str
gank_entries(struct arena *a, struct str creator, struct str payer)
{
	return str_from(arena_printf(
	    a, GANK_MEMBERSHIP "%.*s:%.*s:", STR_ARG(creator), STR_ARG(payer)));
}

/* What adds up with other payments: a payer's membership under one title (a
 * retitled membership is another one; no id of the membership is sent). */
static struct str
subject_of(const struct document_reading *r, const struct fact *f)
{
	struct str title = f->product_name;
	const char *mark = "";
	if (r->event == GOODS && f->sale.p != NULL)
		return str_from(
		    arena_printf(r->arena, "goods:%.*s", STR_ARG(f->sale)));
	if (f->entries.p == NULL || title.p == NULL)
		return STR_NONE;
	if (f->entries.n + title.n > SUBJECT_MAX) {
		mark = "sha256:";
		title = platform_digest(r->arena, title);
	}
	return str_from(arena_printf(
	    r->arena, "%.*s%s%.*s", STR_ARG(f->entries), mark, STR_ARG(title)));
}

static void
settle(struct document_reading *r, struct fact *f)
{
	struct str names[] = { f->product_name,
		document_text(
		    r, r->event == MEMBERSHIP ? "price_id" : "item_id") };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].p != NULL)
			f->names[f->n_names++] = names[i];
	f->tier = f->product_name;
	if (r->event == MEMBERSHIP && f->owner.p != NULL && f->buyer.p != NULL)
		f->entries = gank_entries(r->arena, f->owner, f->buyer);
	f->test = str_starts(f->sale, STR(GANK_TEST_MEMBERSHIP)) ||
	    str_starts(f->sale, STR(GANK_TEST_GOODS));
	f->subject = subject_of(r, f);
	/* exactly: a word Gank has not told us about is not a payment */
	if (!str_eq_z(document_text(r, "payment_status"), GANK_STATUS))
		document_complain(r, DOCUMENT_CONTRADICTS, "payment_status",
		    "not " GANK_STATUS);
}

static const struct document document = {
	.event_path = "event",
	.events = events,
	.fields = fields,
	.settle = settle,
};

const struct platform platform_gank = {
	.name = "gank",
	.words = { .title = "Gank",
	    .secret = "Creator Settings, Widgets, Payment Webhook",
	    .own_test = gank_own_test },
	.version = 1,
	.body_max = 1024 * 1024,
	.content_type = "application/json",
	.secrets_key = "secrets",
	.owner_key = "creator_id",
	.owner_field = "creator_user_id",
	/* a repeat is told by its bytes, so age alone is no danger */
	.tolerance_default = 86400,
	.shop_host = "ganknow.com",
	.shop_parameter = "custom_reference_id",
	.titled = 1,
	.secret_min = 1,
	.secret_short = 16,
	.refused_status = 401,
	.proof = { .header = "Gank-Signature",
	    .param = "HTTP_GANK_SIGNATURE",
	    .time_key = "t",
	    .mac_key = "v1",
	    .separator = ',',
	    .joiner = '.' },
	.document = &document,
	.verify = proof_timed,
	.decode = document_decode,
	.redact = document_redact,
	.describe = document_describe,
	.sign = proof_make_timed,
	.sample = gank_sample,
	.sample_key = gank_sample_key,
	.samples = gank_samples,
	.setup = gank_setup,
	.settings = gank_settings,
	.api = &gank_api,
};

#include "platform/document.h"
#include "platform/proof.h"

/*
 * Ko-fi's webhooks (ko-fi.com/manage/webhooks, quoted at
 * meta.discourse.org/t/255047): a form whose field data is JSON, with the
 * secret in it. No event tells of an end or a refund, no id of a member comes,
 * and nothing can be asked: who paid less than a month ago is a member.
 */
enum {
	PERIOD = 31, /* days: the longest month */
	SUBJECT_MAX = 200, /* bytes; a longer one is put as its digest */
	MEMBERSHIP = 0, /* places in the list of events */
	SHOP = 1,
};

/* What the buttons "Send test" send; ours begin the same. */
#define TEST "00000000-1111-2222-3333-"

static const struct document_event events[] = {
	{ "Subscription", "membership", FACT_PAYMENT, "membership" },
	{ "Shop Order", "shop", FACT_PAYMENT, "shop" },
	{ "Donation", "donation", FACT_PAYMENT, "donation" },
	{ "Tip", "donation", FACT_PAYMENT, "donation" },
	{ "Commission", "commission", FACT_PAYMENT, "commission" },
	{ 0 },
};

/* Names and messages of buyers are not read: some ask that nobody sees them. */
static const struct field fields[] = {
	{ "message_id", "message_id", FIELD_ID,
	    .flags = FIELD_REQUIRED | FIELD_STAYS },
	{ "kofi_transaction_id", "kofi_transaction_id", FIELD_ID,
	    .flags = FIELD_REQUIRED | FIELD_STAYS, .fills = FILLS(sale) },
	{ "timestamp", "timestamp", FIELD_TIME, .flags = FIELD_STAYS,
	    .fills = FILLS(sold_at) },
	{ "currency", "currency", FIELD_CURRENCY, .flags = FIELD_STAYS,
	    .fills = FILLS(currency) },
	{ "amount", "amount", FIELD_DECIMAL, .flags = FIELD_STAYS,
	    .fills = FILLS(price) },
	{ "email", "email", FIELD_EMAIL, .flags = FIELD_PERSON,
	    .fills = FILLS(email) },
	{ "tier_name", "tier_name", FIELD_TEXT, .flags = FIELD_STAYS,
	    .fills = FILLS(product_name) },
	{ "is_subscription_payment", "is_subscription_payment", FIELD_FLAG,
	    .flags = FIELD_STAYS },
	{ "is_first_subscription_payment", "is_first_subscription_payment",
	    FIELD_FLAG, .flags = FIELD_STAYS },
	{ "shop_items", "shop_items", FIELD_LIST, .flags = FIELD_STAYS,
	    .members = "direct_link_code variation_name quantity" },
	{ 0 },
};

/* A person's payments for one tier; without an address each by itself. */
static struct str
subject_of(const struct document_reading *r, const struct fact *f)
{
	struct str raw = document_text(r, "email");
	struct str who = f->email.p != NULL ? f->email : raw;
	if (r->event != MEMBERSHIP || who.p == NULL)
		return str_from(
		    arena_printf(r->arena, "payment:%.*s", STR_ARG(f->sale)));
	struct str id = str_from(arena_printf(
	    r->arena, "%.*s:%.*s", STR_ARG(who), STR_ARG(f->product_name)));
	int whole = id.n <= SUBJECT_MAX;
	if (!whole)
		id = platform_digest(r->arena, id);
	return str_from(arena_printf(r->arena, "membership:%s%.*s",
	    whole ? "" : "sha256:", STR_ARG(id)));
}

static void
add_variants(struct fact *f, const json_t *items, const char *key)
{
	const json_t *item;
	size_t i;
	json_array_foreach(items, i, item)
	{
		struct str s = { json_string_value(json_object_get(item, key)),
			json_string_length(json_object_get(item, key)) };
		if (s.n > 0 && f->n_variants < FACT_VARIANTS_MAX)
			f->variants[f->n_variants++] = s;
	}
}

/* The codes of what was bought, then of which kind. */
static void
read_items(struct document_reading *r, struct fact *f)
{
	const json_t *items = document_value(r, "shop_items");
	add_variants(f, items, "direct_link_code");
	add_variants(f, items, "variation_name");
	f->tier = f->variant = f->variants[0];
	for (size_t i = 1; i < f->n_variants; i++)
		f->variant = str_from(arena_printf(r->arena, "%.*s, %.*s",
		    STR_ARG(f->variant), STR_ARG(f->variants[i])));
	f->product_name = f->variant;
}

static void
settle(struct document_reading *r, struct fact *f)
{
	f->test = str_starts(f->sale, STR(TEST));
	f->subject = subject_of(r, f);
	/* the same one again is no other, whatever stands beside it */
	struct str id = document_text(r, "message_id");
	if (id.p != NULL)
		f->delivery = platform_digest(r->arena, id);
	if (r->event == SHOP)
		read_items(r, f);
	f->unnamed = r->event > SHOP;
	if (r->event != MEMBERSHIP)
		return;
	f->days = PERIOD;
	f->tier = f->product_name;
	if (f->tier.p != NULL)
		f->names[f->n_names++] = f->tier;
}

static void
setup(const struct platform *p, const struct platform_site *site, struct buf *b)
{
	buf_addf(b,
	    "\nKo-fi\n  1. ko-fi.com/manage/webhooks: the webhook URL, which "
	    "has to be https.\n       %.*s/hooks/%s\n",
	    STR_ARG(site->base), p->name);
	if (site->secret.p == NULL)
		buf_addf(b,
		    "  2. Put the verification token shown there into the "
		    "configuration:\n     %s { %s = { '…' } }\n",
		    p->name, p->secrets_key);
	else
		buf_addz(b, "  2. Its token is in the configuration.\n");
	buf_addz(b,
	    "  3. Its buttons \"Send test\" come as tests.\n"
	    "  4. No id of yours comes along: the e-mail address is who it is. "
	    "Your users sign\n     in by mail, or 'gatepost link' ties one to "
	    "an id.\n");
}

#define SAMPLE(type, is_subscription, items, tier) \
	"{\"verification_token\":null,\"message_id\":\"{uuid}\"," \
	"\"timestamp\":\"{now}\",\"type\":\"" type "\",\"is_public\":true," \
	"\"from_name\":\"Jo Example\",\"message\":null,\"amount\":\"5.00\"," \
	"\"url\":\"https://ko-fi.com/Home/CoffeeShop?txid=" TEST "{fresh}\"," \
	"\"email\":\"jo.example@example.com\",\"currency\":\"USD\"," \
	"\"is_subscription_payment\":" is_subscription "," \
	"\"is_first_subscription_payment\":" is_subscription "," \
	"\"kofi_transaction_id\":\"" TEST "{fresh}\"," \
	"\"shop_items\":" items ",\"tier_name\":" tier ",\"shipping\":null}"

static const struct platform_sample samples[] = {
	{ "membership", "Subscription", "a month of a membership is paid",
	    .body = SAMPLE("Subscription", "true", "null", "\"Test\""),
	    .variant_key = "tier_name" },
	{ "shop", "Shop Order", "something of the shop is bought",
	    .body = SAMPLE("Shop Order", "false",
		"[{\"direct_link_code\":\"1a2b3c4d5e\","
		"\"variation_name\":\"Blue\",\"quantity\":1}]",
		"null") },
	{ "donation", "Donation", "a coffee is bought",
	    .body = SAMPLE("Donation", "false", "null", "null") },
	{ 0 },
};

static const struct document document = {
	.form_field = "data",
	.event_path = "type",
	.events = events,
	.fields = fields,
	.settle = settle,
};

const struct platform platform_kofi = {
	.name = "kofi",
	.words = { .title = "Ko-fi",
	    .secret = "ko-fi.com/manage/webhooks, Advanced",
	    .limits = "kofi tells of no cancellation and no refund: a "
		      "membership lasts 31 days from each payment, and grace; "
		      "'gatepost revoke' ends one before" },
	.version = 1,
	.body_max = 1024 * 1024,
	.content_type = "application/x-www-form-urlencoded",
	.secrets_key = "tokens",
	.shop_host = "ko-fi.com",
	.titled = 1,
	.secret_min = 16,
	.refused_status = 401,
	.proof = { .token = "verification_token" },
	.document = &document,
	.verify = proof_body_token,
	.blank = document_blank,
	.decode = document_decode,
	.redact = document_redact,
	.describe = document_describe,
	.sample = document_sample,
	.sample_key = document_sample_key,
	.samples = samples,
	.setup = setup,
};

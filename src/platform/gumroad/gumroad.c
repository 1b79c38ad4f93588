#include "platform/gumroad/gumroad.h"

#include "base/crypto.h"
#include "platform/proof.h"

/*
 * Gumroad's pings: app/modules/purchase/ping_notification.rb and
 * app/modules/subscription/ping_notification.rb say which keys there are,
 * app/sidekiq/post_to_individual_ping_endpoint_worker.rb how they are sent.
 */
static const struct resource {
	const char *name;
	enum fact_kind kind;
	enum gumroad_shape shape;
} resources[] = {
	{ "sale", FACT_SALE, GUMROAD_PURCHASE },
	{ "refund", FACT_REFUND, GUMROAD_PURCHASE },
	{ "dispute", FACT_DISPUTE, GUMROAD_PURCHASE },
	{ "dispute_won", FACT_DISPUTE_WON, GUMROAD_PURCHASE },
	{ "cancellation", FACT_CANCELLATION, GUMROAD_SUBSCRIPTION },
	{ "subscription_updated", FACT_UPDATED, GUMROAD_SUBSCRIPTION },
	{ "subscription_ended", FACT_ENDED, GUMROAD_SUBSCRIPTION },
	{ "subscription_restarted", FACT_RESTARTED, GUMROAD_SUBSCRIPTION },
};

static void
find_repeated(struct gumroad_decoder *d)
{
	for (const struct node *c = d->read->root->first; c != NULL;
	     c = c->next) {
		if (!c->repeated)
			continue;
		const char *key = gumroad_known_key(c->key);
		gumroad_keep(d, "repeated_key", key == NULL ? "a key" : key,
		    "comes more than once");
		return;
	}
}

static const struct resource *
find_resource(struct str name)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (str_eq_z(name, resources[i].name))
			return &resources[i];
	return NULL;
}

/*
 * Which of the eight, or the test ping: User#send_test_ping sends the newest
 * sale with test=true and without resource_name. Where a custom field has
 * that name, the buyer's answer stands there instead: a test all the same.
 */
static int
decode_kind(struct gumroad_decoder *d)
{
	struct gumroad_read *r = d->read;
	const struct node *n = node_get_z(r->root, "resource_name");
	const struct node *typed =
	    node_get_z(node_get_z(r->root, "custom_fields"), "resource_name");
	int test = str_eq_z(node_text(node_get_z(r->root, "test")), "true");
	const struct resource *known = find_resource(node_text(n));
	/* a buyer who types the word makes no probe of a sale */
	int probe = test && typed == NULL &&
	    str_eq_z(node_text(n), PLATFORM_PROBE_EVENT);
	r->resource_named = !gumroad_is_blank(n) && !probe &&
	    !(test && typed != NULL && node_equal(typed, n));
	r->shape = !gumroad_is_blank(node_get_z(r->root, "sale_id"))
	    ? GUMROAD_PURCHASE
	    : !gumroad_is_blank(node_get_z(r->root, "subscription_id"))
	    ? GUMROAD_SUBSCRIPTION
	    : GUMROAD_NEITHER;
	if (!r->resource_named && test) {
		const char *word = probe ? PLATFORM_PROBE : "test_ping";
		d->f->kind_name = str_from(word);
		r->shape = GUMROAD_PURCHASE;
		if (d->f->reason == NULL) {
			d->f->status = FACT_TEST;
			d->f->reason = word;
		}
	} else if (!r->resource_named) {
		gumroad_keep(d, "missing_resource_name", "resource_name",
		    "not in the body");
	} else if (node_text(n).p == NULL) {
		gumroad_keep(d, "wrong_type", "resource_name", "not a text");
	} else if (known == NULL) {
		gumroad_keep(d, "unknown_resource", "resource_name",
		    "not one that is known");
		d->f->kind_name = platform_word(d->a, node_text(n));
	} else {
		d->f->kind = known->kind;
		d->f->kind_name = str_from(known->name);
		r->shape = known->shape;
	}
	return r->shape == GUMROAD_PURCHASE ? gumroad_find_shadowed(r) : 0;
}

/* The dedupe key and, from it or better, the subject. */
static int
name_delivery(
    struct gumroad_decoder *d, const struct gumroad_body *body, struct err *e)
{
	struct fact *f = d->f;
	char *hex = arena_alloc(d->a, CRYPTO_SHA256_HEX + 1);
	if (hex == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(body->digest, sizeof(body->digest), hex);
	f->delivery = (struct str){ hex, CRYPTO_SHA256_HEX };
	f->subject = gumroad_subject(d->a, f);
	return 0;
}

static void
decode_body(struct gumroad_decoder *d, const struct decode_opts *opts)
{
	d->f->kind_name = STR("unknown");
	if (d->read->root == NULL || d->read->root->first == NULL) {
		gumroad_keep(d, "missing_resource_name", "resource_name",
		    "not in the body");
		return;
	}
	find_repeated(d);
	if (decode_kind(d) != 0)
		return;
	if (d->read->shape == GUMROAD_PURCHASE)
		gumroad_purchase(d, opts);
	else if (d->read->shape == GUMROAD_SUBSCRIPTION)
		gumroad_subscription(d);
}

static int
gumroad_decode(const struct platform *p, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e)
{
	struct decode_opts o = { str_from(p->reference_default) };
	struct gumroad_body read;
	struct gumroad_decoder d = { .a = a, .f = out };
	if (opts != NULL && opts->reference.n > 0)
		o = *opts;
	*out = fact_none();
	/* price is USD cents whatever the listing's currency */
	out->currency = STR("USD");
	d.read = arena_alloc(a, sizeof(*d.read));
	d.warnings = arena_alloc(a, GUMROAD_WARNINGS_MAX * sizeof(*d.warnings));
	if (d.read == NULL || d.warnings == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	d.read->arena = a;
	out->detail_of_platform = d.read;
	out->warnings = d.warnings;
	if (gumroad_read_body(a, body, &read, e) != 0)
		return -1;
	d.read->root = read.root;
	if (read.reason != NULL)
		gumroad_keep(&d, read.reason, NULL, read.detail);
	decode_body(&d, &o);
	if (name_delivery(&d, &read, e) != 0)
		return -1;
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

const struct platform platform_gumroad = {
	.name = "gumroad",
	.words = { .title = "Gumroad",
	    .page = "At Gumroad, in Settings, Advanced, paste this as the ping "
		    "endpoint",
	    .resend = "Gumroad can send a sale's ping again, from the sale's "
		      "page there",
	    .extra_kinds = gumroad_extra_kinds,
	    .extra = "The ping URL carries sales only; 'gatepost urls' has the "
		     "lines for the rest",
	    .own_test = gumroad_own_test },
	.version = 4,
	.body_max = 1024 * 1024,
	.content_type = "application/x-www-form-urlencoded",
	.secrets_key = "tokens",
	.owner_key = "seller_id",
	.owner_field = "seller_id",
	.reference_default = "user_id",
	.shop_host = "gumroad.com",
	.secret_min = 16,
	.token_in_path = 1,
	.refused_status = 404,
	.verify = proof_url_token,
	.decode = gumroad_decode,
	.redact = gumroad_redact,
	.describe = gumroad_describe,
	.sample = gumroad_sample,
	.sample_key = gumroad_sample_key,
	.samples = gumroad_samples,
	.probe = &gumroad_probe,
	.setup = gumroad_setup,
	.settings = gumroad_settings,
	.api = &gumroad_api,
};

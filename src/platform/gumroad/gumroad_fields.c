#include "platform/gumroad/gumroad.h"

#include <stdarg.h>
#include <string.h>

#include "base/time.h"

static const struct {
	const char *word;
	int months;
} recurrences[] = { { "monthly", 1 }, { "quarterly", 3 }, { "biannually", 6 },
	{ "yearly", 12 }, { "every_two_years", 24 } };

static void warn(struct gumroad_decoder *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
warn(struct gumroad_decoder *d, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	if (d->f->n_warnings == GUMROAD_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	const char *copy = arena_dup(d->a, text, strlen(text));
	if (copy != NULL)
		d->warnings[d->f->n_warnings++] = copy;
}

void
gumroad_keep(struct gumroad_decoder *d, const char *reason, const char *key,
    const char *what)
{
	if (d->f->reason != NULL)
		return;
	d->f->status = FACT_KEPT;
	d->f->reason = reason;
	d->f->detail = str_from(
	    key == NULL ? what : arena_printf(d->a, "%s: %s", key, what));
}

/* The value at the top level; NULL when a buyer may have put it there. */
static const struct node *
field(const struct gumroad_decoder *d, const char *key)
{
	if (gumroad_is_shadowed(d->read, key))
		return NULL;
	return node_get_z(d->read->root, key);
}

int
gumroad_is_blank(const struct node *n)
{
	return n == NULL || n->kind == NODE_NULL ||
	    (n->kind == NODE_TEXT && n->text.n == 0);
}

static struct str
text(struct gumroad_decoder *d, const char *key)
{
	const struct node *n = field(d, key);
	if (gumroad_is_blank(n))
		return STR_NONE;
	struct str s = node_text(n);
	if (s.p == NULL)
		warn(d, "%s: not a text", key);
	return s;
}

/* For a column of text. */
static struct str
clean(struct gumroad_decoder *d, const char *key)
{
	struct str s = text(d, key);
	if (s.p == NULL)
		return s;
	if (!str_is_utf8(s))
		warn(d, "%s: not UTF-8", key);
	return str_clean_utf8(d->a, s, 1);
}

static struct str
identifier(struct gumroad_decoder *d, const char *key)
{
	struct str s = text(d, key);
	struct str id = platform_identifier(s);
	if (s.p != NULL && id.p == NULL)
		warn(d, "%s: not usable as an identifier", key);
	/* Gumroad's ids are URL-safe base64: no '%' */
	if (str_has_byte(id, '%'))
		warn(d, "%s: looks undecoded", key);
	return id;
}

/* One without which the delivery cannot be filed. */
static struct str
key_identifier(struct gumroad_decoder *d, const char *key, int required)
{
	struct str id = identifier(d, key);
	if (id.p != NULL)
		return id;
	if (!gumroad_is_blank(field(d, key)))
		gumroad_keep(
		    d, "wrong_type", key, "not usable as an identifier");
	else if (required)
		gumroad_keep(d, "missing_field", key, "not in the body");
	return id;
}

static int64_t
number(struct gumroad_decoder *d, const char *key)
{
	struct str s = text(d, key);
	int64_t v;
	if (s.p == NULL)
		return FACT_NO_NUMBER;
	if (str_int64(s, 0, INT64_MAX, &v) == 0)
		return v;
	warn(d, "%s: not a whole number", key);
	return FACT_NO_NUMBER;
}

static int
boolean(struct gumroad_decoder *d, const char *key)
{
	struct str s = text(d, key);
	if (s.p != NULL && !str_eq_z(s, "true") && !str_eq_z(s, "false"))
		warn(d, "%s: neither true nor false", key);
	return str_eq_z(s, "true");
}

/* A time the fold relies on. */
static int64_t
moment(struct gumroad_decoder *d, const char *key, int required)
{
	struct str s = text(d, key);
	int64_t t;
	if (s.p != NULL && time_parse(s, &t) == 0)
		return t;
	if (!gumroad_is_blank(field(d, key)))
		gumroad_keep(d, "wrong_type", key, "not an RFC 3339 time");
	else if (required)
		gumroad_keep(d, "missing_field", key, "not in the body");
	return FACT_NO_TIME;
}

int
gumroad_months(struct str recurrence)
{
	for (size_t i = 0; i < sizeof(recurrences) / sizeof(recurrences[0]);
	     i++)
		if (str_eq_z(recurrence, recurrences[i].word))
			return recurrences[i].months;
	return 0;
}

static void
decode_recurrence(struct gumroad_decoder *d)
{
	struct fact *f = d->f;
	f->recurrence = clean(d, "recurrence");
	f->months = gumroad_months(f->recurrence);
	if (f->months > 0 || f->subscription.p == NULL)
		return;
	/* a blank one is normal in a subscription ping (instalments) */
	if (f->recurrence.p == NULL && d->read->shape == GUMROAD_SUBSCRIPTION)
		return;
	f->months = 1;
	warn(d, "recurrence: not a known period, taken as monthly");
}

/* The app's own user id: url_params[reference], one scalar. */
static void
decode_user_ref(struct gumroad_decoder *d, const struct decode_opts *opts)
{
	const struct node *n =
	    node_get(field(d, "url_params"), opts->reference);
	if (n == NULL)
		return;
	d->f->user_ref = platform_identifier(node_text(n));
	if (d->f->user_ref.p == NULL)
		warn(d, "url_params[%.*s]: not usable as an identifier",
		    STR_ARG(opts->reference));
}

static void
decode_product(struct gumroad_decoder *d)
{
	static const char *const keys[FACT_NAMES_MAX] = { "permalink",
		"short_product_id", "product_id", "product_name" };
	struct fact *f = d->f;
	for (size_t i = 0; i < FACT_NAMES_MAX; i++) {
		struct str s = clean(d, keys[i]);
		if (s.p == NULL)
			continue;
		f->names[f->n_names++] = s;
		if (strcmp(keys[i], "product_name") == 0)
			f->product_name = s;
		if (strcmp(keys[i], "product_id") != 0)
			continue;
		f->product_id = s;
		if (str_has_byte(s, '%'))
			warn(d, "product_id: looks undecoded");
	}
	if (f->n_names > 0)
		f->product = f->names[0];
}

/* A retry is a copy of the first attempt, 1, 4 and 14 minutes later:
 * app/sidekiq/post_to_individual_ping_endpoint_worker.rb. */
static void
decode_retry(struct gumroad_decoder *d)
{
	static const int64_t ago[] = { 0, 60, 240, 840 };
	struct str s = text(d, "retry_count");
	int64_t n;
	if (s.p != NULL && str_int64(s, 1, 3, &n) == 0)
		d->f->sent_ago = ago[n];
}

struct str
gumroad_subject(struct arena *a, const struct fact *f)
{
	/* ids of sales and subscriptions can be equal: the same cipher */
	const char *prefix = "delivery";
	struct str id = f->delivery;
	if (f->subscription.p != NULL) {
		prefix = "subscription";
		id = f->subscription;
	} else if (f->sale.p != NULL) {
		prefix = "sale";
		id = f->sale;
	}
	return str_from(arena_printf(a, "%s:%.*s", prefix, STR_ARG(id)));
}

struct str
gumroad_join_variants(struct arena *a, const struct fact *f)
{
	size_t size = 1, n = 0;
	for (size_t i = 0; i < f->n_variants; i++)
		size += f->variants[i].n + 2;
	char *p = f->n_variants == 0 ? NULL : arena_alloc(a, size);
	if (p == NULL)
		return STR_NONE;
	for (size_t i = 0; i < f->n_variants; i++) {
		if (i > 0) {
			memcpy(p + n, ", ", 2);
			n += 2;
		}
		memcpy(p + n, f->variants[i].p, f->variants[i].n);
		n += f->variants[i].n;
	}
	return (struct str){ p, n };
}

static void
decode_variants(struct gumroad_decoder *d)
{
	struct fact *f = d->f;
	const struct node *n = field(d, "variants");
	if (gumroad_is_blank(n))
		return;
	if (n->kind != NODE_MAP && n->kind != NODE_LIST) {
		gumroad_keep(d, "wrong_type", "variants", "not a map");
		return;
	}
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		struct str s = node_text(c);
		if (s.p == NULL || s.n == 0)
			continue;
		if (f->n_variants == FACT_VARIANTS_MAX) {
			warn(d,
			    "variants: more than %d, the rest is not "
			    "looked at",
			    FACT_VARIANTS_MAX);
			break;
		}
		if (!str_is_utf8(s))
			warn(d, "variants: not UTF-8");
		s = str_clean_utf8(d->a, s, 1);
		f->variants[f->n_variants++] = s;
		/* app/models/link.rb: the category of a tiered membership */
		if (str_eq_z(c->key, "Tier"))
			f->tier = s;
	}
	f->variant = gumroad_join_variants(d->a, f);
}

/* Kept for a value that a buyer may have typed: where Gumroad itself was asked
 * for the sale, it has the true ones. */
static int
is_blurred(const struct gumroad_decoder *d)
{
	const struct fact *f = d->f;
	const struct node *id = field(d, "sale_id");
	return f->status == FACT_KEPT && f->kind != FACT_UNKNOWN &&
	    f->sale.p != NULL && id != NULL && !id->repeated &&
	    (strcmp(f->reason, "shadowed_key") == 0 ||
		strcmp(f->reason, "repeated_key") == 0);
}

void
gumroad_purchase(struct gumroad_decoder *d, const struct decode_opts *opts)
{
	struct fact *f = d->f;
	const char *shadow = gumroad_critical_shadow(d->read);
	for (size_t i = 0; i < d->read->n_shadowed; i++)
		warn(d,
		    "%s: a custom field has this name, the buyer may have "
		    "typed the value",
		    gumroad_known_key(d->read->shadowed[i]));
	if (shadow != NULL)
		gumroad_keep(d, "shadowed_key", shadow,
		    "a custom field of this name hides Gumroad's value");
	decode_retry(d);
	f->sale = key_identifier(d, "sale_id", 1);
	f->subscription = key_identifier(d, "subscription_id", 0);
	f->sold_at = moment(d, "sale_timestamp", 0);
	decode_product(d);
	if (f->n_names == 0)
		gumroad_keep(d, "missing_field", "product_name",
		    "no product is named in any way");
	decode_variants(d);
	decode_recurrence(d);
	decode_user_ref(d, opts);
	f->owner = identifier(d, "seller_id");
	f->buyer = identifier(d, "purchaser_id");
	f->license = platform_license(d->a, identifier(d, "license_key"));
	struct str email = text(d, "email");
	f->email = email.p == NULL ? email : platform_email(d->a, email);
	if (email.p != NULL && f->email.p == NULL)
		warn(d, "email: not usable as an address");
	f->price = number(d, "price");
	f->quantity = number(d, "quantity");
	f->test = boolean(d, "test");
	f->preorder = boolean(d, "is_preorder_authorization");
	f->gift = boolean(d, "is_gift_receiver_purchase");
	f->refunded = boolean(d, "refunded");
	f->disputed = boolean(d, "disputed");
	f->dispute_won = boolean(d, "dispute_won");
	f->blurred = is_blurred(d);
}

static void
decode_plan_change(struct gumroad_decoder *d)
{
	struct fact *f = d->f;
	struct str type = text(d, "type");
	const struct node *plan = field(d, "new_plan");
	f->effective_at = moment(d, "effective_as_of", 0);
	f->downgrade = str_eq_z(type, "downgrade");
	if (gumroad_is_blank(field(d, "type")))
		gumroad_keep(d, "missing_field", "type", "not in the body");
	else if (!f->downgrade && !str_eq_z(type, "upgrade"))
		gumroad_keep(
		    d, "wrong_type", "type", "neither upgrade nor downgrade");
	if (gumroad_is_blank(plan)) {
		gumroad_keep(d, "missing_field", "new_plan", "not in the body");
		return;
	}
	if (plan->kind != NODE_MAP) {
		gumroad_keep(d, "wrong_type", "new_plan", "not a map");
		return;
	}
	struct str name =
	    node_text(node_get_z(node_get_z(plan, "tier"), "name"));
	if (name.n > 0)
		f->new_tier = str_clean_utf8(d->a, name, 1);
	else
		warn(d, "new_plan[tier][name]: not in the body");
}

void
gumroad_subscription(struct gumroad_decoder *d)
{
	struct fact *f = d->f;
	int64_t t;
	decode_retry(d);
	f->subscription = key_identifier(d, "subscription_id", 1);
	decode_product(d);
	decode_recurrence(d);
	f->license = platform_license(d->a, identifier(d, "license_key"));
	f->cancelled_at = moment(d, "cancelled_at", 0);
	f->ended_at = moment(d, "ended_at", f->kind == FACT_ENDED);
	f->ended_reason = clean(d, "ended_reason");
	f->restarted_at = moment(d, "restarted_at", f->kind == FACT_RESTARTED);
	f->charges = number(d, "charge_occurrence_count");
	/* Gumroad marks none of these: `gatepost trigger` does */
	f->test = boolean(d, "test");
	struct str trial = text(d, "free_trial_ends_at");
	if (trial.p != NULL && time_parse(trial, &t) == 0)
		f->trial_ends_at = t;
	else if (trial.p != NULL)
		warn(d, "free_trial_ends_at: not an RFC 3339 time");
	if (f->kind == FACT_UPDATED)
		decode_plan_change(d);
}

#include "platform/gumroad/gumroad_api.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "platform/money.h"

/* What an answer of Gumroad's API says, in the words of struct fact. An absent
 * flag is false. */

json_t *
gumroad_value(const json_t *root, const struct gumroad_key *k)
{
	json_t *v = json_object_get(root, k->name);
	return json_is_null(v) ? NULL : v;
}

struct str
gumroad_text(const struct gumroad_answer *r, const char *key)
{
	struct str s;
	json_text(json_object_get(r->root, key), &s);
	return s.n > 0 ? s : STR_NONE;
}

/* 1 as well as 1.0: not below 0. */
static int
whole(const json_t *v, int64_t *out)
{
	double d = json_real_value(v);
	if (json_is_integer(v))
		*out = json_integer_value(v);
	else if (json_is_real(v) && d >= 0 && d < 1e15)
		*out = (int64_t)d;
	else
		return -1;
	return *out < 0 || (json_is_real(v) && d > (double)*out) ? -1 : 0;
}

static int
are_texts(json_t *object)
{
	int texts = json_is_object(object);
	const char *name;
	const json_t *v;
	json_object_foreach(object, name, v)
	{
		texts &= json_is_string(v);
	}
	return texts;
}

static int
fits(const struct gumroad_key *k, json_t *v)
{
	struct str s;
	int64_t n;
	json_text(v, &s);
	switch (k->type) {
	case GUMROAD_FLAG:
		return json_is_boolean(v);
	case GUMROAD_NUMBER:
		return whole(v, &n) == 0;
	case GUMROAD_MOMENT:
		return s.p != NULL && time_parse(s, &n) == 0;
	case GUMROAD_NAMES:
		return are_texts(v);
	case GUMROAD_ID:
		return platform_identifier(s).p != NULL;
	default:
		return s.p != NULL;
	}
}

static void
fill(const struct gumroad_answer *r, const struct gumroad_key *k,
    const json_t *v, struct fact *f)
{
	char *at = (char *)f + k->fills;
	struct str s;
	json_text(v, &s);
	if (k->type == GUMROAD_FLAG)
		*(int *)(void *)at = json_is_true(v);
	else if (k->type == GUMROAD_NUMBER)
		whole(v, (int64_t *)(void *)at);
	else if (k->type == GUMROAD_MOMENT)
		time_parse(s, (int64_t *)(void *)at);
	else
		*(struct str *)(void *)at = k->type == GUMROAD_EMAIL
		    ? platform_email(r->arena, s)
		    : k->type == GUMROAD_LICENSE ? platform_license(r->arena, s)
		    : s.n > 0			 ? s
						 : STR_NONE;
}

static void
keep(const struct gumroad_answer *r, struct fact *f, const char *reason,
    const char *key, const char *what)
{
	f->status = FACT_KEPT;
	if (f->reason != NULL)
		return;
	f->reason = reason;
	f->detail = str_from(arena_printf(r->arena, "%s: %s", key, what));
}

static void
read_keys(const struct gumroad_answer *r, struct fact *f)
{
	for (const struct gumroad_key *k = r->reading->keys; k->name != NULL;
	     k++) {
		json_t *v = gumroad_value(r->root, k);
		if (v != NULL && !fits(k, v))
			keep(r, f, "wrong_type", k->name, json_shape(v));
		else if (v != NULL && k->fills != 0)
			fill(r, k, v, f);
		else if (v == NULL && (k->flags & GUMROAD_REQUIRED) != 0)
			keep(r, f, "missing_field", k->name, "not in the body");
	}
}

/* ---- a sale ---- */

/* In the order of a ping's: permalink, short id, id, name. */
static void
read_names(const struct gumroad_answer *r, struct fact *f)
{
	struct str own = gumroad_text(r, "custom_permalink");
	struct str unique = gumroad_text(r, "product_permalink");
	const struct str names[FACT_NAMES_MAX] = { own.p != NULL ? own : unique,
		unique, f->product_id, f->product_name };
	for (size_t i = 0; i < FACT_NAMES_MAX; i++)
		if (names[i].p != NULL)
			f->names[f->n_names++] = names[i];
	f->product = f->names[0];
}

static void
read_variants(const struct gumroad_answer *r, struct fact *f)
{
	const char *name;
	const json_t *v;
	json_object_foreach(json_object_get(r->root, "variants"), name, v)
	{
		struct str s;
		json_text(v, &s);
		if (s.n == 0 || f->n_variants == FACT_VARIANTS_MAX)
			continue;
		f->variants[f->n_variants++] = s;
		if (strcmp(name, "Tier") == 0)
			f->tier = s;
	}
	f->variant = gumroad_join_variants(r->arena, f);
}

/* "1,234.50", in units of the listing's currency; the price is in cents of a
 * dollar, so that other currencies do not tell it. */
static void
read_refund(const struct gumroad_answer *r, struct fact *f)
{
	struct str s = gumroad_text(r, "amount_refundable_in_currency");
	f->left = s;
	char digits[FACT_ID_MAX + 1];
	size_t n = 0;
	int64_t left;
	for (size_t i = 0; i < s.n && n < FACT_ID_MAX; i++)
		if (s.p[i] != ',')
			digits[n++] = s.p[i];
	if ((f->refunded || f->partly_refunded) &&
	    str_eq_z(gumroad_text(r, "currency"), "usd") &&
	    money_parse((struct str){ digits, n }, f->currency, &left) == 0 &&
	    f->price >= left)
		f->refunded_amount = f->price - left;
}

static void
read_sale(const struct gumroad_answer *r, struct fact *f)
{
	read_names(r, f);
	read_variants(r, f);
	read_refund(r, f);
	f->months = gumroad_months(f->recurrence);
	if (f->months == 0 && f->subscription.p != NULL)
		f->months = 1;
	if (!f->gift_sender)
		return;
	/* what the gifter paid is for somebody else */
	f->email = platform_email(r->arena, gumroad_text(r, "giftee_email"));
	f->buyer = f->license = STR_NONE;
}

/* ---- a membership ---- */

static void
read_subscriber(const struct gumroad_answer *r, struct fact *f)
{
	static const struct {
		const char *word;
		enum fact_life life;
		int is_over;
	} words[] = { { "alive", FACT_ALIVE, 0 },
		{ "pending_failure", FACT_FAILING, 0 },
		{ "pending_cancellation", FACT_PENDING_CANCELLATION, 0 },
		{ "cancelled", FACT_CANCELLED, 1 },
		{ "failed_payment", FACT_FAILED, 1 },
		{ "fixed_subscription_period_ended", FACT_COMPLETED, 1 } };
	struct str status = f->ended_reason;
	f->ended_reason = STR_NONE;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_eq_z(status, words[i].word))
			continue;
		f->life = words[i].life;
		/* the word of a ping's ended_reason */
		f->ended_reason = words[i].is_over ? status : STR_NONE;
	}
	if (f->life == FACT_LIFE_UNKNOWN)
		keep(r, f, "unknown_status", "status", "not one that is known");
	f->months = gumroad_months(f->recurrence);
}

void
gumroad_read_answer(const struct gumroad_answer *r, struct fact *f)
{
	read_keys(r, f);
	if (f->kind == FACT_READBACK)
		read_sale(r, f);
	else if (f->kind == FACT_SUBSCRIBER)
		read_subscriber(r, f);
}

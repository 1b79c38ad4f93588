#include "platform/gumroad/gumroad.h"

#include <string.h>

#include "base/json.h"

/*
 * A product as it is called now: an object of /v2/products. The last part of
 * its short_url is the permalink that a ping of it has.
 */

static void
add(struct str *to, size_t *n, size_t max, struct str s)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(to[i], s))
			return;
	if (s.n > 0 && *n < max)
		to[(*n)++] = s;
}

static struct str
member(const json_t *object, const char *key)
{
	struct str s = STR_NONE;
	json_text(json_object_get(object, key), &s);
	return s;
}

static struct str
last_part(struct str url)
{
	for (size_t i = url.n; i > 0; i--)
		if (url.p[i - 1] == '/')
			return (struct str){ url.p + i, url.n - i };
	return url;
}

void
gumroad_product(const json_t *object, struct fact *out)
{
	const json_t *category, *option;
	size_t i, k;
	const struct str names[] = { member(object, "custom_permalink"),
		last_part(member(object, "short_url")), member(object, "id"),
		member(object, "name") };
	*out = fact_none();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(out->names, &out->n_names, FACT_NAMES_MAX, names[i]);
	json_array_foreach(json_object_get(object, "variants"), i, category)
	{
		json_array_foreach(json_object_get(category, "options"), k,
		    option) add(out->variants, &out->n_variants,
		    FACT_VARIANTS_MAX, member(option, "name"));
	}
	out->product_id = member(object, "id");
	out->product_name = member(object, "name");
	const json_t *count = json_object_get(object, "sales_count");
	if (json_is_integer(count))
		out->quantity = json_integer_value(count);
}

/* A month's, or the least of the others. */
static int64_t
least_price(const json_t *option)
{
	json_t *prices = json_object_get(option, "recurrence_prices");
	json_t *p;
	const char *name;
	int64_t least = INT64_MAX;
	json_object_foreach(prices, name, p)
	{
		const json_t *cents = json_object_get(p, "price_cents");
		if (strcmp(name, "monthly") == 0)
			return json_integer_value(cents);
		if (json_integer_value(cents) < least)
			least = json_integer_value(cents);
	}
	return least;
}

size_t
gumroad_offers(const json_t *object, struct platform_offer *out, size_t max)
{
	const json_t *category, *option;
	size_t i, k, n = 0;
	if (json_is_true(json_object_get(object, "deleted")) || max == 0)
		return 0;
	if (!json_is_true(json_object_get(object, "is_tiered_membership"))) {
		out[0].variant = STR_NONE;
		out[0].price =
		    json_integer_value(json_object_get(object, "price"));
		return 1;
	}
	json_array_foreach(json_object_get(object, "variants"), i, category)
	{
		json_array_foreach(
		    json_object_get(category, "options"), k, option)
		{
			struct str name = member(option, "name");
			if (name.n == 0 || n == max)
				continue;
			out[n].variant = name;
			out[n++].price = least_price(option);
		}
	}
	return n;
}

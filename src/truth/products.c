#include "truth/products.h"

#include <stdlib.h>

#include "base/json.h"

static struct str
name_of(const struct platform *p, struct arena *a)
{
	return str_from(arena_printf(a, "products:%s", p->name));
}

static json_t *
list(const struct str *v, size_t n)
{
	json_t *out = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_from_text(v[i]));
	return out;
}

int
products_note(struct store *s, const struct platform *p, json_t *products,
    struct arena *a, struct err *e)
{
	const struct platform_api *api = p->api;
	struct str name = name_of(p, a);
	json_t *all, *object;
	const char *id;
	int same = 0;
	if (api->product == NULL)
		return 0;
	all = json_object();
	json_object_foreach(products, id, object)
	{
		struct fact f;
		api->product(object, &f);
		json_object_set_new(all, id,
		    json_pack("{s:o,s:o,s:o}", "names",
			list(f.names, f.n_names), "variants",
			list(f.variants, f.n_variants), "name",
			json_from_text(f.product_name)));
	}
	char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	int rc = text == NULL || name.p == NULL
	    ? err_no_memory(e)
	    : store_meta_is(s, name, str_from(text), &same, e);
	if (rc == 0 && !same)
		rc = store_meta_put(s, name, str_from(text), e);
	free(text);
	return rc;
}

int64_t
products_sales(const struct platform *p, json_t *products)
{
	const struct platform_api *api = p->api;
	int64_t sum = FACT_NO_NUMBER;
	json_t *object;
	const char *id;
	if (api->product == NULL)
		return sum;
	json_object_foreach(products, id, object)
	{
		struct fact f;
		(void)id;
		api->product(object, &f);
		if (f.quantity != FACT_NO_NUMBER)
			sum = (sum == FACT_NO_NUMBER ? 0 : sum) + f.quantity;
	}
	return sum;
}

static size_t
take(const json_t *from, struct str *to, size_t max)
{
	const json_t *v;
	size_t i, n = 0;
	json_array_foreach(from, i, v)
	{
		if (n < max && json_is_string(v))
			json_text(v, &to[n++]);
	}
	return n;
}

int
products_each(struct store *s, const struct platform *p, struct arena *a,
    products_fn *fn, void *arg, struct err *e)
{
	struct str name = name_of(p, a), text;
	const char *id;
	json_t *object;
	if (name.p == NULL)
		return err_no_memory(e);
	if (store_meta_text(s, name, a, &text, e) != 0)
		return -1;
	json_t *all = text.n == 0 ? NULL : json_loadb(text.p, text.n, 0, NULL);
	json_object_foreach(all, id, object)
	{
		struct fact f = fact_none();
		f.product_id = str_from(id);
		json_text(json_object_get(object, "name"), &f.product_name);
		f.n_names = take(
		    json_object_get(object, "names"), f.names, FACT_NAMES_MAX);
		f.n_variants = take(json_object_get(object, "variants"),
		    f.variants, FACT_VARIANTS_MAX);
		fn(arg, &f);
	}
	json_decref(all);
	return 0;
}

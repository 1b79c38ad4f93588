#include "access/rows.h"

#include <stdlib.h>

#include "platform/platform.h"

int
rows_take(void *arg, const struct store_purchase *row)
{
	struct rows *r = arg;
	struct store_purchase *v =
	    arena_grow(r->arena, r->v, r->n, &r->size, sizeof(*v));
	if (v == NULL)
		return r->failed = 1;
	r->v = v;
	struct store_purchase *p = &r->v[r->n++];
	*p = *row;
	struct str *texts[] = { &p->platform, &p->sale, &p->subscription,
		&p->product, &p->product_name, &p->variant, &p->user_ref,
		&p->email, &p->buyer, &p->license, &p->currency, &p->recurrence,
		&p->tier, &p->subject };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = str_copy(r->arena, *texts[i]);
	return r->failed = arena_failed(r->arena);
}

int
rows_any(void *arg, const struct store_purchase *row)
{
	(void)row;
	*(int *)arg = 1;
	return 1;
}

static int
by_since(const void *x, const void *y)
{
	const struct store_purchase *a = x, *b = y;
	int rc = (a->since > b->since) - (a->since < b->since);
	if (rc == 0)
		rc = str_compare(a->platform, b->platform);
	return rc != 0 ? rc : str_compare(a->sale, b->sale);
}

int
rows_by_sale(const void *x, const void *y)
{
	const struct store_purchase *a = x, *b = y;
	return str_compare(a->sale, b->sale);
}

int
rows_by(struct store *s, enum store_by by, struct str platform, struct str id,
    struct rows *rows, struct err *e)
{
	if (store_purchase_by(s, by, platform, id, rows_take, rows, e) != 0)
		return -1;
	/* without memory texts are missing */
	if (rows->n > 1 && !rows->failed)
		qsort(rows->v, rows->n, sizeof(rows->v[0]), by_since);
	return 0;
}

int
rows_of_sale(struct store *s, struct str sale, struct rows *rows, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		struct err absent = { .code = ERR_NONE };
		if (store_purchase_get(s, str_from(platforms[i]->name), sale,
			rows_take, rows, &absent) != 0 &&
		    absent.code != ERR_ABSENT) {
			*e = absent;
			return -1;
		}
	}
	return 0;
}

int
rows_is_first(const struct rows *rows, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(rows->v[k].subject, rows->v[i].subject) &&
		    str_eq(rows->v[k].platform, rows->v[i].platform))
			return 0;
	return 1;
}

void
rows_write_product(struct buf *b, const struct store_purchase *p)
{
	jsonw_text(b, "platform", p->platform);
	jsonw_text(b, "sale", p->sale);
	jsonw_text(b, "subscription", p->subscription);
	jsonw_text(b, "product", p->product);
	jsonw_text(b, "product_name", p->product_name);
	jsonw_text(b, "variant", p->variant);
}

void
rows_write_terms(struct buf *b, const struct store_purchase *p)
{
	jsonw_int(b, "price", p->price);
	jsonw_text(b, "currency", p->currency);
	jsonw_int(b, "quantity", p->quantity);
	jsonw_text(b, "recurrence", p->recurrence);
	jsonw_bool(b, "test", p->test != 0);
	jsonw_time(b, "sold_at", p->sold_at);
	jsonw_time(b, "refunded_at", p->refunded_at);
	jsonw_time(b, "disputed_at", p->disputed_at);
	jsonw_time(b, "dispute_won_at", p->dispute_won_at);
	jsonw_text(b, "tier", p->tier);
	jsonw_time(b, "since", p->since);
	jsonw_time(b, "paid_until", p->paid_until);
	jsonw_time(b, "until", p->until);
}

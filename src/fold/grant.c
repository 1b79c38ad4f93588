#include <stdlib.h>

#include "base/time.h"
#include "fold/fold.h"
#include "fold/manual.h"

/* The row of the grant d[i]; what came after it may have ended it. */
static struct store_purchase
row_of(struct str subject, const struct fold_delivery *d, size_t n, size_t i,
    struct fold_why *why)
{
	const struct manual *m = d[i].manual;
	struct store_purchase row = {
		.platform = STR("manual"),
		.sale = m->delivery,
		.product = STR("grant"),
		.product_name = m->note,
		.price = STORE_NULL,
		.quantity = STORE_NULL,
		.sold_at = d[i].sent_at,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.refunded_amount = STORE_NULL,
		.revoked_at = STORE_NULL,
		.confirmed_at = STORE_NULL,
		.tier = m->tier,
		.since = d[i].sent_at,
		.paid_until = m->until,
		.until = m->until,
		.subject = subject,
	};
	struct str *ids[] = { [STORE_BY_USER] = &row.user_ref,
		[STORE_BY_EMAIL] = &row.email,
		[STORE_BY_BUYER] = &row.buyer,
		[STORE_BY_LICENSE] = &row.license };
	if (m->by >= 0)
		*ids[m->by] = m->id;
	for (size_t k = i + 1; k < n; k++) {
		const struct manual *later = d[k].manual;
		int ends = later->kind == MANUAL_REVOKE &&
		    (later->tier.p == NULL || str_eq(later->tier, m->tier));
		int replaces =
		    later->kind == MANUAL_GRANT && str_eq(later->tier, m->tier);
		if (!ends && !replaces)
			continue;
		if (row.until == STORE_NULL || d[k].sent_at < row.until)
			row.until = row.paid_until = d[k].sent_at;
		if (ends && row.until == d[k].sent_at)
			why->until = FOLD_BY_HAND;
		break;
	}
	if (row.until != STORE_NULL && row.until <= row.since) {
		row.since = row.until = row.paid_until = STORE_NULL;
		row.tier = STR_NONE;
	}
	return row;
}

int
fold_grants(struct str subject, struct fold_delivery *d, size_t n,
    struct arena *a, struct fold_rows *out, struct err *e)
{
	struct store_purchase *rows = arena_alloc(a, (n + 1) * sizeof(*rows));
	*out = (struct fold_rows){ 0 };
	out->whys = arena_alloc(a, (n + 1) * sizeof(*out->whys));
	if (rows == NULL || out->whys == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	fold_sort(d, n);
	for (size_t i = 0; i < n; i++) {
		size_t at = out->n_purchases;
		if (d[i].manual->kind != MANUAL_GRANT ||
		    d[i].manual->tier.p == NULL)
			continue;
		rows[at] = row_of(subject, d, n, i, &out->whys[at]);
		out->n_purchases++;
	}
	out->purchases = rows;
	return 0;
}

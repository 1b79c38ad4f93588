#include "config/config_names.h"
#include "fold/column.h"
#include "follow/outbox_own.h"

/* Deliveries that told of a refund in part, of that sale. */
struct parts {
	struct outbox_sink *sink;
	const struct outbox_reading *reading;
	struct err *err;
	int told, failed;
};

static int
take_part(void *arg, const struct store_event *ev)
{
	struct parts *p = arg;
	const struct platform *platform = p->reading->platform;
	struct decode_opts opts = project_opts(p->sink->c, platform);
	struct fact f;
	if (platform_is_reading(ev->kind))
		return 0;
	if (platform_decode(platform, ev->kind, ev->body, &opts, p->sink->a, &f,
		p->err) != 0)
		return p->failed = 1;
	p->told |= f.kind == FACT_REFUND && !f.refunded &&
	    str_eq(f.sale, p->reading->fact->sale);
	return p->told;
}

static int64_t
amount_of(const struct store_purchase *row)
{
	return row == NULL || row->refunded_amount == STORE_NULL
	    ? 0
	    : row->refunded_amount;
}

/* The ping tells no amount: one that came before the first reading that tells
 * one has said it. */
static int
partly_refunded(struct outbox_sink *k, struct effect *f,
    const struct outbox_reading *d, const struct store_purchase *row,
    struct err *e)
{
	struct parts parts = { .sink = k, .reading = d, .err = e };
	if (amount_of(row) <= 0 || amount_of(row) == amount_of(d->sale))
		return 0;
	if (amount_of(d->sale) == 0 &&
	    (store_event_of_subject(
		 k->s, f->platform, f->subject, take_part, &parts, e) != 0 ||
		parts.failed))
		return -1;
	return parts.told ? 0
			  : outbox_about(k, f, RULE_PARTIAL_REFUND, row,
				outbox_partial(k->a, row), e);
}

static int
of_sale(struct outbox_sink *k, struct effect *f, const struct outbox_reading *d,
    const struct rows *rows, struct err *e)
{
	const struct store_purchase *was = d->sale;
	const struct store_purchase *row =
	    outbox_sale(rows, project_column(k->a, d->fact->sale));
	if (row == NULL)
		return 0;
	const struct {
		enum rule_event what;
		int64_t before, now;
	} cases[] = {
		{ RULE_REFUNDED, was != NULL ? was->refunded_at : STORE_NULL,
		    row->refunded_at },
		{ RULE_DISPUTED, was != NULL ? was->disputed_at : STORE_NULL,
		    row->disputed_at },
		{ RULE_DISPUTE_WON,
		    was != NULL ? was->dispute_won_at : STORE_NULL,
		    row->dispute_won_at },
	};
	int is_new = was == NULL || was->since == STORE_NULL;
	if (row->since != STORE_NULL &&
	    (is_new ? outbox_sold(k, f, rows, row, d->fact, e)
		    : outbox_renamed(k, f, rows, row, d->fact, e)) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cases[i].before == STORE_NULL &&
		    cases[i].now != STORE_NULL &&
		    outbox_about_once(k, f, cases[i].what, row, e) != 0)
			return -1;
	return row->refunded_at == STORE_NULL ? partly_refunded(k, f, d, row, e)
					      : 0;
}

struct now {
	int found, cancelled, ended;
	int64_t cancelled_at, ended_at;
};

static int
take_membership(void *arg, const struct store_subscription *row)
{
	struct now *now = arg;
	*now = (struct now){ 1, str_eq_z(row->status, "cancelled"),
		str_eq_z(row->status, "ended"), row->cancelled_at,
		row->ended_at };
	return 1;
}

/* A restart has no time that both tell: only the ping tells of it. */
static int
of_membership(struct outbox_sink *k, struct effect *f,
    const struct outbox_reading *d, const struct rows *rows, struct err *e)
{
	const struct store_subscription *was = d->membership;
	const struct store_purchase *row = outbox_newest(rows);
	struct now now = { 0 };
	if (store_subscription_of_subject(
		k->s, f->platform, f->subject, take_membership, &now, e) != 0)
		return -1;
	if (!now.found || row == NULL)
		return 0;
	if (now.ended && (was == NULL || !str_eq_z(was->status, "ended")))
		return outbox_membership(
		    k, f, RULE_ENDED, now.ended_at, row, e);
	if (now.cancelled &&
	    (was == NULL || was->cancelled_at != now.cancelled_at))
		return outbox_membership(
		    k, f, RULE_CANCELLED, now.cancelled_at, row, e);
	return 0;
}

int
outbox_deliver_reading(
    struct outbox_sink *k, const struct outbox_reading *d, struct err *e)
{
	struct rows rows = { .arena = k->a };
	struct effect f = { .at = d->at,
		.event = d->event,
		.platform = str_from(d->platform->name),
		.subject = d->subject };
	/* the gifter's side of a gift: its delivery is the giftee's */
	if (d->fact->gift_sender)
		return 0;
	if (store_purchase_of_subject(
		k->s, f.platform, f.subject, rows_take, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	if ((d->fact->kind == FACT_READBACK &&
		of_sale(k, &f, d, &rows, e) != 0) ||
	    (d->fact->kind == FACT_SUBSCRIBER &&
		of_membership(k, &f, d, &rows, e) != 0))
		return -1;
	return outbox_expires_soon(k, &f, &rows, e);
}

#include "base/jsonw.h"
#include "base/time.h"
#include "fold/column.h"
#include "ctl/ctl.h"
#include "store/truth.h"

/* Whole tables to standard output, from one snapshot. Memory is bounded: what
 * is ready is written as soon as there is enough of it. */

enum { FLUSH_BYTES = 64 * 1024, ROW_MAX = 64 * 1024 * 1024 };

enum format {
	CSV, /* RFC 4180 */
	JSONL, /* one JSON object a line */
	HEADER, /* of CSV: the names of the columns */
};

struct export
{
	struct ctl *ctl;
	enum format format;
	int bodies;
	size_t column;
	struct arena *arena; /* of one row */
	struct err *err;
	int failed;
};

/* A spreadsheet takes a cell that begins so for a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection). */
static int
is_formula(struct str s)
{
	return s.n > 0 && memchr("=+-@\t\r", s.p[0], 6) != NULL;
}

static void
csv_text(struct buf *b, struct str s)
{
	if (s.p == NULL)
		return;
	buf_addc(b, '"');
	if (is_formula(s))
		buf_addc(b, '\'');
	while (s.p != NULL) {
		struct str head, tail;
		str_cut(s, '"', &head, &tail);
		buf_adds(b, head);
		if (tail.p != NULL)
			buf_addz(b, "\"\"");
		s = tail;
	}
	buf_addc(b, '"');
}

static void
next_column(struct export *x, const char *name)
{
	if (x->format != JSONL && x->column++ > 0)
		buf_addc(&x->ctl->out, ',');
	if (x->format == HEADER)
		buf_addz(&x->ctl->out, name);
}

static void
text(struct export *x, const char *name, struct str s)
{
	next_column(x, name);
	s = project_column(x->arena, s);
	if (x->format == JSONL)
		jsonw_text(&x->ctl->out, name, s);
	else if (x->format == CSV)
		csv_text(&x->ctl->out, s);
}

static void
number(struct export *x, const char *name, int64_t v)
{
	next_column(x, name);
	if (x->format == JSONL)
		jsonw_int(&x->ctl->out, name, v);
	else if (x->format == CSV && v != STORE_NULL)
		buf_addi(&x->ctl->out, v);
}

static void
moment(struct export *x, const char *name, int64_t t)
{
	char z[TIME_TEXT_MAX];
	next_column(x, name);
	if (x->format == JSONL)
		jsonw_time(&x->ctl->out, name, t);
	else if (x->format == CSV && t != STORE_NULL)
		buf_addz(&x->ctl->out, time_text(t, z));
}

static void
begin_row(struct export *x)
{
	x->column = 0;
	arena_reset(x->arena);
	if (x->format == JSONL)
		jsonw_open(&x->ctl->out, '{');
}

/* Not 0 where no row can follow. */
static int
end_row(struct export *x)
{
	struct buf *b = &x->ctl->out;
	if (x->format == JSONL) {
		jsonw_close(b, '}');
		buf_addc(b, '\n');
	} else {
		buf_addz(b, "\r\n");
	}
	if (arena_failed(x->arena)) {
		err_set(x->err, ERR_MEMORY, "out of memory");
		x->failed = 1;
	} else if (b->n >= FLUSH_BYTES || !buf_ok(b)) {
		x->failed = ctl_flush(x->ctl, x->err) != 0;
	}
	return x->failed;
}

static int
purchase(void *arg, const struct store_purchase *p)
{
	struct export *x = arg;
	begin_row(x);
	text(x, "platform", p->platform);
	text(x, "sale", p->sale);
	text(x, "subscription", p->subscription);
	text(x, "product", p->product);
	text(x, "product_name", p->product_name);
	text(x, "variant", p->variant);
	text(x, "user_ref", p->user_ref);
	text(x, "email", p->email);
	text(x, "buyer", p->buyer);
	text(x, "license", p->license);
	number(x, "price", p->price);
	text(x, "currency", p->currency);
	number(x, "quantity", p->quantity);
	text(x, "recurrence", p->recurrence);
	number(x, "test", p->test);
	moment(x, "sold_at", p->sold_at);
	moment(x, "refunded_at", p->refunded_at);
	moment(x, "disputed_at", p->disputed_at);
	moment(x, "dispute_won_at", p->dispute_won_at);
	text(x, "tier", p->tier);
	moment(x, "since", p->since);
	moment(x, "paid_until", p->paid_until);
	moment(x, "until", p->until);
	text(x, "subject", p->subject);
	number(x, "refunded_amount", p->refunded_amount);
	moment(x, "revoked_at", p->revoked_at);
	moment(x, "confirmed_at", p->confirmed_at);
	return end_row(x);
}

static int
member(void *arg, const struct store_purchase *p)
{
	struct export *x = arg;
	begin_row(x);
	text(x, "user_ref", p->user_ref);
	text(x, "email", p->email);
	text(x, "buyer", p->buyer);
	text(x, "platform", p->platform);
	text(x, "tier", p->tier);
	moment(x, "since", p->since);
	moment(x, "until", p->until);
	return end_row(x);
}

static int
subscription(void *arg, const struct store_subscription *s)
{
	struct export *x = arg;
	begin_row(x);
	text(x, "platform", s->platform);
	text(x, "subscription", s->subscription);
	text(x, "product", s->product);
	text(x, "tier", s->tier);
	text(x, "status", s->status);
	moment(x, "since", s->since);
	moment(x, "paid_until", s->paid_until);
	moment(x, "cancelled_at", s->cancelled_at);
	moment(x, "ended_at", s->ended_at);
	text(x, "ended_reason", s->ended_reason);
	text(x, "next_tier", s->next_tier);
	moment(x, "next_tier_at", s->next_tier_at);
	text(x, "subject", s->subject);
	return end_row(x);
}

static int
event(void *arg, const struct store_event *ev)
{
	struct export *x = arg;
	begin_row(x);
	number(x, "id", ev->id);
	text(x, "platform", ev->platform);
	text(x, "kind", ev->kind);
	text(x, "delivery", ev->delivery);
	text(x, "subject", ev->subject);
	moment(x, "sent_at", ev->sent_at);
	moment(x, "received_at", ev->received_at);
	number(x, "seen", ev->seen);
	moment(x, "last_seen_at", ev->last_seen_at);
	text(x, "content_type", ev->content_type);
	if (x->bodies)
		text(x, "body", ev->body);
	text(x, "verified_by", ev->verified_by);
	text(x, "peer", ev->peer);
	text(x, "status", ev->status);
	text(x, "reason", ev->reason);
	return end_row(x);
}

static int
reading(void *arg, const struct store_reading *r)
{
	struct export *x = arg;
	begin_row(x);
	number(x, "id", r->id);
	text(x, "platform", r->platform);
	text(x, "kind", r->kind);
	moment(x, "began_at", r->began_at);
	moment(x, "ended_at", r->ended_at);
	text(x, "from_day", r->from_day);
	text(x, "to_day", r->to_day);
	number(x, "read", r->read);
	number(x, "found", r->found);
	number(x, "repaired", r->repaired);
	text(x, "error", r->error);
	return end_row(x);
}

static int
drift(void *arg, const struct store_drift *d)
{
	struct export *x = arg;
	begin_row(x);
	number(x, "id", d->id);
	moment(x, "at", d->at);
	text(x, "platform", d->platform);
	text(x, "sale", d->sale);
	text(x, "subscription", d->subscription);
	text(x, "what", d->what);
	text(x, "had", d->had);
	text(x, "has", d->has);
	number(x, "event", d->event);
	return end_row(x);
}

/* The rows of one kind; s NULL: the header. */
static int
purchases(struct export *x, struct store *s, struct err *e)
{
	static const struct store_purchase none;
	return s == NULL ? purchase(x, &none)
			 : store_purchase_all(s, purchase, x, e);
}

static int
subscriptions(struct export *x, struct store *s, struct err *e)
{
	static const struct store_subscription none;
	return s == NULL ? subscription(x, &none)
			 : store_subscription_all(s, subscription, x, e);
}

static int
members(struct export *x, struct store *s, struct err *e)
{
	static const struct store_purchase none;
	return s == NULL
	    ? member(x, &none)
	    : store_purchase_open(s, time_now(), INT64_MAX, member, x, e);
}

static int
events(struct export *x, struct store *s, struct err *e)
{
	static const struct store_event none;
	if (s == NULL)
		return event(x, &none);
	return x->bodies ? store_event_all(s, 0, INT64_MAX, event, x, e)
			 : store_event_heads(s, event, x, e);
}

static int
readings(struct export *x, struct store *s, struct err *e)
{
	static const struct store_reading none;
	return s == NULL ? reading(x, &none)
			 : store_reading_list(
			       s, STR_NONE, STR_NONE, INT64_MAX, reading, x, e);
}

static int
drifts(struct export *x, struct store *s, struct err *e)
{
	static const struct store_drift none;
	return s == NULL
	    ? drift(x, &none)
	    : store_drift_list(s, STR_NONE, STORE_NULL, INT64_MAX, drift, x, e);
}

static const struct kind {
	const char *name;
	int (*rows)(struct export *x, struct store *s, struct err *e);
} kinds[] = { { "purchases", purchases }, { "subscriptions", subscriptions },
	{ "members", members }, { "events", events }, { "readings", readings },
	{ "drift", drifts } };

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static int
read_format(struct ctl *ctl, enum format *out)
{
	const char *word = ctl_get(ctl, "format");
	*out = ctl->json ? JSONL : CSV;
	if (word != NULL && strcmp(word, "csv") == 0)
		*out = CSV;
	else if (word != NULL && strcmp(word, "jsonl") == 0)
		*out = JSONL;
	else if (word != NULL)
		return -1;
	return 0;
}

static int
export_all(struct export *x, const struct kind *kind, struct err *e)
{
	enum format format = x->format;
	struct store *s = ctl_store(x->ctl, STORE_READ, e);
	if (s == NULL || store_begin_read(s, e) != 0)
		return -1;
	int rc = 0;
	if (format == CSV) {
		x->format = HEADER;
		rc = kind->rows(x, NULL, e);
		x->format = format;
	}
	if (rc == 0)
		rc = kind->rows(x, s, e);
	store_rollback(s);
	return rc;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct export x = {
		.ctl = ctl, .bodies = ctl_get(ctl, "bodies") != NULL, .err = e
	};
	const struct kind *kind = find_kind(ctl->rest[0]);
	if (kind == NULL || read_format(ctl, &x.format) != 0) {
		err_set(e, ERR_USAGE, "%s",
		    kind == NULL ? "export purchases, subscriptions, members, "
				   "events, readings or drift"
				 : "--format takes csv or jsonl");
		return CTL_USAGE;
	}
	x.arena = arena_new(ROW_MAX);
	if (x.arena == NULL)
		err_set(e, ERR_MEMORY, "out of memory");
	else
		export_all(&x, kind, e);
	arena_free(x.arena);
	return x.failed ? CTL_SYSTEM : CTL_YES;
}

static const struct ctl_option options[] = {
	{ "format", "FORMAT", "csv or jsonl; csv unless told" },
	{ "bodies", NULL, "of events: what was received as well" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_export = {
	.name = "export",
	.args = "purchases|events|…",
	.help = "print a whole table as CSV or JSON lines",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run,
};

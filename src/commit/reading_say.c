#include "commit/reading_own.h"
#include "config/config_names.h"
#include "store/truth.h"

enum {
	OBJECT_HEX = 32, /* of a reading's key: the object it is of */
	ERASED_MAX = 16, /* addresses of one sale */
	CLOCK_S = 60, /* by which the clocks of two hosts may differ */
};

static int
no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

static struct str
copy(struct arena *a, struct str s)
{
	if (s.p != NULL)
		s.p = arena_dup(a, s.p, s.n);
	return s;
}

static int
decode(struct way *w, struct err *e)
{
	struct decode_opts opts = project_opts(w->c, w->r->platform);
	return platform_decode(
	    w->r->platform, w->r->kind, w->body, &opts, w->a, &w->fact, e);
}

/* What was erased of the sale. */
struct erased {
	struct arena *arena;
	int all; /* its person */
	struct str addresses[ERASED_MAX]; /* as platform_erased has them */
	size_t n;
};

static int
take_erased(void *arg, struct str what)
{
	struct erased *er = arg;
	if (!str_has_byte(what, ':'))
		er->all = 1;
	else if (er->n < ERASED_MAX)
		er->addresses[er->n++] = copy(er->arena, what);
	return 0;
}

static int
is_erased(const struct erased *er, const struct way *w, struct str address)
{
	struct str what = platform_erased(w->a, w->fact.sale, address);
	for (size_t i = 0; i < er->n; i++)
		if (str_eq(er->addresses[i], what))
			return 1;
	return 0;
}

static int
redact(struct way *w, const struct redact_opts *opts, struct err *e)
{
	struct redacted less;
	if (platform_redact(
		w->r->platform, w->r->kind, w->body, opts, w->a, &less, e) != 0)
		return -1;
	if (less.body.p != NULL)
		w->body = less.body;
	return 0;
}

/* One address of several that the sale names. */
static int
leave_out_addresses(struct way *w, const struct erased *er, struct err *e)
{
	const char *key;
	json_t *v, *o = json_loadb(w->body.p, w->body.n, 0, NULL);
	int rc = 0;
	json_object_foreach(o, key, v)
	{
		struct redact_opts one = {
			.address =
			    platform_email(w->a, str_from(json_string_value(v)))
		};
		if (rc == 0 && one.address.p != NULL &&
		    is_erased(er, w, one.address))
			rc = redact(w, &one, e);
	}
	json_decref(o);
	return rc;
}

/* Nobody who was erased comes back by being read again. */
static int
leave_out_erased(struct way *w, struct err *e)
{
	struct erased er = { .arena = w->a };
	struct redact_opts all = { .address = STR_NONE };
	int is_member = w->fact.kind == FACT_MEMBER;
	struct str what = is_member ? w->fact.entries : w->fact.sale;
	if (what.p == NULL)
		return 0;
	struct str digest = platform_digest(w->a, what);
	if (digest.p == NULL)
		return no_memory(e);
	if (store_erased_list(w->s, w->platform, digest, take_erased, &er, e) !=
	    0)
		return -1;
	w->is_erased = is_member && er.all;
	if (is_member || (!er.all && er.n == 0))
		return 0;
	return (er.all ? redact(w, &all, e) : leave_out_addresses(w, &er, e)) ==
		0
	    ? decode(w, e)
	    : -1;
}

int
reading_decode(struct way *w, struct err *e)
{
	w->body = w->r->body;
	w->platform = str_from(w->r->platform->name);
	return decode(w, e) == 0 ? leave_out_erased(w, e) : -1;
}

/* That there is no such sale is said of the same object as what it is. */
static int
name_object(struct way *w, struct err *e)
{
	const struct fact *f = &w->fact;
	const char *name = f->kind == FACT_MEMBER
	    ? arena_printf(w->a, "member:%.*s%.*s %lld", STR_ARG(f->entries),
		  STR_ARG(f->product_id), (long long)f->sold_at)
	    : f->sale.p != NULL
	    ? arena_printf(w->a, "sale:%.*s", STR_ARG(f->sale))
	    : f->subscription.p != NULL
	    ? arena_printf(w->a, "subscription:%.*s", STR_ARG(f->subscription))
	    : arena_printf(w->a, "body:%.*s", STR_ARG(f->delivery));
	w->object = platform_digest(w->a, str_from(name));
	if (w->object.p == NULL)
		return no_memory(e);
	w->object.n = OBJECT_HEX;
	return 0;
}

int
reading_name(struct way *w, struct err *e)
{
	const struct reading *r = w->r;
	struct str rest = platform_digest(w->a,
	    str_from(arena_printf(w->a, "%.*s %lld %.*s", STR_ARG(r->kind),
		(long long)r->requested_at, STR_ARG(w->fact.delivery))));
	w->fact.delivery = str_from(arena_printf(w->a, "%.*s%.*s",
	    STR_ARG(w->object), OBJECT_HEX, rest.p != NULL ? rest.p : ""));
	return rest.p == NULL || w->fact.delivery.p == NULL ? no_memory(e) : 0;
}

/* ---- is it new? ---------------------------------------------------------- */

static int
same_texts(const struct str *a, const struct str *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i].p == NULL) != (b[i].p == NULL) || !str_eq(a[i], b[i]))
			return 0;
	return 1;
}

/* What a sale or a membership is compared by. That a sale is cancelled, dead or
 * ended is its membership's to say. */
static int
same_fact(const struct fact *a, const struct fact *b)
{
	const struct str texts_a[] = { a->email, a->license, a->buyer,
		a->subscription, a->product_name, a->left,
		a->kind == FACT_SUBSCRIBER ? a->recurrence : STR_NONE };
	const struct str texts_b[] = { b->email, b->license, b->buyer,
		b->subscription, b->product_name, b->left,
		b->kind == FACT_SUBSCRIBER ? b->recurrence : STR_NONE };
	const int64_t numbers_a[] = { (int64_t)a->kind, a->refunded,
		a->partly_refunded, a->refunded_amount, a->disputed,
		a->dispute_won, a->revoked, a->listed, a->gift_sender, a->test,
		a->quantity, a->charges, (int64_t)a->life, a->cancelled_at,
		a->ended_at, a->failed_at, a->trial_ends_at, a->ends_at };
	const int64_t numbers_b[] = { (int64_t)b->kind, b->refunded,
		b->partly_refunded, b->refunded_amount, b->disputed,
		b->dispute_won, b->revoked, b->listed, b->gift_sender, b->test,
		b->quantity, b->charges, (int64_t)b->life, b->cancelled_at,
		b->ended_at, b->failed_at, b->trial_ends_at, b->ends_at };
	return memcmp(numbers_a, numbers_b, sizeof(numbers_a)) == 0 &&
	    same_texts(texts_a, texts_b, 7) && a->n_names == b->n_names &&
	    same_texts(a->names, b->names, a->n_names) &&
	    a->n_variants == b->n_variants &&
	    same_texts(a->variants, b->variants, a->n_variants);
}

struct newest {
	struct way *way;
	struct err *err;
	int failed;
};

static int
take_newest(void *arg, const struct store_event *ev)
{
	struct newest *n = arg;
	struct way *w = n->way;
	struct decode_opts opts = project_opts(w->c, w->r->platform);
	struct fact f;
	struct str body = copy(w->a, ev->body);
	w->out->event = ev->id;
	w->last_seen_at = ev->last_seen_at;
	w->out->subject = copy(w->a, ev->subject);
	if (body.p == NULL || w->out->subject.p == NULL) {
		n->failed = no_memory(n->err);
		return 1;
	}
	n->failed = platform_decode(
	    w->r->platform, ev->kind, body, &opts, w->a, &f, n->err);
	w->is_same = !n->failed &&
	    (str_eq(f.delivery, w->fact.delivery) ||
		(f.status == FACT_APPLIED && w->fact.status == FACT_APPLIED &&
		    same_fact(&f, &w->fact)));
	return 1;
}

int
reading_compare(struct way *w, struct err *e)
{
	struct newest n = { .way = w, .err = e };
	if (name_object(w, e) != 0)
		return -1;
	w->last_seen_at = STORE_NULL;
	if (store_event_reading(
		w->s, w->platform, w->object, take_newest, &n, e) != 0 ||
	    n.failed)
		return -1;
	/* one of the future was read while the clock was wrong: what is read now
	 * is newer, whatever the clock says; and of two of one second the later
	 * one speaks */
	int ahead = w->last_seen_at != STORE_NULL &&
	    w->last_seen_at > w->r->at + CLOCK_S;
	w->sent_at = w->r->requested_at;
	if (w->sent_at == w->last_seen_at || ahead)
		w->sent_at = w->last_seen_at + 1;
	w->out->became = w->last_seen_at == STORE_NULL	     ? READING_STORED
	    : !ahead && w->r->requested_at < w->last_seen_at ? READING_OLD
	    : w->is_same				     ? READING_SAME
							     : READING_STORED;
	return 0;
}

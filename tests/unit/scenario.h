#ifndef SCENARIO_H
#define SCENARIO_H
/*
 * A scenario is a handful of deliveries and the rows that have to follow.
 * Every order of arrival must give the same rows, and so must repeats that
 * come before or after; all of it goes through the decoders, the log and the
 * tables as in the program, in a database of its own in memory.
 *
 * Rows are written down one a line:
 *	S1 pro 2026-01-31 2026-02-28 2026-03-07 user=42 refunded
 * is sale, tier, since, paid until, until; "-" is nothing, "ever" for ever. A
 * time at 10:00:00 is written as its day. "=" begins a subscription.
 */
#include "test.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/time.h"
#include "config/config_names.h"
#include "commit/intake.h"
#include "commit/project.h"
#include "store/store.h"

enum {
	STEPS_MAX = 12,
	ORDERS_ALL = 6, /* up to so many deliveries: every order */
	ORDERS_RANDOM = 200,
	DUMP_MAX = 64 * 1024,
};

struct step {
	const char *at; /* received: a day or a whole time */
	const char *body; /* NULL: the end */
	const char *t; /* signed at, or NULL */
	size_t n; /* of the body, 0: its text */
};

struct scenario {
	const char *name;
	const struct platform *platform;
	const struct tier_rules *rules;
	int emails; /* wanted at the end of each line, where there is one */
	struct step steps[STEPS_MAX];
	const char *want;
};

struct arrival {
	struct str body;
	struct fact fact;
	struct str status, reason;
	int64_t received_at, sent_at;
	int64_t seen_at; /* of a reading: read again then, and the same; or 0 */
};

static inline int64_t
when(const char *z)
{
	char text[64];
	int64_t t = 0;
	if (z == NULL)
		return FACT_NO_TIME;
	snprintf(
	    text, sizeof(text), "%s%s", z, strlen(z) == 10 ? "T10:00:00Z" : "");
	if (time_parse(str_from(text), &t) != 0)
		OK(0, "not a time: %s", z);
	return t;
}

static inline void
dump_time(struct buf *b, int64_t t)
{
	char text[TIME_TEXT_MAX];
	if (t == STORE_NULL) {
		buf_addz(b, "ever");
		return;
	}
	struct str s = str_from(time_text(t, text));
	if (s.n == 20 && memcmp(s.p + 10, "T10:00:00Z", 10) == 0)
		s.n = 10;
	buf_adds(b, s);
}

static inline int
dump_purchase(void *arg, const struct store_purchase *p)
{
	struct buf *b = arg;
	buf_addf(b, "%.*s ", STR_ARG(p->sale));
	if (p->since == STORE_NULL) {
		buf_addz(b,
		    p->tier.p == NULL && p->until == STORE_NULL &&
			    p->paid_until == STORE_NULL
			? "-"
			: "not empty");
	} else {
		buf_addf(b, "%.*s ", STR_ARG(p->tier));
		dump_time(b, p->since);
		buf_addc(b, ' ');
		dump_time(b, p->paid_until);
		buf_addc(b, ' ');
		dump_time(b, p->until);
	}
	if (p->user_ref.p != NULL)
		buf_addf(b, " user=%.*s", STR_ARG(p->user_ref));
	buf_addz(b, p->refunded_at != STORE_NULL ? " refunded" : "");
	buf_addz(b, p->disputed_at != STORE_NULL ? " disputed" : "");
	buf_addz(b, p->dispute_won_at != STORE_NULL ? " won" : "");
	buf_addz(b, p->test ? " test" : "");
	buf_addz(b, p->revoked_at != STORE_NULL ? " revoked" : "");
	buf_addz(b, p->confirmed_at != STORE_NULL ? " confirmed" : "");
	buf_addc(b, '\n');
	return 0;
}

static inline int
dump_with_email(void *arg, const struct store_purchase *p)
{
	struct buf *b = arg;
	dump_purchase(b, p);
	if (p->email.p != NULL) {
		b->n--;
		buf_addf(b, " %.*s\n", STR_ARG(p->email));
	}
	return 0;
}

static inline int
dump_subscription(void *arg, const struct store_subscription *s)
{
	struct buf *b = arg;
	buf_addf(b, "= %.*s %.*s", STR_ARG(s->status),
	    s->tier.p == NULL ? 1 : (int)s->tier.n,
	    s->tier.p == NULL ? "-" : s->tier.p);
	if (s->cancelled_at != STORE_NULL) {
		buf_addz(b, " cancelled ");
		dump_time(b, s->cancelled_at);
	}
	if (s->ended_at != STORE_NULL) {
		buf_addz(b, " ended ");
		dump_time(b, s->ended_at);
		buf_addf(b, " %.*s", STR_ARG(s->ended_reason));
	}
	if (s->next_tier.p != NULL) {
		buf_addf(b, " next %.*s ", STR_ARG(s->next_tier));
		dump_time(b, s->next_tier_at);
	}
	buf_addc(b, '\n');
	return 0;
}

/* Every column, so that orders of arrival are compared byte by byte. */
static inline int
dump_all_purchase(void *arg, const struct store_purchase *p)
{
	struct buf *b = arg;
	const struct str texts[] = { p->platform, p->sale, p->subscription,
		p->product, p->product_name, p->variant, p->user_ref, p->email,
		p->buyer, p->license, p->currency, p->recurrence, p->tier,
		p->subject };
	const int64_t numbers[] = { p->price, p->quantity, p->test, p->sold_at,
		p->refunded_at, p->disputed_at, p->dispute_won_at, p->since,
		p->paid_until, p->until, p->refunded_amount, p->revoked_at,
		p->confirmed_at };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_addf(b, "%d:%.*s|", texts[i].p != NULL, STR_ARG(texts[i]));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		buf_addf(b, "%lld|", (long long)numbers[i]);
	buf_addc(b, '\n');
	return 0;
}

static inline int
dump_all_subscription(void *arg, const struct store_subscription *s)
{
	struct buf *b = arg;
	const struct str texts[] = { s->platform, s->subscription, s->product,
		s->tier, s->status, s->ended_reason, s->next_tier, s->subject };
	const int64_t numbers[] = { s->since, s->paid_until, s->cancelled_at,
		s->ended_at, s->next_tier_at };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_addf(b, "%d:%.*s|", texts[i].p != NULL, STR_ARG(texts[i]));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		buf_addf(b, "%lld|", (long long)numbers[i]);
	buf_addc(b, '\n');
	return 0;
}

enum { DUMP_SHORT, DUMP_ALL, DUMP_EMAILS };

static inline void
dump(struct store *s, struct buf *b, int how)
{
	int all = how == DUMP_ALL;
	struct store_purchase_filter any = { .limit = 1000 };
	struct err e;
	buf_reset(b);
	if (store_purchase_list(s, &any,
		all			 ? dump_all_purchase
		    : how == DUMP_EMAILS ? dump_with_email
					 : dump_purchase,
		b, &e) != 0 ||
	    store_subscription_list(s, 1000,
		all ? dump_all_subscription : dump_subscription, b, &e) != 0)
		buf_addf(b, "error: %s\n", e.text);
}

/* As the one writer does: append, and fold where it counts. */
static inline int
arrive(struct store *s, const struct config *c, const struct platform *p,
    const struct arrival *in, int64_t later, struct err *e)
{
	struct store_event row = {
		.platform = str_from(p->name),
		.kind = in->fact.kind_name,
		.delivery = in->fact.delivery,
		.subject = in->fact.subject.p != NULL ? in->fact.subject
						      : in->fact.delivery,
		.sent_at = later +
		    (in->sent_at == FACT_NO_TIME
			    ? in->received_at - in->fact.sent_ago
			    : in->sent_at),
		.received_at = in->received_at + later,
		.body = in->body,
		.status = in->status,
		.reason = in->reason,
	};
	enum store_added added;
	struct project_when when = { .at = row.received_at };
	/* the same read later is newer knowledge, and no repeat */
	if (platform_is_reading(row.kind) && later != 0)
		return 0;
	if (store_event_add(s, &row, &when.event, &added, e) != 0)
		return -1;
	row.received_at = in->seen_at;
	if (in->seen_at > in->received_at &&
	    store_event_add(s, &row, &when.event, &added, e) != 0)
		return -1;
	if ((added == STORE_AGAIN && !platform_is_reading(row.kind)) ||
	    !str_eq_z(in->status, "applied"))
		return 0;
	struct arena *a = arena_new(16 * 1024 * 1024);
	int rc = project_subject(s, c, p, row.subject, NULL, &when, a, e);
	arena_free(a);
	return rc;
}

/* One order of arrival; kind 0: each once, 1: each again later, 2: each first
 * seen later than it was sent first. */
static inline void
play(struct store *s, const struct config *c, const struct platform *p,
    const struct arrival *in, const size_t *order, size_t n, int kind,
    struct buf *out, int how)
{
	struct err e = { 0 };
	int bad = store_begin(s, &e);
	for (size_t i = 0; i < n && !bad; i++) {
		const struct arrival *one = &in[order[i]];
		bad = kind == 2 ? arrive(s, c, p, one, 1000, &e) : 0;
		bad = bad || arrive(s, c, p, one, 0, &e);
	}
	for (size_t i = n; i > 0 && !bad && kind > 0; i--)
		bad = arrive(s, c, p, &in[order[i - 1]], 77, &e);
	dump(s, out, how);
	if (bad)
		buf_addf(out, "error: %s\n", e.text);
	store_rollback(s);
}

static inline int
next_order(size_t *o, size_t n)
{
	size_t i = n, k = n;
	while (i > 1 && o[i - 2] > o[i - 1])
		i--;
	if (i < 2)
		return 0;
	while (o[k - 1] < o[i - 2])
		k--;
	size_t t = o[i - 2];
	o[i - 2] = o[k - 1];
	o[k - 1] = t;
	for (size_t x = i - 1, y = n - 1; x < y; x++, y--) {
		t = o[x];
		o[x] = o[y];
		o[y] = t;
	}
	return 1;
}

static inline void
shuffle(size_t *o, size_t n, uint32_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		*seed = *seed * 1664525 + 1013904223;
		size_t k = (*seed >> 8) % i, t = o[i - 1];
		o[i - 1] = o[k];
		o[k] = t;
	}
}

static inline size_t
decode_steps(const struct scenario *sc, const struct config *c, struct arena *a,
    struct arrival *in)
{
	struct decode_opts opts = project_opts(c, sc->platform);
	size_t n = 0;
	for (; n < STEPS_MAX && sc->steps[n].body != NULL; n++) {
		const struct step *step = &sc->steps[n];
		in[n].body = str_from(step->body);
		if (step->n > 0)
			in[n].body.n = step->n;
		sc->platform->decode(
		    sc->platform, in[n].body, &opts, a, &in[n].fact, NULL);
		intake_judge(
		    c, sc->platform, &in[n].fact, &in[n].status, &in[n].reason);
		in[n].received_at = when(step->at);
		in[n].sent_at = when(step->t);
	}
	return n;
}

static inline void
play_all_orders(const struct scenario *sc, struct store *s,
    const struct config *c, const struct arrival *in, size_t n)
{
	size_t order[STEPS_MAX];
	uint32_t seed = 7;
	struct buf first, other;
	long tried = 0, differ = 0;
	buf_init(&first, DUMP_MAX);
	buf_init(&other, DUMP_MAX);
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	play(s, c, sc->platform, in, order, n, 0, &first, DUMP_ALL);
	int more = 1;
	while (more) {
		play(s, c, sc->platform, in, order, n, (int)(tried % 3), &other,
		    DUMP_ALL);
		if (!str_eq(buf_str(&first), buf_str(&other)) && differ++ == 0)
			printf("# first:\n%.*s# order %ld:\n%.*s",
			    STR_ARG(buf_str(&first)), tried,
			    STR_ARG(buf_str(&other)));
		tried++;
		if (n <= ORDERS_ALL) {
			more = next_order(order, n);
		} else {
			shuffle(order, n, &seed);
			more = tried < ORDERS_RANDOM;
		}
	}
	OK(differ == 0, "%s: %ld of %ld orders differ", sc->name, differ,
	    tried);
	buf_free(&first);
	buf_free(&other);
}

static inline void
run_scenario(const struct scenario *sc, struct store *s, struct config *c)
{
	struct arrival in[STEPS_MAX] = { 0 };
	size_t order[STEPS_MAX];
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct buf b;
	buf_init(&b, DUMP_MAX);
	c->rules = *sc->rules;
	size_t n = decode_steps(sc, c, a, in);
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	play(s, c, sc->platform, in, order, n, 0, &b,
	    sc->emails ? DUMP_EMAILS : DUMP_SHORT);
	IS(buf_str(&b), sc->want, sc->name);
	play_all_orders(sc, s, c, in, n);
	buf_free(&b);
	arena_free(a);
}

#endif

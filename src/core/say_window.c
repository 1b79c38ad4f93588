#include "core/say.h"

#include "base/time.h"
#include "core/manual.h"
#include "core/project.h"

void
say_time(struct buf *b, int64_t t)
{
	char text[TIME_TEXT_MAX];
	struct str s = str_from(time_text(t, text));
	if (s.n == sizeof("2026-02-28T10:00:00Z") - 1)
		buf_addf(b, "%.10s %.8s UTC", s.p, s.p + 11);
	else
		buf_adds(b, s);
}

const struct store_purchase *
say_newest(const struct explain_subject *u)
{
	for (size_t i = u->rows.n; i > 0; i--)
		if (u->rows.v[i - 1].since != STORE_NULL &&
		    u->rows.v[i - 1].refunded_at == STORE_NULL)
			return &u->rows.v[i - 1];
	return NULL;
}

int64_t
say_suspended(const struct explain_subject *u)
{
	int64_t at = STORE_NULL;
	for (size_t i = 0; i < u->rows.n; i++) {
		const struct store_purchase *p = &u->rows.v[i];
		if (p->disputed_at != STORE_NULL &&
		    p->dispute_won_at == STORE_NULL &&
		    (at == STORE_NULL || p->disputed_at < at))
			at = p->disputed_at;
	}
	return at;
}

int
say_is_revoked_at(const struct explain_subject *u, int64_t t)
{
	for (size_t i = 0; i < u->n_events; i++) {
		const struct explain_event *ev = &u->events[i];
		if (ev->manual != NULL && ev->manual->kind == MANUAL_REVOKE &&
		    ev->received_at == t)
			return 1;
	}
	return 0;
}

/* ---- a purchase's window ---- */

static void
add_span(struct buf *b, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *one;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
		{ 1, "second" } };
	size_t i = 0;
	while (seconds % units[i].seconds != 0)
		i++;
	int64_t n = seconds / units[i].seconds;
	buf_addf(b, "%lld %s%s", (long long)n, units[i].one, n == 1 ? "" : "s");
}

static size_t
place(const struct explain_subject *u, const struct store_purchase *p)
{
	return (size_t)(p - u->rows.v);
}

static int
is_taken_over(const struct explain_subject *u, const struct store_purchase *p)
{
	for (size_t i = place(u, p) + 1; i < u->rows.n; i++)
		if (u->rows.v[i].since == p->until)
			return 1;
	return 0;
}

/* Why a window closes where it does; NULL: by itself. */
static const char *
closed_by(const struct explain_subject *u, const struct store_purchase *p)
{
	const struct store_subscription *sub = u->subscription;
	if (p->until == p->refunded_at)
		return "when it was refunded in full";
	if (p->until == say_suspended(u))
		return "when a dispute suspended it";
	if (say_is_revoked_at(u, p->until))
		return "when it was revoked by hand";
	if (is_taken_over(u, p))
		return "when the next payment took over";
	if (sub != NULL && p->until == sub->ended_at)
		return "when the subscription ended";
	if (sub != NULL && p->until == sub->cancelled_at)
		return "the end of the paid period, as the subscription was "
		       "cancelled";
	return NULL;
}

static int
is_trial(const struct explain_subject *u, int64_t t)
{
	for (size_t i = 0; i < u->n_events; i++)
		if (u->events[i].fact != NULL && u->events[i].counts &&
		    u->events[i].fact->trial_ends_at == t)
			return 1;
	return 0;
}

static void
add_end(const struct say *s, const struct store_purchase *p)
{
	const char *by = closed_by(s->subject, p);
	int grace = p->paid_until != STORE_NULL && p->paid_until < p->until;
	buf_addz(s->b, "until ");
	say_time(s->b, p->until);
	if (grace || is_trial(s->subject, p->paid_until)) {
		buf_addf(s->b, " (%s until ",
		    is_trial(s->subject, p->paid_until) ? "a free trial"
							: "paid");
		say_time(s->b, p->paid_until);
		if (grace && by == NULL) {
			buf_addz(s->b, ", then ");
			add_span(s->b, p->until - p->paid_until);
			buf_addz(s->b, " of grace");
		}
		buf_addc(s->b, ')');
	}
	if (by != NULL)
		buf_addf(s->b, ", %s", by);
}

void
say_gives(const struct say *s, const struct store_purchase *p)
{
	int over = p->until != STORE_NULL && p->until <= s->now;
	buf_addz(s->b,
	    p->since > s->now ? " will give "
		: over	      ? " gave "
			      : " gives ");
}

static void
add_window(const struct say *s, const struct store_purchase *p)
{
	say_gives(s, p);
	buf_adds(s->b, p->tier);
	buf_addz(s->b, " from ");
	say_time(s->b, p->since);
	buf_addc(s->b, ' ');
	if (p->until == STORE_NULL)
		buf_addz(s->b, "for ever");
	else
		add_end(s, p);
}

int
say_is_told(const struct say *s, struct str sale, enum fact_kind last)
{
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *ev = &s->subject->events[i];
		if (ev->counts && ev->fact != NULL &&
		    (ev->fact->kind <= last ||
			ev->fact->kind == FACT_PAYMENT) &&
		    str_eq(project_column(s->arena, ev->fact->sale), sale))
			return 1;
	}
	return 0;
}

static void
add_nothing(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	int64_t suspended = say_suspended(s->subject);
	const struct platform *platform = platform_find(s->subject->platform);
	buf_addz(s->b, " gives nothing");
	if (p->test && !s->rules->accept_test[platform_index(platform)])
		buf_addz(s->b, " while accept_test is off");
	else if (f->preorder)
		buf_addz(s->b,
		    " until the release is charged, as a sale of its own");
	else if (!say_is_told(s, p->sale, FACT_REFUND))
		buf_addz(s->b, ", as only a dispute tells of this sale");
	else if (p->refunded_at != STORE_NULL)
		buf_addz(s->b, ", as it was refunded in full before it began");
	else if (p->sold_at == STORE_NULL)
		buf_addz(s->b, ", as no delivery tells when it was sold");
	else if (suspended != STORE_NULL)
		buf_addz(s->b, ", as a dispute suspended it before it began");
	else
		buf_addz(s->b, ", as its time was over before it began");
}

void
say_effect(const struct say *s, const struct store_purchase *p)
{
	if (p->since != STORE_NULL)
		add_window(s, p);
	else
		add_nothing(s, p);
}

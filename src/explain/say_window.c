#include "explain/say.h"

#include "base/time.h"
#include "fold/column.h"

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

const struct fold_why *
say_why(const struct explain_subject *u, const struct store_purchase *p)
{
	static const struct fold_why none;
	for (size_t i = 0; i < u->fold.n_purchases; i++)
		if (str_eq(u->fold.purchases[i].sale, p->sale))
			return &u->fold.whys[i];
	return &none;
}

const struct store_purchase *
say_newest(const struct explain_subject *u)
{
	for (size_t i = u->rows.n; i > 0; i--)
		if (say_why(u, &u->rows.v[i - 1])->counted)
			return &u->rows.v[i - 1];
	return NULL;
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

/* Where the platform tells an end it is not to the second that of here. */
static void
add_grace(struct buf *b, int64_t seconds)
{
	buf_addz(b, ", then ");
	if (seconds % 60 == 0) {
		add_span(b, seconds);
		buf_addz(b, " of ");
	}
	buf_addz(b, "grace");
}

/* Why a window closes where it does; NULL: by itself. */
static const char *const closed_words[FOLD_RULE__MAX] = {
	[FOLD_REFUND] = "when it was refunded in full",
	[FOLD_REVOKED] = "when access was revoked at the platform",
	[FOLD_READ] = "some days after it was last read as running",
	[FOLD_LISTED] = "the end that the list of members tells",
	[FOLD_DISPUTED] = "when a dispute suspended it",
	[FOLD_BY_HAND] = "when it was revoked by hand",
	[FOLD_NEXT] = "when the next payment took over",
	[FOLD_ADD_UP] = "when the next payment took over",
	[FOLD_ENDED] = "when the subscription ended",
	[FOLD_CANCELLED] = "the end of the paid period, as the subscription "
			   "was cancelled",
};

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
	const char *by = closed_words[say_why(s->subject, p)->until];
	int grace = p->paid_until != STORE_NULL && p->paid_until < p->until;
	buf_addz(s->b, "until ");
	say_time(s->b, p->until);
	if (grace || is_trial(s->subject, p->paid_until)) {
		buf_addf(s->b, " (%s until ",
		    is_trial(s->subject, p->paid_until) ? "a free trial"
							: "paid");
		say_time(s->b, p->paid_until);
		if (grace && by == NULL)
			add_grace(s->b, p->until - p->paid_until);
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
	const struct fold_why *why = say_why(s->subject, p);
	say_gives(s, p);
	buf_adds(s->b, p->tier);
	buf_addz(s->b, " from ");
	say_time(s->b, p->since);
	buf_addc(s->b, ' ');
	if (p->until != STORE_NULL)
		add_end(s, p);
	else
		buf_addf(s->b, "for ever%s",
		    why->until == FOLD_PAID_UP ? ", as its plan is paid up"
			: why->until == FOLD_ALWAYS
			? ", as its tier lasts always"
			: "");
	if (why->old_name)
		buf_addz(s->b,
		    "; no grant fits it but by a name that the platform told "
		    "before");
	if (why->upgraded)
		buf_addz(s->b, "; an upgrade without a charge set its tier");
}

int
say_is_told(const struct say *s, struct str sale, enum fact_kind last)
{
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *ev = &s->subject->events[i];
		if (ev->counts && ev->fact != NULL &&
		    (ev->fact->kind <= last ||
			(ev->fact->kind >= FACT_PAYMENT &&
			    ev->fact->kind != FACT_ABSENT)) &&
		    str_eq(project_column(s->arena, ev->fact->sale), sale))
			return 1;
	}
	return 0;
}

static void
add_nothing(const struct say *s, const struct store_purchase *p)
{
	const struct fact *f = s->event->fact;
	const struct platform *platform = platform_find(s->subject->platform);
	enum fold_known known = say_why(s->subject, p)->known;
	buf_addz(s->b, " gives nothing");
	if (known == FOLD_UNKNOWN)
		buf_addz(s->b, ", as the platform knows no such sale");
	else if (known == FOLD_UNCONFIRMED)
		buf_addz(s->b, " until the platform has shown it");
	else if (p->test && !s->rules->accept_test[platform_index(platform)])
		buf_addz(s->b, " while accept_test is off");
	else if (p->tier.p == NULL && f->unnamed)
		buf_addz(s->b, ", as no grant fits it");
	else if (f->preorder)
		buf_addz(s->b,
		    " until the release is charged, as a sale of its own");
	else if (!say_is_told(s, p->sale, FACT_REFUND))
		buf_addz(s->b, ", as only a dispute tells of this sale");
	else if (p->refunded_at != STORE_NULL)
		buf_addz(s->b, ", as it was refunded in full before it began");
	else if (p->revoked_at != STORE_NULL)
		buf_addz(s->b, ", as access was revoked before it began");
	else if (p->sold_at == STORE_NULL)
		buf_addz(s->b, ", as no delivery tells when it was sold");
	else if (say_why(s->subject, p)->until == FOLD_DISPUTED)
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

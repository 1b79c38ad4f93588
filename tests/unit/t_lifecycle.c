#include "story.h"

/*
 * The cases of tests/fixtures/lifecycle/table.txt, which gatepost-lifecycle(7)
 * tells in words:
 *
 *	case NAME [accept_test] [before] [after]
 *	on DAY WHAT …		a line of a story
 *	row ROW			a row that follows, as scenario.h writes it
 *	effect EFFECT		what the page says
 *
 * The effect is read off the rows that the fold has made, never off the case.
 */
enum { CASES_MIN = 50, GROUP_MAX = 64 };

struct outcome {
	struct store_purchase last; /* of the windows, the one open longest */
	char texts[3][64];
	int any, has_window;
	int refunded, disputed, won, test, confirmed;
	int64_t suspended, revoked;
	int has_subscription;
	struct store_subscription sub;
	int is_grant;
};

static struct str
hold(char text[64], struct str s)
{
	snprintf(text, 64, "%.*s", STR_ARG(s));
	return s.p == NULL ? s : str_from(text);
}

static int
take_purchase(void *arg, const struct store_purchase *p)
{
	struct outcome *o = arg;
	o->any = 1;
	o->refunded |= p->refunded_at != STORE_NULL;
	o->disputed |= p->disputed_at != STORE_NULL;
	o->won |= p->dispute_won_at != STORE_NULL;
	o->test |= p->test != 0;
	o->confirmed |= p->confirmed_at != STORE_NULL;
	if (p->revoked_at != STORE_NULL)
		o->revoked = p->revoked_at;
	if (p->disputed_at != STORE_NULL && p->dispute_won_at == STORE_NULL)
		o->suspended = p->disputed_at;
	if (p->since == STORE_NULL ||
	    (o->has_window &&
		(o->last.until == STORE_NULL ||
		    (p->until != STORE_NULL && p->until <= o->last.until))))
		return 0;
	o->has_window = 1;
	o->last = *p;
	o->last.tier = hold(o->texts[0], p->tier);
	o->is_grant = str_eq_z(p->platform, "manual");
	return 0;
}

static int
take_subscription(void *arg, const struct store_subscription *sub)
{
	struct outcome *o = arg;
	o->has_subscription = 1;
	o->sub = *sub;
	o->sub.status = hold(o->texts[1], sub->status);
	o->sub.next_tier = hold(o->texts[2], sub->next_tier);
	return 0;
}

static int
is_revoked_at(const struct story *st, int64_t t)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->lines[i].by_hand &&
		    st->lines[i].manual.kind == MANUAL_REVOKE &&
		    st->lines[i].in.received_at == t)
			return 1;
	return 0;
}

/* Some days after the membership was last read. */
static int
is_read(const struct story *st, int64_t t)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct arrival *in = &st->lines[i].in;
		if (in->fact.kind == FACT_SUBSCRIBER &&
		    t - STORY_WEEK ==
			(in->seen_at > 0 ? in->seen_at : in->received_at))
			return 1;
	}
	return 0;
}

/* The end that the list of members tells. */
static int
is_listed(const struct story *st, int64_t t)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->lines[i].in.fact.kind == FACT_MEMBER &&
		    st->lines[i].in.fact.ends_at == t)
			return 1;
	return 0;
}

static const char *
end_word(const struct outcome *o, const struct story *st)
{
	const struct store_purchase *p = &o->last;
	int64_t t = p->until;
	if (t == STORE_NULL)
		return "for ever";
	if (t == p->refunded_at)
		return "until the refund";
	if (t == o->suspended)
		return "until the dispute";
	if (t == o->revoked)
		return "until it was revoked";
	if (is_revoked_at(st, t))
		return "until the revocation";
	if (o->is_grant)
		return "until the date given";
	if (o->has_subscription && t == o->sub.ended_at)
		return "until ended_at";
	if (o->has_subscription && t == o->sub.cancelled_at)
		return "until cancelled_at";
	return t == p->paid_until + STORY_WEEK ? "until paid_until and grace"
	    : is_read(st, t)		       ? "until the reading and grace"
	    : is_listed(st, t)		       ? "until the list's end"
	    : is_listed(st, p->paid_until) ? "until the grace of its payments"
					   : "until some time";
}

static void
write_effect(struct store *s, const struct story *st, struct buf *b)
{
	struct outcome o = { .suspended = STORE_NULL, .revoked = STORE_NULL };
	struct store_purchase_filter any = { .limit = 100 };
	store_purchase_list(s, &any, take_purchase, &o, NULL);
	store_subscription_list(s, 100, take_subscription, &o, NULL);
	buf_reset(b);
	buf_addf(b, "purchase %s; subscription ",
	    o.refunded			  ? "refunded"
		: o.won			  ? "won"
		: o.disputed		  ? "disputed"
		: o.revoked != STORE_NULL ? "revoked"
		: o.test		  ? "test"
		: o.confirmed		  ? "confirmed"
		: o.any			  ? "recorded"
					  : "none");
	buf_adds(b, o.has_subscription ? o.sub.status : STR("none"));
	if (o.has_subscription && o.sub.next_tier.p != NULL)
		buf_addf(b, ", %.*s next", STR_ARG(o.sub.next_tier));
	buf_addz(b, "; access ");
	if (o.has_window)
		buf_addf(b, "%.*s %s", STR_ARG(o.last.tier), end_word(&o, st));
	else
		buf_addz(b, "none");
}

struct lifecycle {
	char name[GROUP_MAX];
	int accept_test;
	enum tier_confirm confirm;
	struct buf story, rows, effect;
};

/* Deliveries alone: every order has to give the same. */
static void
play_orders(struct store *s, const struct config *c, const struct story *st)
{
	struct arrival in[STEPS_MAX];
	struct scenario sc = { .name = "orders", .platform = st->platform };
	for (size_t i = 0; i < st->n; i++) {
		if (st->lines[i].by_hand)
			return;
		in[i] = st->lines[i].in;
	}
	play_all_orders(&sc, s, c, in, st->n);
}

static void
run(struct store *s, const struct lifecycle *l)
{
	struct config c;
	struct story st;
	struct err e = { 0 };
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct buf got;
	buf_init(&got, DUMP_MAX);
	test_group(l->name);
	story_config(&c, l->accept_test, l->confirm);
	story_read(&st, &c, a, buf_str(&l->story));
	OK(st.n > 0 && store_begin(s, &e) == 0 &&
		story_play(s, &c, &st, &e) == 0,
	    "played %s", e.text);
	dump(s, &got, DUMP_SHORT);
	IS(buf_str(&got), l->rows.n > 0 ? l->rows.p : "", "rows");
	write_effect(s, &st, &got);
	IS(buf_str(&got), l->effect.n > 0 ? l->effect.p : "", "effect");
	store_rollback(s);
	play_orders(s, &c, &st);
	buf_free(&got);
	arena_free(a);
}

static void
begin(struct lifecycle *l, struct str head)
{
	struct str name, rest;
	str_cut(head, ' ', &name, &rest);
	snprintf(l->name, sizeof(l->name), "%.*s", STR_ARG(name));
	char settings[GROUP_MAX];
	snprintf(settings, sizeof(settings), "%.*s", STR_ARG(rest));
	l->accept_test = strstr(settings, "accept_test") != NULL;
	l->confirm = story_confirm(settings);
	buf_reset(&l->story);
	buf_reset(&l->rows);
	buf_reset(&l->effect);
}

static size_t
run_all(struct store *s, struct str text)
{
	struct lifecycle l = { .name = "" };
	size_t n = 0;
	buf_init(&l.story, DUMP_MAX);
	buf_init(&l.rows, DUMP_MAX);
	buf_init(&l.effect, DUMP_MAX);
	while (text.n > 0) {
		struct str line, rest, word, what;
		str_cut(text, '\n', &line, &rest);
		str_cut(line, ' ', &word, &what);
		text = rest;
		if (str_eq_z(word, "case")) {
			begin(&l, what);
		} else if (str_eq_z(word, "on")) {
			buf_adds(&l.story, what);
			buf_addc(&l.story, '\n');
		} else if (str_eq_z(word, "row")) {
			buf_adds(&l.rows, what);
			buf_addc(&l.rows, '\n');
		} else if (str_eq_z(word, "effect")) {
			buf_adds(&l.effect, what);
			run(s, &l);
			n++;
		} else if (word.n > 0 && word.p[0] != '#') {
			OK(0, "%.*s: not a line of a case", STR_ARG(line));
		}
	}
	buf_free(&l.story);
	buf_free(&l.rows);
	buf_free(&l.effect);
	return n;
}

int
main(void)
{
	struct store *s = NULL;
	struct err e = { 0 };
	size_t n = 0;
	crypto_init(NULL);
	char *text = test_file("tests/fixtures/lifecycle/table.txt", &n);
	if (text == NULL ||
	    !OK(store_open(":memory:", STORE_CREATE, &s, &e) == 0, "open %s",
		e.text))
		return test_end();
	n = run_all(s, (struct str){ text, n });
	test_group("table");
	OK(n >= CASES_MIN, "%zu cases", n);
	store_close(s);
	free(text);
	return test_end();
}

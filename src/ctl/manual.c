#include "fold/manual.h"

#include "base/time.h"
#include "access/access.h"
#include "commit/manual_put.h"
#include "access/rows.h"
#include "ctl/ctl.h"
#include "ctl/tests_of.h"

/* grant, revoke, link, unlink, void: what the owner does by hand. Each writes
 * events of platform "manual" and says what it did. */

struct hand {
	struct ctl *ctl;
	struct store *s;
	struct arena *arena; /* of one event */
	int64_t now;
	size_t done;
};

static int
begin(struct ctl *ctl, struct hand *h, struct err *e)
{
	*h = (struct hand){ .ctl = ctl, .now = time_now() };
	h->s = ctl_store(ctl, STORE_WRITE, e);
	if (h->s == NULL)
		return -1;
	h->arena = arena_new((size_t)1 << 28);
	return h->arena != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

static int
put(struct hand *h, struct str platform, struct str subject,
    const struct manual *m, struct err *e)
{
	int64_t event;
	arena_reset(h->arena);
	if (manual_put(h->s, h->ctl->config, platform, subject, m, h->now,
		h->arena, &event, e) != 0)
		return -1;
	h->done++;
	buf_addf(&h->ctl->out, "event %lld: %s ", (long long)event,
	    manual_words[m->kind]);
	buf_add_visible(&h->ctl->out, subject);
	buf_addc(&h->ctl->out, '\n');
	return 0;
}

static enum ctl_exit
finish(struct hand *h, const char *nothing, struct err *e)
{
	arena_free(h->arena);
	if (e->code == ERR_NONE && h->done == 0)
		err_set(e, ERR_ABSENT, "%s", nothing);
	return CTL_YES;
}

/* ---- which sales ---- */

/* Those of a sale id, a subscription id, or an identifier. */
static int
find_rows(struct ctl *ctl, struct store *s, const char *sale,
    const char *subscription, struct rows *rows, struct err *e)
{
	struct access_key key;
	rows->arena = ctl->arena;
	if (subscription != NULL)
		return store_purchase_of_subscription(
		    s, str_from(subscription), rows_take, rows, e);
	if (sale == NULL) {
		if (ctl_key(ctl, &key, e) != 0)
			return -1;
		return rows_by(s, key.by, key.platform, key.id, rows, e);
	}
	return rows_of_sale(s, str_from(sale), rows, e);
}

/* ---- grant ---- */

static int
read_until(struct ctl *ctl, int64_t now, int64_t *until, struct err *e)
{
	const char *span = ctl_get(ctl, "for"), *date = ctl_get(ctl, "until");
	int64_t seconds;
	*until = STORE_NULL;
	if (span != NULL && date != NULL)
		return err_set(e, ERR_USAGE, "give --for or --until");
	if (span != NULL) {
		if (str_duration(str_from(span), &seconds) != 0 || seconds == 0)
			return err_set(
			    e, ERR_USAGE, "--for takes 30d, 12h, 2w, …");
		*until = now + seconds;
	}
	if (date != NULL && time_parse(str_from(date), until) != 0)
		return err_set(
		    e, ERR_USAGE, "--until takes 2026-12-31T00:00:00Z");
	return 0;
}

static enum ctl_exit
run_grant(struct ctl *ctl, struct err *e)
{
	struct hand h;
	struct access_key key;
	struct manual m = { .kind = MANUAL_GRANT,
		.tier = str_from(ctl_get(ctl, "tier")),
		.note = str_from(ctl_get(ctl, "note")) };
	if (m.tier.n == 0) {
		err_set(e, ERR_USAGE, "--tier is missing: which tier to give");
		return CTL_USAGE;
	}
	if (ctl_key(ctl, &key, e) != 0)
		return CTL_USAGE;
	if (begin(ctl, &h, e) != 0 || read_until(ctl, h.now, &m.until, e) != 0)
		return finish(&h, "", e);
	m.by = (int)key.by;
	m.id = key.by == STORE_BY_BUYER ? key.value : key.id;
	if (tier_find(&ctl->config->rules, m.tier) == NULL &&
	    ctl->config->rules.n_tiers > 0)
		buf_addz(&ctl->out,
		    "note: no tier of that name is configured; "
		    "it counts by its name alone\n");
	put(&h, STR("manual"), manual_grant_subject(ctl->arena, m.by, m.id), &m,
	    e);
	return finish(&h, "", e);
}

static const struct ctl_option grant_options[] = {
	CTL_KEY_OPTIONS,
	{ "tier", "NAME", "which tier" },
	{ "for", "SPAN", "how long: 30d, 12h, 2w; without, for ever" },
	{ "until", "TIME", "or to that time, 2026-12-31T00:00:00Z" },
	{ "note", "TEXT", "why, for whoever reads the log" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_grant = {
	.name = "grant",
	.args = "--user ID|… --tier NAME",
	.help = "give a tier by hand",
	.options = grant_options,
	.run = run_grant,
};

/* ---- revoke ---- */

static int
is_about(const struct hand *h, const struct manual *m,
    const struct store_purchase *p)
{
	if (m->kind == MANUAL_RESTORE && str_eq_z(p->platform, "manual"))
		return 0;
	/* windows long over are no business of a revocation, but a
	 * subscription's next payment opens another */
	return m->sale.p != NULL || m->kind == MANUAL_RESTORE ||
	    p->until == STORE_NULL || p->until > h->now ||
	    p->subscription.p != NULL;
}

/* Once for each subject that has a row it is about. */
static void
revoke_rows(
    struct hand *h, const struct rows *rows, struct manual *m, struct err *e)
{
	struct rows about = { .arena = h->ctl->arena };
	for (size_t i = 0; i < rows->n; i++)
		if (is_about(h, m, &rows->v[i]))
			rows_take(&about, &rows->v[i]);
	for (size_t i = 0; e->code == ERR_NONE && i < about.n; i++)
		if (m->sale.p != NULL || rows_is_first(&about, i))
			put(h, about.v[i].platform, about.v[i].subject, m, e);
}

static enum ctl_exit
run_revoke(struct ctl *ctl, struct err *e)
{
	struct hand h;
	struct rows rows = { 0 };
	const char *sale = ctl_get(ctl, "sale");
	const char *subscription = ctl_get(ctl, "subscription");
	struct manual m = { .kind = ctl_get(ctl, "undo") != NULL
		    ? MANUAL_RESTORE
		    : MANUAL_REVOKE,
		.by = -1,
		.until = STORE_NULL,
		.sale = str_from(sale),
		.tier = str_from(ctl_get(ctl, "tier")),
		.note = str_from(ctl_get(ctl, "note")) };
	if (begin(ctl, &h, e) != 0 ||
	    find_rows(ctl, h.s, sale, subscription, &rows, e) != 0)
		return finish(&h, "", e);
	revoke_rows(&h, &rows, &m, e);
	return finish(&h, "nothing of theirs gives access", e);
}

static const struct ctl_option revoke_options[] = {
	{ "sale", "ID", "this sale only" },
	{ "subscription", "ID", "this subscription; a later payment counts" },
	CTL_KEY_OPTIONS,
	{ "tier", "NAME", "only what gives that tier" },
	{ "undo", NULL, "take a revocation back" },
	{ "note", "TEXT", "why, for whoever reads the log" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_revoke = {
	.name = "revoke",
	.args = "--sale ID|--user ID|…",
	.help = "end access by hand, from now on",
	.options = revoke_options,
	.run = run_revoke,
};

/* ---- link, unlink ---- */

static enum ctl_exit
link_to(struct ctl *ctl, struct manual *m, struct err *e)
{
	struct hand h;
	struct rows rows = { 0 };
	if (begin(ctl, &h, e) != 0 ||
	    find_rows(ctl, h.s, ctl->rest[0], NULL, &rows, e) != 0)
		return finish(&h, "", e);
	if (rows.n > 0)
		m->sale = str_from(ctl->rest[0]);
	else
		find_rows(ctl, h.s, NULL, ctl->rest[0], &rows, e);
	for (size_t i = 0; e->code == ERR_NONE && i < rows.n; i++)
		if (rows_is_first(&rows, i))
			put(&h, rows.v[i].platform, rows.v[i].subject, m, e);
	return finish(&h, "no sale or subscription has that id", e);
}

static enum ctl_exit
run_link(struct ctl *ctl, struct err *e)
{
	struct manual m = { .kind = MANUAL_LINK,
		.by = -1,
		.until = STORE_NULL,
		.note = str_from(ctl_get(ctl, "note")) };
	const char *user = ctl_get(ctl, "user"), *email = ctl_get(ctl, "email");
	if ((user == NULL) == (email == NULL)) {
		err_set(e, ERR_USAGE, "give one of --user, --email");
		return CTL_USAGE;
	}
	m.user = platform_identifier(str_from(user));
	m.email = platform_email(ctl->arena, str_from(email));
	if (m.user.p == NULL && m.email.p == NULL) {
		err_set(e, ERR_USAGE,
		    user != NULL ? "--user takes 1 to 255 bytes of text"
				 : "--email takes an e-mail address");
		return CTL_USAGE;
	}
	return link_to(ctl, &m, e);
}

static enum ctl_exit
run_unlink(struct ctl *ctl, struct err *e)
{
	struct manual m = { .kind = MANUAL_UNLINK,
		.by = -1,
		.until = STORE_NULL,
		.note = str_from(ctl_get(ctl, "note")) };
	return link_to(ctl, &m, e);
}

static const struct ctl_option link_options[] = {
	{ "user", "ID", "your own user id" },
	{ "email", "ADDRESS", "or the person's e-mail address" },
	{ "note", "TEXT", "why, for whoever reads the log" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_link = {
	.name = "link",
	.args = "SALE|SUBSCRIPTION --user ID|--email ADDRESS",
	.help = "say whose purchase it is",
	.options = link_options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run_link,
};

const struct ctl_command ctl_unlink = {
	.name = "unlink",
	.args = "SALE|SUBSCRIPTION",
	.help = "take a link back",
	.options = link_options + 2,
	.min_rest = 1,
	.max_rest = 1,
	.run = run_unlink,
};

/* ---- void ---- */

struct voids {
	struct ctl *ctl;
	int64_t *events;
	size_t n, size;
	int failed;
	int by_hand; /* an event by hand was named */
};

static int
take_void(void *arg, const struct store_event *ev)
{
	struct voids *all = arg;
	if (str_eq_z(ev->platform, "manual")) {
		all->by_hand = 1;
		return 0;
	}
	if (all->n == all->size) {
		size_t size = all->size == 0 ? 64 : all->size * 2;
		int64_t *v = arena_alloc(all->ctl->arena, size * sizeof(*v));
		if (v == NULL) {
			all->failed = 1;
			return 1;
		}
		if (all->n > 0)
			memcpy(v, all->events, all->n * sizeof(*v));
		all->events = v;
		all->size = size;
	}
	all->events[all->n++] = ev->id;
	return 0;
}

static int
find_events(struct ctl *ctl, struct store *s, struct voids *all, struct err *e)
{
	const char *by = ctl_get(ctl, "by"), *since = ctl_get(ctl, "since");
	int tests = ctl_get(ctl, "tests") != NULL;
	int64_t from = 0, id;
	if ((ctl->n_rest > 0) + (by != NULL) + tests != 1)
		return err_set(e, ERR_USAGE,
		    "give event numbers, or --by and --since, or --tests");
	if (tests && ctl_get(ctl, "undo") != NULL)
		return err_set(e, ERR_USAGE,
		    "--tests finds what still counts: undo it by the event "
		    "numbers");
	if (tests)
		return tests_of(ctl, s, take_void, all, e);
	if (by == NULL) {
		for (size_t i = 0; i < ctl->n_rest; i++) {
			if (str_int64(
				str_from(ctl->rest[i]), 1, INT64_MAX, &id) != 0)
				return err_set(e, ERR_USAGE,
				    "%s is no event number", ctl->rest[i]);
			if (store_event_get(s, id, take_void, all, e) != 0)
				return -1;
		}
		return 0;
	}
	if (since == NULL || time_parse(str_from(since), &from) != 0)
		return err_set(e, ERR_USAGE,
		    "--since takes the time from which they do not count, "
		    "2026-11-22T00:00:00Z");
	return store_event_by(s, str_from(by), from, take_void, all, e);
}

struct voided {
	struct ctl *ctl;
	struct str platform, subject, delivery;
};

static int
take_voided(void *arg, const struct store_event *ev)
{
	struct voided *v = arg;
	struct arena *a = v->ctl->arena;
	v->platform =
	    (struct str){ arena_dup(a, ev->platform.p, ev->platform.n),
		    ev->platform.n };
	v->subject = (struct str){ arena_dup(a, ev->subject.p, ev->subject.n),
		ev->subject.n };
	v->delivery =
	    (struct str){ arena_dup(a, ev->delivery.p, ev->delivery.n),
		    ev->delivery.n };
	return 1;
}

/* An event for each, under the subject it stands in by then: a sale may move
 * to another one when a delivery of it is voided. */
static enum ctl_exit
run_void(struct ctl *ctl, struct err *e)
{
	struct hand h;
	struct voids all = { .ctl = ctl };
	struct manual m = { .kind = ctl_get(ctl, "undo") != NULL ? MANUAL_UNVOID
								 : MANUAL_VOID,
		.by = -1,
		.until = STORE_NULL,
		.n_deliveries = 1,
		.note = str_from(ctl_get(ctl, "note")) };
	if (begin(ctl, &h, e) == 0)
		find_events(ctl, h.s, &all, e);
	for (size_t i = 0; e->code == ERR_NONE && i < all.n; i++) {
		struct voided v = { .ctl = ctl };
		m.deliveries = &v.delivery;
		if (store_event_get(h.s, all.events[i], take_voided, &v, e) ==
		    0)
			put(&h, v.platform, v.subject, &m, e);
	}
	return finish(&h,
	    all.by_hand ? "events by hand are not voided: revoke, unlink and "
			  "--undo take them back"
			: "no delivery is meant by that",
	    e);
}

static const struct ctl_option void_options[] = {
	{ "by", "HEX", "all that this secret verified (events.verified_by)" },
	{ "since", "TIME", "received from then on" },
	{ "tests", NULL, "all that is about test purchases" },
	{ "undo", NULL, "let them count again" },
	{ "note", "TEXT", "why, for whoever reads the log" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_void = {
	.name = "void",
	.args = "ID…|--by HEX --since T|--tests",
	.help = "take deliveries out of account: after a leaked token, tests",
	.options = void_options,
	.max_rest = CTL_VALUES_MAX,
	.run = run_void,
};

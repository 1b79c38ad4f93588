#include "outbox.h"
#include "truth.h"

#include <sys/stat.h>

#include "base/time.h"

/*
 * What every database behind store.h has to do. The first argument, or
 * TEST_DATABASE in the environment, names an empty one; without either it is
 * a new SQLite file. What only files can do is left out for a URL.
 */
enum {
	LARGE = 8 * 1024 * 1024, /* of a body, bytes */
	MANY = 120, /* events in lists */
	PROCESSES = 4,
	ROUNDS = 10,
};

static char folder[] = "/tmp/t_store.XXXXXX";
static char where[4096];
static int is_file;

static struct store *
open_store(enum store_mode mode)
{
	struct store *s = NULL;
	struct err e = { 0 };
	OK(store_open(where, mode, &s, &e) == 0, "open: %s", e.text);
	return s;
}

static struct store_event
event(const char *platform, const char *delivery, const char *subject)
{
	return (struct store_event){ .platform = str_from(platform),
		.kind = STR("sale"),
		.delivery = str_from(delivery),
		.subject = str_from(subject),
		.sent_at = STORE_NULL,
		.received_at = 1000,
		.body = STR("a=1"),
		.status = STR("applied") };
}

static int64_t
add(struct store *s, const struct store_event *row, enum store_added want)
{
	struct err e = { 0 };
	enum store_added added = (enum store_added)99;
	int64_t id = -1;
	if (store_event_add(s, row, &id, &added, &e) != 0 || added != want)
		OK(0, "added %d, not %d: %s", (int)added, (int)want, e.text);
	return id;
}

struct held {
	struct store_event row;
	char body[64], texts[9][64];
};

static int
copy_event(void *arg, const struct store_event *row)
{
	struct held *to = arg;
	struct str *in[] = { &to->row.platform, &to->row.kind,
		&to->row.delivery, &to->row.subject, &to->row.content_type,
		&to->row.verified_by, &to->row.peer, &to->row.status,
		&to->row.reason };
	to->row = *row;
	for (size_t i = 0; i < 9; i++) {
		if (in[i]->p == NULL || in[i]->n > sizeof(to->texts[i]))
			continue;
		memcpy(to->texts[i], in[i]->p, in[i]->n);
		in[i]->p = to->texts[i];
	}
	if (row->body.n <= sizeof(to->body) && row->body.p != NULL) {
		memcpy(to->body, row->body.p, row->body.n);
		to->row.body.p = to->body;
	}
	return 0;
}

static struct store_event
get(struct store *s, int64_t id, struct held *h)
{
	struct err e = { 0 };
	memset(h, 0, sizeof(*h));
	if (store_event_get(s, id, copy_event, h, &e) != 0)
		OK(0, "get %lld: %s", (long long)id, e.text);
	return h->row;
}

static int
count_event(void *arg, const struct store_event *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static int
count_events(struct store *s)
{
	struct store_event_filter any = { .before = STORE_NULL,
		.limit = 100000 };
	int n = 0;
	if (store_event_list(s, &any, count_event, &n, NULL) != 0)
		return -1;
	return n;
}

static void
test_event(struct store *s)
{
	struct held h;
	struct err e = { 0 };
	test_group("event");
	struct store_event row = event("gumroad", "one", "sale:1");
	row.sent_at = 900;
	row.content_type = STR("text/x");
	row.verified_by = STR("0123456789ab");
	row.peer = STR("192.0.2.1");
	row.reason = STR("why");
	int64_t id = add(s, &row, STORE_NEW);
	struct store_event got = get(s, id, &h);
	OK(got.id == id && got.sent_at == 900 && got.received_at == 1000 &&
		got.seen == 1 && got.last_seen_at == 1000,
	    "numbers");
	IS(got.platform, "gumroad", "platform");
	IS(got.kind, "sale", "kind");
	IS(got.delivery, "one", "delivery");
	IS(got.subject, "sale:1", "subject");
	IS(got.content_type, "text/x", "content type");
	IS(got.verified_by, "0123456789ab", "verified by");
	IS(got.peer, "192.0.2.1", "peer");
	IS(got.status, "applied", "status");
	IS(got.reason, "why", "reason");
	IS(got.body, "a=1", "body");
	row = event("gumroad", "bare", "sale:2");
	got = get(s, add(s, &row, STORE_NEW), &h);
	OK(got.sent_at == STORE_NULL && got.content_type.p == NULL &&
		got.verified_by.p == NULL && got.peer.p == NULL &&
		got.reason.p == NULL,
	    "nothing stays nothing");
	int n = 0;
	OK(store_event_get(s, 999999, count_event, &n, &e) != 0 &&
		e.code == ERR_ABSENT && n == 0,
	    "one that is not there");
	OK(store_event_status(s, id, STR("kept"), STR("fold_error"), &e) == 0,
	    "status set");
	got = get(s, id, &h);
	IS(got.status, "kept", "kept");
	IS(got.reason, "fold_error", "and why");
	OK(store_event_status(s, id, STR("wrong"), STR_NONE, &e) != 0 &&
		e.code == ERR_CONFLICT,
	    "no other word");
	IS(get(s, id, &h).status, "kept", "as before");
}

static void
test_dedupe(struct store *s)
{
	struct held h;
	test_group("dedupe");
	struct store_event row = event("gank", "two", "goods:1");
	row.sent_at = 500;
	int64_t id = add(s, &row, STORE_NEW);
	row.received_at = 2000;
	row.sent_at = 600;
	row.body = STR("another body");
	row.subject = STR("elsewhere");
	OK(add(s, &row, STORE_AGAIN) == id, "a repeat is the first one");
	struct store_event got = get(s, id, &h);
	OK(got.seen == 2 && got.last_seen_at == 2000 &&
		got.received_at == 1000 && got.sent_at == 500,
	    "seen and last seen are raised");
	IS(got.body, "a=1", "the first body stays");
	IS(got.subject, "goods:1", "and its subject");
	row.received_at = 700;
	OK(add(s, &row, STORE_EARLIER) == id, "received earlier");
	got = get(s, id, &h);
	OK(got.received_at == 700 && got.last_seen_at == 2000 &&
		got.sent_at == 500 && got.seen == 3,
	    "lowered; last seen is not");
	row.received_at = 5000;
	row.sent_at = 400;
	OK(add(s, &row, STORE_EARLIER) == id, "signed earlier");
	got = get(s, id, &h);
	OK(got.received_at == 700 && got.sent_at == 400, "lowered");
	row.sent_at = STORE_NULL;
	OK(add(s, &row, STORE_AGAIN) == id, "unsigned");
	OK(get(s, id, &h).sent_at == 400, "keeps the signed time");
	row.platform = STR("gumroad");
	OK(add(s, &row, STORE_NEW) != id, "another platform, another event");
	row.delivery = STR("TWO");
	OK(add(s, &row, STORE_NEW) != id, "case matters");
}

struct bytes {
	const char *p;
	size_t n;
	int same;
};

static int
compare_body(void *arg, const struct store_event *row)
{
	struct bytes *b = arg;
	b->same = row->body.n == b->n && memcmp(row->body.p, b->p, b->n) == 0;
	return 0;
}

static void
test_bodies(struct store *s)
{
	test_group("bodies");
	static const struct {
		const char *name, *p;
		size_t n;
	} bodies[] = {
		{ "empty", "", 0 },
		{ "a NUL", "a\0b", 3 },
		{ "only NULs", "\0\0\0", 3 },
		{ "not UTF-8", "\xFF\xFE\x80=\xC3", 5 },
		{ "a surrogate", "\xED\xA0\x80", 3 },
		{ "overlong", "\xC0\xAF", 2 },
		{ "text", "\xE0\xB8\x81 \xF0\x9F\x8E\x89 \r\n\t'\"\\", 15 },
		{ "like a blob", "\\x6162", 6 },
		{ "ends in NUL", "abc\0", 4 },
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct store_event row =
		    event("gumroad", bodies[i].name, "bodies");
		row.body = (struct str){ bodies[i].p, bodies[i].n };
		int64_t id = add(s, &row, STORE_NEW);
		struct bytes b = { bodies[i].p, bodies[i].n, 0 };
		store_event_get(s, id, compare_body, &b, NULL);
		OK(b.same, "byte by byte: %s", bodies[i].name);
	}
	char *large = malloc(LARGE);
	if (large == NULL)
		return;
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 7 + i / 251);
	struct store_event row = event("gumroad", "large", "bodies");
	row.body = (struct str){ large, LARGE };
	int64_t id = add(s, &row, STORE_NEW);
	struct bytes b = { large, LARGE, 0 };
	store_event_get(s, id, compare_body, &b, NULL);
	OK(b.same, "byte by byte: large");
	free(large);
}

struct walk {
	int64_t last;
	int n, wrong, bodies;
	int up; /* ids have to rise */
	int stop_at;
};

static int
walk_event(void *arg, const struct store_event *row)
{
	struct walk *w = arg;
	if (w->n > 0 && (w->up ? row->id <= w->last : row->id >= w->last))
		w->wrong++;
	w->last = row->id;
	w->bodies += row->body.p != NULL;
	return ++w->n == w->stop_at;
}

static struct walk
list(struct store *s, struct store_event_filter f)
{
	struct walk w = { 0 };
	struct err e = { 0 };
	if (f.limit == 0)
		f.limit = 1000;
	if (store_event_list(s, &f, walk_event, &w, &e) != 0)
		OK(0, "list: %s", e.text);
	return w;
}

struct times {
	int n, wrong;
	int64_t last;
};

static int
walk_times(void *arg, const struct store_event *row)
{
	struct times *t = arg;
	t->n++;
	t->wrong += row->received_at < t->last || row->body.p == NULL;
	t->last = row->received_at;
	return 0;
}

static void
test_subjects(struct store *s)
{
	test_group("subjects");
	struct walk w = { .up = 1 };
	struct err e = { 0 };
	for (int i = 0; i < 5; i++) {
		char name[16];
		snprintf(name, sizeof(name), "subject%d", i);
		struct store_event row = event("gumroad", name, "sale:Q");
		row.received_at = 5000 - i;
		if (i == 2)
			row.status = STR("kept");
		if (i == 3)
			row.status = STR("test");
		add(s, &row, STORE_NEW);
	}
	struct store_event row = event("gumroad", "subject-x", "sale:q");
	add(s, &row, STORE_NEW);
	row = event("gank", "subject-y", "sale:Q");
	add(s, &row, STORE_NEW);
	OK(store_event_of_subject(
	       s, STR("gumroad"), STR("sale:Q"), walk_event, &w, &e) == 0,
	    "read");
	OK(w.n == 3 && w.wrong == 0 && w.bodies == 3,
	    "those applied, oldest id first, with bodies: %d", w.n);
	w = (struct walk){ .up = 1, .stop_at = 1 };
	OK(store_event_of_subject(
	       s, STR("gumroad"), STR("sale:Q"), walk_event, &w, &e) == 0 &&
		w.n == 1,
	    "a callback may end it");
	w = (struct walk){ .up = 1 };
	OK(store_event_of_subject(
	       s, STR("gumroad"), STR("sale:"), walk_event, &w, &e) == 0 &&
		w.n == 0,
	    "none");
	row = event("manual", "subject-m", "gumroad/sale:Q");
	row.received_at = 9000;
	add(s, &row, STORE_NEW);
	int64_t n = 0;
	OK(store_event_count_of_subject(
	       s, STR("gumroad"), STR("sale:Q"), &n, &e) == 0 &&
		n == 5,
	    "kept and test ones too: %lld", (long long)n);
	struct times t = { .last = INT64_MIN };
	OK(store_event_about(s, STR("gumroad"), STR("sale:Q"),
	       STR("gumroad/sale:Q"), walk_times, &t, &e) == 0 &&
		t.n == 6 && t.wrong == 0 && t.last == 9000,
	    "all about it, those by hand too, by arrival: %d", t.n);
}

struct counts {
	int64_t all, kept, newest;
};

static int
take_count(void *arg, const struct store_event_count *c)
{
	struct counts *sum = arg;
	sum->all += c->count;
	if (str_eq_z(c->status, "kept") && str_eq_z(c->kind, "listed"))
		sum->kept += c->count;
	if (c->last_seen_at > sum->newest)
		sum->newest = c->last_seen_at;
	return 0;
}

static void
test_lists(struct store *s)
{
	int64_t first = 0, id = 0;
	test_group("lists");
	for (int i = 0; i < MANY; i++) {
		char name[16];
		snprintf(name, sizeof(name), "list%d", i);
		struct store_event row =
		    event(i % 3 == 0 ? "gank" : "gumroad", name, name);
		row.kind = STR("listed");
		row.received_at = 9000 + i;
		if (i % 4 == 0)
			row.status = STR("kept");
		id = add(s, &row, STORE_NEW);
		first = i == 0 ? id : first;
	}
	struct store_event_filter f = { .before = STORE_NULL,
		.kind = STR("listed") };
	struct walk w = list(s, f);
	OK(w.n == MANY && w.wrong == 0 && w.bodies == 0,
	    "newest first, without bodies");
	OK(w.last == first, "down to the first");
	f.platform = STR("gank");
	OK(list(s, f).n == MANY / 3, "of a platform");
	f.status = STR("kept");
	OK(list(s, f).n == MANY / 12, "and a status");
	f.limit = 3;
	OK(list(s, f).n == 3, "a few");
	f = (struct store_event_filter){ .before = first + 10,
		.kind = STR("listed") };
	w = list(s, f);
	OK(w.n == 10 && w.last == first, "before an id");
	f.platform = STR("GANK");
	OK(list(s, f).n == 0, "case matters");
	struct counts sum = { 0 };
	OK(store_event_counts(s, take_count, &sum, NULL) == 0 &&
		sum.all == count_events(s) && sum.kept == MANY / 4 &&
		sum.newest == 9000 + MANY - 1,
	    "counts");
}

static int
take_newest(void *arg, int64_t id, struct str platform, int64_t last_seen_at)
{
	*(int64_t *)arg = str_eq_z(platform, "other") ? 0 : last_seen_at;
	return id > 0 && *(int64_t *)arg != 0;
}

static int64_t
newest(struct store *s, struct str platform)
{
	int64_t at = 0;
	store_event_newest(s, platform, STR_NONE, take_newest, &at, NULL);
	return at;
}

/* After the lists. */
static void
test_watch(struct store *s)
{
	struct store_watch w = { .outbox = 7 };
	struct err e = { 0 };
	const struct store_event_filter kept = {
		.before = STORE_NULL, .status = STR("kept"), .limit = 100000
	};
	int n = 0;
	test_group("watch");
	OK(store_event_list(s, &kept, count_event, &n, &e) == 0 &&
		store_watch(s, &w, &e) == 0,
	    "asked: %s", e.text);
	OK(w.kept == n && n >= MANY / 4, "kept: %lld", (long long)w.kept);
	OK(w.events >= count_events(s), "events: %lld", (long long)w.events);
	OK(w.outbox == 0 && w.outbox_due_at == STORE_NULL, "nothing to do");
	OK(newest(s, STR("gank")) == 9000 + MANY - 3,
	    "the newest of a platform");
	OK(store_begin(s, &e) == 0, "begin");
	for (int i = 0; i < STORE_WATCH_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "watch%d", i);
		struct store_event row = event("other", name, name);
		row.status = STR("kept");
		add(s, &row, STORE_NEW);
	}
	struct store_event ping = event("gumroad", "ping", "ping");
	ping.status = STR("test");
	add(s, &ping, STORE_NEW);
	OK(store_watch(s, &w, &e) == 0 && w.kept == STORE_WATCH_MAX &&
		newest(s, STR_NONE) == 0,
	    "no more are looked at, nor a test ping");
	store_rollback(s);
}

static struct store_purchase
purchase(const char *sale, const char *user, int64_t since)
{
	return (struct store_purchase){ .platform = STR("gumroad"),
		.sale = str_from(sale),
		.user_ref = str_from(user),
		.price = STORE_NULL,
		.quantity = STORE_NULL,
		.sold_at = since == STORE_NULL ? 50 : since,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.tier = since == STORE_NULL ? STR_NONE : STR("pro"),
		.since = since,
		.paid_until = STORE_NULL,
		.until = STORE_NULL,
		.subject = str_from(sale) };
}

static void
put(struct store *s, const struct store_purchase *p)
{
	struct err e = { 0 };
	if (store_purchase_put(s, p, &e) != 0)
		OK(0, "put: %s", e.text);
}

struct sales {
	char names[256];
	int n, whole;
};

static int
take_sale(void *arg, const struct store_purchase *p)
{
	struct sales *l = arg;
	size_t used = strlen(l->names);
	snprintf(l->names + used, sizeof(l->names) - used, "%s%.*s",
	    l->n > 0 ? " " : "", STR_ARG(p->sale));
	l->n++;
	l->whole = str_eq_z(p->platform, "gank") && str_eq_z(p->sale, "full") &&
	    str_eq_z(p->subscription, "SUB") &&
	    str_eq_z(p->product, "membership") &&
	    str_eq_z(p->product_name, "Fan \xE0\xB8\x81") &&
	    str_eq_z(p->variant, "v") && str_eq_z(p->user_ref, "u") &&
	    str_eq_z(p->email, "e@x") && str_eq_z(p->buyer, "b") &&
	    str_eq_z(p->license, "l") && p->price == INT64_MAX &&
	    str_eq_z(p->currency, "USD") && p->quantity == 3 &&
	    str_eq_z(p->recurrence, "monthly") && p->test == 1 &&
	    p->sold_at == -5 && p->refunded_at == 1 && p->disputed_at == 2 &&
	    p->dispute_won_at == 3 && str_eq_z(p->tier, "t") && p->since == 0 &&
	    p->paid_until == 5 && p->until == 6 &&
	    str_eq_z(p->subject, "full subject");
	return 0;
}

/* They come in any order: by the digits of "p1 p2 p3", of three at most. */
static void
sort_names(char *p)
{
	for (size_t i = 1, last = strlen(p); i < 3; i++)
		for (size_t k = 1; k + 3 < last; k += 3)
			if (p[k] > p[k + 3]) {
				char c = p[k];
				p[k] = p[k + 3];
				p[k + 3] = c;
			}
}

static struct sales
by(struct store *s, enum store_by how, const char *platform, const char *id)
{
	struct sales l = { 0 };
	struct err e = { 0 };
	if (store_purchase_by(s, how, str_from(platform), str_from(id),
		take_sale, &l, &e) != 0)
		OK(0, "by: %s", e.text);
	sort_names(l.names);
	return l;
}

#define FOUND(l, want, what) IS(str_from((l).names), want, what)

static void
put_full(struct store *s)
{
	struct store_purchase p = { .platform = STR("gank"),
		.sale = STR("full"),
		.subscription = STR("SUB"),
		.product = STR("membership"),
		.product_name = STR("Fan \xE0\xB8\x81"),
		.variant = STR("v"),
		.user_ref = STR("u"),
		.email = STR("e@x"),
		.buyer = STR("b"),
		.license = STR("l"),
		.price = INT64_MAX,
		.currency = STR("USD"),
		.quantity = 3,
		.recurrence = STR("monthly"),
		.test = 1,
		.sold_at = -5,
		.refunded_at = 1,
		.disputed_at = 2,
		.dispute_won_at = 3,
		.tier = STR("t"),
		.since = 0,
		.paid_until = 5,
		.until = 6,
		.subject = STR("full subject") };
	put(s, &p);
}

static void
test_purchases(struct store *s)
{
	struct err e = { 0 };
	test_group("purchases");
	put_full(s);
	OK(by(s, STORE_BY_USER, NULL, "u").whole, "every column");
	OK(by(s, STORE_BY_EMAIL, NULL, "e@x").n == 1 &&
		by(s, STORE_BY_LICENSE, NULL, "l").n == 1 &&
		by(s, STORE_BY_BUYER, "gank", "b").n == 1,
	    "by each identifier");
	OK(by(s, STORE_BY_BUYER, "gumroad", "b").n == 0,
	    "a buyer of another platform");
	OK(by(s, STORE_BY_USER, NULL, "U").n == 0 &&
		by(s, STORE_BY_EMAIL, NULL, "E@x").n == 0 &&
		by(s, STORE_BY_LICENSE, NULL, "L").n == 0 &&
		by(s, STORE_BY_BUYER, "gank", "B").n == 0,
	    "case matters");
	OK(by(s, STORE_BY_USER, NULL, "u ").n == 0 &&
		by(s, STORE_BY_USER, NULL, "%").n == 0 &&
		by(s, STORE_BY_USER, NULL, "e@x").n == 0 &&
		by(s, STORE_BY_EMAIL, NULL, "u").n == 0 &&
		by(s, STORE_BY_USER, NULL, "").n == 0,
	    "and every byte");
	struct store_purchase p = purchase("p3", "42", 30);
	put(s, &p);
	p = purchase("p1", "42", 10);
	put(s, &p);
	p = purchase("p2", "42", 10);
	put(s, &p);
	p = purchase("p0", "42", STORE_NULL);
	put(s, &p);
	p = purchase("n1", "042", 10);
	put(s, &p);
	FOUND(by(s, STORE_BY_USER, NULL, "42"), "p1 p2 p3",
	    "a number is a text; what gives nothing is left out");
	p = purchase("p1", "43", 99);
	put(s, &p);
	FOUND(by(s, STORE_BY_USER, NULL, "42"), "p1 p2 p3",
	    "a sale that is there stays");
	OK(store_purchase_drop(s, STR("gank"), STR("p1"), &e) == 0 &&
		store_purchase_drop_sale(s, STR("gank"), STR("p1"), &e) == 0,
	    "dropped on another platform");
	FOUND(by(s, STORE_BY_USER, NULL, "42"), "p1 p2 p3", "none is");
	OK(store_purchase_drop(s, STR("gumroad"), STR("p1"), &e) == 0,
	    "dropped");
	FOUND(by(s, STORE_BY_USER, NULL, "42"), "p2 p3", "that alone");
}

static struct sales
list_sales(struct store *s, struct store_purchase_filter f)
{
	struct sales l = { 0 };
	struct err e = { 0 };
	if (store_purchase_list(s, &f, take_sale, &l, &e) != 0)
		OK(0, "list: %s", e.text);
	return l;
}

static int
take_product(void *arg, const struct store_product *p)
{
	int64_t *seen = arg;
	seen[0]++;
	if (str_eq_z(p->platform, "gank") && str_eq_z(p->product, "membership"))
		seen[1] = p->count;
	if (p->product.p == NULL)
		seen[2] = p->last_sold_at;
	return 0;
}

struct subjects {
	int n;
};

static int
take_subject(void *arg, struct str platform, struct str subject)
{
	struct subjects *all = arg;
	all->n += platform.p != NULL && subject.p != NULL;
	return 0;
}

static void
test_purchase_lists(struct store *s)
{
	test_group("purchase lists");
	struct store_purchase_filter f = { .user_ref = STR("42"), .limit = 9 };
	FOUND(list_sales(s, f), "p0 p3 p2",
	    "newest sale first, with those that give nothing");
	f.limit = 1;
	FOUND(list_sales(s, f), "p0", "one");
	f = (struct store_purchase_filter){ .limit = 9 };
	OK(list_sales(s, f).n == 5, "all: %d", list_sales(s, f).n);
	f.platform = STR("gank");
	FOUND(list_sales(s, f), "full", "of a platform");
	f.email = STR("e@x");
	f.buyer = STR("b");
	f.license = STR("l");
	FOUND(list_sales(s, f), "full", "by all at once");
	f.license = STR("L");
	OK(list_sales(s, f).n == 0, "exactly");
	struct subjects owners = { .n = 0 };
	OK(store_purchase_subjects(s, STORE_BY_USER, STR_NONE, STR("42"), 9,
	       take_subject, &owners, NULL) == 0 &&
		owners.n > 0,
	    "subjects of a user: %d", owners.n);
	owners.n = 0;
	OK(store_purchase_subjects(s, STORE_BY_USER, STR_NONE, STR("4"), 9,
	       take_subject, &owners, NULL) == 0 &&
		owners.n == 0,
	    "of nobody");
	OK(store_purchase_subjects(s, STORE_BY_BUYER, STR("gank"), STR("b"), 9,
	       take_subject, &owners, NULL) == 0 &&
		owners.n == 1,
	    "of a buyer, on that platform");
	owners.n = 0;
	OK(store_purchase_subjects(s, STORE_BY_BUYER, STR("gumroad"), STR("b"),
	       9, take_subject, &owners, NULL) == 0 &&
		owners.n == 0,
	    "and no other");
	OK(store_purchase_subjects(s, STORE_BY_EMAIL, STR_NONE, STR("e@x"), 9,
	       take_subject, &owners, NULL) == 0 &&
		store_purchase_subjects(s, STORE_BY_LICENSE, STR_NONE, STR("l"),
		    9, take_subject, &owners, NULL) == 0 &&
		owners.n == 2,
	    "of an e-mail, of a licence key");
	struct store_carrying carrying;
	OK(store_purchase_carrying(s, &carrying, NULL) == 0 &&
		carrying.all == 5 && carrying.by[STORE_BY_USER] > 0 &&
		carrying.by[STORE_BY_BUYER] == 1,
	    "how many carry what");
	int64_t seen[3] = { 0 };
	OK(store_products(s, take_product, seen, NULL) == 0 && seen[0] == 2 &&
		seen[1] == 1 && seen[2] == 30,
	    "products");
}

static int
take_subscription(void *arg, const struct store_subscription *p)
{
	int *n = arg;
	++*n;
	if (str_eq_z(p->subscription, "SUB"))
		OK(str_eq_z(p->platform, "gumroad") &&
			str_eq_z(p->product, "app") &&
			str_eq_z(p->tier, "pro") &&
			str_eq_z(p->status, "cancelled") && p->since == 1 &&
			p->paid_until == 2 && p->cancelled_at == 3 &&
			p->ended_at == STORE_NULL &&
			p->ended_reason.p == NULL &&
			str_eq_z(p->next_tier, "basic") &&
			p->next_tier_at == 4 && str_eq_z(p->subject, "sub:1"),
		    "every column");
	return 0;
}

static void
test_subscriptions(struct store *s)
{
	struct err e = { 0 };
	int n = 0;
	test_group("subscriptions");
	struct store_subscription sub = { .platform = STR("gumroad"),
		.subscription = STR("SUB"),
		.product = STR("app"),
		.tier = STR("pro"),
		.status = STR("cancelled"),
		.since = 1,
		.paid_until = 2,
		.cancelled_at = 3,
		.ended_at = STORE_NULL,
		.next_tier = STR("basic"),
		.next_tier_at = 4,
		.subject = STR("sub:1") };
	OK(store_subscription_put(s, &sub, &e) == 0, "put %s", e.text);
	sub.subscription = STR("sub");
	sub.subject = STR("sub:2");
	OK(store_subscription_put(s, &sub, &e) == 0, "another %s", e.text);
	sub.subscription = STR("bad");
	sub.status = STR("asleep");
	OK(store_subscription_put(s, &sub, &e) != 0 && e.code == ERR_CONFLICT,
	    "no other status");
	OK(store_subscription_list(s, 9, take_subscription, &n, &e) == 0 &&
		n == 2,
	    "listed");
	n = 0;
	OK(store_subscription_list(s, 1, take_subscription, &n, &e) == 0 &&
		n == 1,
	    "one");
	n = 0;
	OK(store_subscription_of_subject(s, STR("gumroad"), STR("sub:1"),
	       take_subscription, &n, &e) == 0 &&
		n == 1 &&
		store_subscription_of_subject(s, STR("gank"), STR("sub:1"),
		    take_subscription, &n, &e) == 0 &&
		n == 1,
	    "a subject's");
	OK(store_subscription_drop(s, STR("gumroad"), STR("sub:1"), &e) == 0,
	    "dropped");
	n = 0;
	OK(store_subscription_list(s, 9, take_subscription, &n, &e) == 0 &&
		n == 1,
	    "that alone");
}

static void
test_small(struct store *s)
{
	struct err e = { 0 };
	int64_t change = 7, from = 7;
	int same = 7, made = 7;
	test_group("tiers, changes, meta");
	OK(store_tier_put(s, STR("pro"), 10, STR("a,b"), &e) == 0, "tier");
	OK(store_tier_put(s, STR("pro"), 11, STR(""), &e) != 0 &&
		e.code == ERR_CONFLICT,
	    "once only");
	OK(store_tier_drop_all(s, &e) == 0 &&
		store_tier_put(s, STR("pro"), 11, STR(""), &e) == 0,
	    "again");
	for (int k = STORE_BY_USER; k <= STORE_BY_LICENSE; k++)
		OK(store_change_last_of(s, (enum store_by)k, STR("x"), &change,
		       &from, &e) == 0 &&
			change == 0 && from == -1,
		    "no change yet");
	OK(store_meta_is(s, STR("t"), STR("v"), &same, &e) == 0 && !same,
	    "not there");
	OK(store_meta_put(s, STR("t"), STR("v"), &e) == 0 &&
		store_meta_is(s, STR("t"), STR("v"), &same, &e) == 0 && same,
	    "there");
	OK(store_meta_put(s, STR("t"), STR("w"), &e) == 0 &&
		store_meta_is(s, STR("t"), STR("v"), &same, &e) == 0 && !same,
	    "replaced");
	OK(store_alive(s, &e) == 0, "alive");
	OK(store_integrity(s, &e) == 0, "whole");
	OK(store_migrate(s, &made, &e) == 0 && made == 0,
	    "migrating again makes nothing");
}

static void
test_transactions(struct store *s)
{
	struct err e = { 0 };
	struct held h;
	test_group("transactions");
	int before = count_events(s);
	struct store_event row = event("gumroad", "t1", "t");
	OK(store_begin(s, &e) == 0, "begin");
	add(s, &row, STORE_NEW);
	store_rollback(s);
	OK(count_events(s) == before, "rolled back");
	store_rollback(s);
	OK(store_begin(s, &e) == 0, "begin");
	int64_t kept = add(s, &row, STORE_NEW);
	OK(store_savepoint(s, &e) == 0, "savepoint");
	row.delivery = STR("t2");
	add(s, &row, STORE_NEW);
	OK(store_event_status(s, kept, STR("wrong"), STR_NONE, &e) != 0 &&
		e.code == ERR_CONFLICT,
	    "a row that cannot be");
	OK(store_rollback_to(s, &e) == 0 && store_release(s, &e) == 0,
	    "back to it");
	OK(store_event_status(s, kept, STR("kept"), STR("why"), &e) == 0,
	    "the transaction goes on");
	OK(store_savepoint(s, &e) == 0, "a second one");
	row.delivery = STR("t3");
	add(s, &row, STORE_NEW);
	OK(store_release(s, &e) == 0 && store_commit(s, &e) == 0, "commit");
	OK(count_events(s) == before + 2, "first and third are there");
	IS(get(s, kept, &h).status, "kept", "and the status");
	OK(store_commit(s, &e) != 0, "nothing to commit: an error");
}

static void
test_two(struct store *s)
{
	struct err e = { 0 };
	test_group("two connections");
	struct store *reader = open_store(STORE_READ);
	struct store *second = open_store(STORE_WRITE);
	if (reader == NULL || second == NULL)
		return;
	int before = count_events(reader);
	struct store_event row = event("gumroad", "w1", "w");
	OK(store_begin(s, &e) == 0, "begin");
	add(s, &row, STORE_NEW);
	int64_t began = time_ticks();
	OK(count_events(reader) == before, "not yet committed: not seen");
	OK(store_alive(reader, &e) == 0 && time_ticks() - began < 200,
	    "and never waits");
	store_patience(second, 300);
	began = time_ticks();
	OK(store_begin(second, &e) != 0 && e.code == ERR_BUSY,
	    "a second writer is told");
	int64_t took = time_ticks() - began;
	OK(took >= 250 && took < 1500, "in its patience: %lld ms",
	    (long long)took);
	OK(store_commit(s, &e) == 0 && count_events(reader) == before + 1,
	    "committed: seen at once");
	OK(store_begin(second, &e) == 0, "and the second may write");
	row.delivery = STR("w2");
	add(second, &row, STORE_NEW);
	OK(store_begin_read(reader, &e) == 0 &&
		count_events(reader) == before + 1,
	    "a snapshot");
	OK(store_commit(second, &e) == 0 && count_events(reader) == before + 1,
	    "stays as it was");
	OK(store_commit(reader, &e) == 0 && count_events(reader) == before + 2,
	    "until it ends");
	row.delivery = STR("w3");
	int64_t id;
	enum store_added added;
	OK(store_event_add(reader, &row, &id, &added, &e) != 0 &&
		e.code == ERR_DB,
	    "a reader cannot write");
	store_close(reader);
	store_close(second);
}

static void
test_newer(struct store *s)
{
	struct err e = { 0 };
	struct store *other = NULL;
	test_group("a newer version");
	OK(store_meta_put(s, STR("log_version"), STR("999"), &e) == 0,
	    "made newer");
	for (int m = STORE_READ; m <= STORE_CREATE; m++)
		OK(store_open(where, (enum store_mode)m, &other, &e) != 0 &&
			e.code == ERR_CONFIG,
		    "refused: %s", e.text);
	OK(store_meta_put(s, STR("log_version"), STR("5"), &e) == 0,
	    "as it was");
	store_close(open_store(STORE_WRITE));
}

/* Of another version, older or newer: made and filled again. */
static void
test_other_state(struct store *s)
{
	static const char *const versions[] = { "0", "999" };
	test_group("state tables of another version");
	for (size_t i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct store *other = NULL;
		int events = count_events(s), same = 0;
		OK(store_meta_put(s, STR("state_version"),
		       str_from(versions[i]), &e) == 0 &&
			store_meta_put(
			    s, STR("state_digest"), STR("old"), &e) == 0,
		    "version %s", versions[i]);
		for (int m = STORE_READ; m <= STORE_WRITE; m++)
			OK(store_open(where, (enum store_mode)m, &other, &e) !=
				    0 &&
				e.code == ERR_ABSENT,
			    "not for a reader: %s", e.text);
		store_close(open_store(STORE_CREATE));
		OK(count_events(s) == events, "the log is untouched");
		OK(store_meta_is(s, STR("state_digest"), STR(""), &same, &e) ==
			    0 &&
			same,
		    "to be filled again");
	}
	store_close(open_store(STORE_WRITE));
}

static void
test_backup(struct store *s)
{
	struct err e = { 0 };
	struct stat st;
	char target[64];
	test_group("backup");
	snprintf(target, sizeof(target), "%s/copy.db", folder);
	int n = count_events(s);
	struct store *writer = open_store(STORE_WRITE);
	struct store_event row = event("gumroad", "meanwhile", "b");
	OK(store_begin(writer, &e) == 0, "while another writes");
	add(writer, &row, STORE_NEW);
	OK(store_backup(s, target, &e) == 0, "made: %s", e.text);
	store_rollback(writer);
	store_close(writer);
	OK(stat(target, &st) == 0, "there");
	OK((st.st_mode & 077) == 0, "for its owner alone");
	struct store *copy = NULL;
	OK(store_open(target, STORE_WRITE, &copy, &e) == 0 &&
		count_events(copy) == n && store_integrity(copy, &e) == 0,
	    "whole: %s", e.text);
	store_close(copy);
	OK(store_backup(s, target, &e) != 0 && e.code == ERR_INPUT,
	    "one that is there is not overwritten");
	snprintf(target, sizeof(target), "%s/no/copy.db", folder);
	OK(store_backup(s, target, &e) != 0, "no such folder: %s", e.text);
	OK(stat(target, &st) != 0, "nothing is left");
}

static void
test_open(void)
{
	struct err e = { 0 };
	struct store *s = NULL;
	char path[64];
	test_group("open");
	snprintf(path, sizeof(path), "%s/none.db", folder);
	OK(store_open(path, STORE_READ, &s, &e) != 0 && e.code == ERR_ABSENT,
	    "reading what is not there");
	OK(store_open(path, STORE_WRITE, &s, &e) != 0 && e.code == ERR_ABSENT,
	    "writing: %s", e.text);
	OK(access(path, F_OK) != 0, "it is not made");
	FILE *f = fopen(path, "w");
	if (f != NULL)
		fclose(f);
	OK(store_open(path, STORE_READ, &s, &e) != 0 && e.code == ERR_ABSENT,
	    "a file without tables");
	f = fopen(path, "w");
	for (int i = 0; f != NULL && i < 1000; i++)
		fputs("this is not a database\n", f);
	if (f != NULL)
		fclose(f);
	OK(store_open(path, STORE_CREATE, &s, &e) != 0 && e.code == ERR_DB,
	    "something else: %s", e.text);
	snprintf(path, sizeof(path), "%s/private.db", folder);
	struct stat st;
	OK(store_open(path, STORE_CREATE, &s, &e) == 0 &&
		stat(path, &st) == 0 && (st.st_mode & 077) == 0,
	    "a new one is its owner's alone");
	store_close(s);
	OK(store_open("mysql://x/y", STORE_READ, &s, &e) != 0 &&
		e.code == ERR_CONFIG,
	    "not built in: %s", e.text);
	store_close(NULL);
}

/* Several processes make the same database at once. */
static void
test_race(void)
{
	test_group("made by several at once");
	for (int round = 0; round < ROUNDS; round++) {
		pid_t children[PROCESSES];
		int failed = 0, go[2];
		snprintf(where, sizeof(where), "%s/race%d.db", folder, round);
		fflush(stdout);
		if (pipe(go) != 0)
			return;
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (children[i] != 0)
				continue;
			struct store *s = NULL;
			struct err e = { 0 };
			char c;
			close(go[1]);
			if (read(go[0], &c, 1) < 0)
				_exit(9);
			int rc = store_open(where, STORE_CREATE, &s, &e);
			if (rc != 0)
				fprintf(stderr, "# %s\n", e.text);
			store_close(s);
			_exit(rc == 0 ? 0 : 1);
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < PROCESSES; i++) {
			int status = 0;
			waitpid(children[i], &status, 0);
			failed += status != 0;
		}
		OK(failed < PROCESSES, "one of them at least");
		OK(failed == 0, "all of them");
		store_close(open_store(STORE_WRITE));
	}
}

static void
test_all(void)
{
	test_group("create");
	struct store *s = open_store(STORE_CREATE);
	if (s == NULL)
		return;
	test_event(s);
	test_dedupe(s);
	test_bodies(s);
	test_subjects(s);
	test_lists(s);
	test_watch(s);
	test_outbox(s);
	test_outbox_heads(s);
	test_purchases(s);
	test_purchase_lists(s);
	test_subscriptions(s);
	test_small(s);
	test_truth(s, where);
	test_transactions(s);
	test_two(s);
	test_newer(s);
	test_other_state(s);
	if (is_file)
		test_backup(s);
	store_close(s);
	test_group("opened again");
	s = open_store(STORE_READ);
	OK(s != NULL && count_events(s) > MANY, "all is there");
	store_close(s);
}

int
main(int argc, char **argv)
{
	const char *given = argc > 1 ? argv[1] : getenv("TEST_DATABASE");
	char command[64];
	if (mkdtemp(folder) == NULL)
		return 1;
	is_file = given == NULL || strstr(given, "://") == NULL;
	snprintf(where, sizeof(where), "%s%s", given != NULL ? given : folder,
	    given != NULL ? "" : "/test.db");
	test_all();
	if (is_file) {
		test_open();
		test_race();
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
	return test_end();
}

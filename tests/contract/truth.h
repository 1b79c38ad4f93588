#ifndef CONTRACT_TRUTH_H
#define CONTRACT_TRUTH_H

/* Of t_store.c: what was read from the platforms, and leases. */

#include "tests/unit/test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/truth.h"

enum { LEASE_PROCESSES = 8 };

static inline int
show_reading(void *arg, const struct store_reading *r)
{
	snprintf(arg, 200, "%.*s %.*s %lld %lld %.*s %.*s %lld %lld %lld %.*s",
	    STR_ARG(r->platform), STR_ARG(r->kind), (long long)r->began_at,
	    r->ended_at == STORE_NULL ? -1LL : (long long)r->ended_at,
	    STR_ARG(r->from_day), STR_ARG(r->to_day), (long long)r->read,
	    (long long)r->found, (long long)r->repaired, STR_ARG(r->error));
	return 0;
}

static inline int
show_counts(void *arg, const struct store_reading_count *c)
{
	char *to = arg;
	snprintf(to + strlen(to), 100,
	    "%.*s %.*s %lld %lld %lld %lld %lld %lld;", STR_ARG(c->platform),
	    STR_ARG(c->kind), (long long)c->passes, (long long)c->failed,
	    (long long)c->read, (long long)c->found, (long long)c->repaired,
	    c->whole_at == STORE_NULL ? -1LL : (long long)c->whole_at);
	return 0;
}

static inline void
test_readings(struct store *s)
{
	char said[400] = "";
	struct err e = { 0 };
	struct store_reading r = { .platform = STR("gumroad"),
		.kind = STR("sales"),
		.began_at = 100,
		.from_day = STR("2026-11-01"),
		.to_day = STR("2026-11-04") };
	test_group("readings");
	OK(store_reading_newest(
	       s, r.platform, r.kind, 0, show_reading, said, &e) == 0 &&
		said[0] == '\0',
	    "none yet");
	OK(store_reading_add(s, &r, &r.id, &e) == 0 && r.id > 0, "begun %s",
	    e.text);
	OK(store_reading_newest(
	       s, r.platform, r.kind, 0, show_reading, said, &e) == 0,
	    "newest %s", e.text);
	IS(str_from(said), "gumroad sales 100 -1 2026-11-01 2026-11-04 0 0 0 ",
	    "as it was begun");
	r.ended_at = 160;
	r.read = 12;
	r.found = 3;
	r.repaired = 2;
	OK(store_reading_update(s, &r, &e) == 0, "ended %s", e.text);
	r.began_at = 200;
	OK(store_reading_add(s, &r, &r.id, &e) == 0, "another");
	r.ended_at = 201;
	r.read = 1;
	r.found = r.repaired = 0;
	r.from_day = r.to_day = STR_NONE;
	r.error = STR("the token is dead");
	OK(store_reading_update(s, &r, &e) == 0, "that fails");
	OK(store_reading_newest(
	       s, r.platform, r.kind, 0, show_reading, said, &e) == 0,
	    "newest");
	IS(str_from(said), "gumroad sales 200 201   1 0 0 the token is dead",
	    "the one that failed");
	OK(store_reading_newest(
	       s, r.platform, r.kind, 1, show_reading, said, &e) == 0,
	    "whole");
	IS(str_from(said),
	    "gumroad sales 100 160 2026-11-01 2026-11-04 12 3 2 ",
	    "the one before");
	OK(store_reading_list(
	       s, STR_NONE, STR_NONE, 9, show_reading, said, &e) == 0,
	    "list");
	IS(str_from(said),
	    "gumroad sales 100 160 2026-11-01 2026-11-04 12 3 2 ",
	    "the oldest last");
	said[0] = '\0';
	OK(store_reading_counts(s, show_counts, said, &e) == 0, "counts %s",
	    e.text);
	IS(str_from(said), "gumroad sales 2 1 13 3 2 160;", "sums");
}

static inline int
show_drift(void *arg, const struct store_drift *d)
{
	char *to = arg;
	snprintf(to + strlen(to), 100, "%.*s/%.*s %.*s %.*s>%.*s %lld;",
	    STR_ARG(d->sale), STR_ARG(d->subscription), STR_ARG(d->what),
	    STR_ARG(d->had), STR_ARG(d->has),
	    d->event == STORE_NULL ? -1LL : (long long)d->event);
	return 0;
}

static inline int
show_drift_count(
    void *arg, struct str platform, struct str what, int64_t count, int64_t at)
{
	char *to = arg;
	snprintf(to + strlen(to), 100, "%.*s %.*s %lld %lld;",
	    STR_ARG(platform), STR_ARG(what), (long long)count, (long long)at);
	return 0;
}

static inline void
test_drift(struct store *s)
{
	char said[800] = "";
	struct err e = { 0 };
	struct store_drift d = { .at = 500,
		.platform = STR("gumroad"),
		.sale = STR("S1"),
		.what = STR("email"),
		.had = STR("a@b.c"),
		.has = STR("d@e.f"),
		.event = 7 };
	test_group("drift");
	OK(store_drift_add(s, &d, &e) == 0, "added %s", e.text);
	d.sale = STR("S2");
	d.at = 501;
	OK(store_drift_add(s, &d, &e) == 0, "added");
	d = (struct store_drift){ .at = 502,
		.platform = STR("gumroad"),
		.subscription = STR("U1"),
		.what = STR("ended"),
		.has = STR("now"),
		.event = STORE_NULL };
	OK(store_drift_add(s, &d, &e) == 0, "added");
	OK(store_drift_list(
	       s, STR("gumroad"), STORE_NULL, 9, show_drift, said, &e) == 0,
	    "list %s", e.text);
	IS(str_from(said),
	    "/U1 ended >now -1;S2/ email a@b.c>d@e.f 7;"
	    "S1/ email a@b.c>d@e.f 7;",
	    "newest first");
	said[0] = '\0';
	OK(store_drift_counts(s, show_drift_count, said, &e) == 0, "counts");
	IS(str_from(said), "gumroad email 2 501;gumroad ended 1 502;", "sums");
	said[0] = '\0';
	OK(store_drift_forget_sale(s, STR("gumroad"), STR("S1"), &e) == 0 &&
		store_drift_list(
		    s, STR_NONE, STORE_NULL, 9, show_drift, said, &e) == 0,
	    "forgotten");
	IS(str_from(said),
	    "/U1 ended >now -1;S2/ email a@b.c>d@e.f 7;S1/ email > 7;",
	    "of a sale");
	said[0] = '\0';
	OK(store_drift_forget(s, STR("d@e.f"), &e) == 0 &&
		store_drift_list(
		    s, STR_NONE, STORE_NULL, 9, show_drift, said, &e) == 0,
	    "forgotten");
	IS(str_from(said), "/U1 ended >now -1;S2/ email > 7;S1/ email > 7;",
	    "by the address");
}

static inline int
take_key(void *arg, const struct store_event *ev)
{
	snprintf(arg, 80, "%.*s %lld %lld", STR_ARG(ev->delivery),
	    (long long)ev->last_seen_at, (long long)ev->seen);
	return 0;
}

static inline int
take_erased(void *arg, struct str what)
{
	char *to = arg;
	snprintf(to + strlen(to), 40, "%.*s;", STR_ARG(what));
	return 0;
}

static inline void
test_reading_events(struct store *s)
{
	char said[80] = "";
	struct err e = { 0 };
	enum store_added added;
	int other = 7;
	int64_t a = 0, b = 0;
	struct store_event row = { .platform = STR("gumroad"),
		.kind = STR("readback"),
		.delivery = STR("00aaff11"),
		.subject = STR("sale:R1"),
		.sent_at = 900,
		.received_at = 902,
		.body = STR("{}"),
		.status = STR("applied") };
	test_group("readings as events");
	int64_t before = 0, above = 0;
	OK(store_event_max(s, &before, &e) == 0, "max");
	OK(store_event_add(s, &row, &a, &added, &e) == 0, "one");
	row.delivery = STR("00aaff22");
	OK(store_event_add(s, &row, &b, &added, &e) == 0, "two");
	OK(store_event_seen(s, a, 950, 1, &e) == 0 &&
		store_event_seen(s, b, 940, 0, &e) == 0,
	    "seen %s", e.text);
	OK(store_event_reading(
	       s, row.platform, STR("00aa"), take_key, said, &e) == 0,
	    "found %s", e.text);
	IS(str_from(said), "00aaff11 950 2", "the one seen last");
	said[0] = '\0';
	OK(store_event_reading(
	       s, row.platform, STR("00ab"), take_key, said, &e) == 0 &&
		store_event_reading(
		    s, STR("gank"), STR("00aa"), take_key, said, &e) == 0,
	    "another object's");
	IS(str_from(said), "", "none");
	OK(store_event_count_after(s, before, &above, &e) == 0 && above == 0,
	    "readings are not counted");
	said[0] = '\0';
	OK(store_erased_list(
	       s, row.platform, STR("d1"), take_erased, said, &e) == 0,
	    "not erased");
	IS(str_from(said), "", "none");
	OK(store_erased_add(s, row.platform, STR("d1"), 5, &e) == 0 &&
		store_erased_add(s, row.platform, STR("d1"), 6, &e) == 0 &&
		store_erased_add(s, row.platform, STR("d1:a"), 6, &e) == 0 &&
		store_erased_add(s, row.platform, STR("d2"), 6, &e) == 0 &&
		store_erased_list(
		    s, row.platform, STR("d1"), take_erased, said, &e) == 0,
	    "erased, and again %s", e.text);
	IS(str_from(said), "d1;d1:a;", "those of a sale");
	row.id = a;
	OK(store_event_since(s, &row, 900, &other, &e) == 0 && other == 1,
	    "another was sent then %s", e.text);
	OK(store_event_since(s, &row, 901, &other, &e) == 0 && other == 0,
	    "none later");
}

static inline int
take_due(void *arg, const struct store_outbox *row)
{
	char *to = arg;
	snprintf(to + strlen(to), 100, "%.*s %.*s %lld;", STR_ARG(row->dedupe),
	    STR_ARG(row->state), (long long)row->due_at);
	return 0;
}

static inline void
test_awaits(struct store *s)
{
	static const struct {
		const char *dedupe, *awaits;
	} rows[] = { { "w1", "gumroad/S1" }, { "w2", "gumroad/S2" },
		{ "w3", "gumroad/S3" }, { "w4", NULL } };
	char said[800] = "";
	struct err e = { 0 };
	int64_t n = 0;
	test_group("follow-ups that wait");
	for (size_t i = 0; i < 4; i++) {
		const struct store_outbox row = { .kind = STR("mail"),
			.target = STR("awaiting"),
			.payload = STR("{\"a\":1}"),
			.dedupe = str_from(rows[i].dedupe),
			.event = STORE_NULL,
			.awaits = str_from(rows[i].awaits),
			.due_at = 9000 + (int64_t)i,
			.added_at = 1000 + (int64_t)i };
		OK(store_outbox_add(s, &row, &e) == 0, "added %s", e.text);
	}
	OK(store_outbox_confirmed(s, STR("gumroad/S1"), &e) == 0 &&
		store_outbox_unknown(s, STR("gumroad/S2"), 2000, &e) == 0,
	    "confirmed and unknown %s", e.text);
	OK(store_outbox_unasked(s, 1001, &n, &e) == 0 && n == 0, "none so old");
	OK(store_outbox_unasked(s, 1002, &n, &e) == 0 && n == 1 &&
		store_outbox_let_go(s, 1002, &e) == 0 &&
		store_outbox_unasked(s, 1002, &n, &e) == 0 && n == 0,
	    "let go %s", e.text);
	OK(store_outbox_list(
	       s, STR_NONE, STR("awaiting"), 9, take_due, said, &e) == 0,
	    "list");
	IS(str_from(said),
	    "w4 waiting 9003;w3 waiting 1002;w2 dropped 9001;w1 waiting 1000;",
	    "due and dropped");
}

static inline int
say_sale(void *arg, const struct store_purchase *p)
{
	char *to = arg;
	snprintf(to + strlen(to), 100, "%.*s;", STR_ARG(p->sale));
	return 0;
}

static inline int
say_person(void *arg, const struct store_change *c)
{
	char *to = arg;
	snprintf(to + strlen(to), 100, "%.*s %.*s %.*s %.*s;",
	    STR_ARG(c->user_ref), STR_ARG(c->email), STR_ARG(c->buyer),
	    STR_ARG(c->license));
	return 0;
}

static inline void
waiting(struct store *s, const char *sale, int64_t sold_at, int64_t since,
    int64_t confirmed_at)
{
	struct err e = { 0 };
	const struct store_purchase row = { .platform = STR("gumroad"),
		.sale = str_from(sale),
		.subject = STR("sale:waits"),
		.user_ref = STR("wu"),
		.email = STR("w@example.org"),
		.buyer = STR("77"),
		.license = STR("WL"),
		.sold_at = sold_at,
		.since = since,
		.confirmed_at = confirmed_at,
		.price = STORE_NULL,
		.quantity = STORE_NULL,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.refunded_amount = STORE_NULL,
		.revoked_at = STORE_NULL,
		.paid_until = STORE_NULL,
		.until = STORE_NULL };
	OK(store_purchase_put(s, &row, &e) == 0, "%s %s", sale, e.text);
}

static inline void
test_waiting(struct store *s)
{
	static const char *const ids[] = { "wu", "w@example.org", "77", "WL" };
	struct err e = { 0 };
	struct store_event ev = { .platform = STR("gumroad"),
		.kind = STR("sale"),
		.delivery = STR("waits"),
		.subject = STR("sale:waits"),
		.sent_at = STORE_NULL,
		.received_at = 1000,
		.body = STR("a=1"),
		.status = STR("applied") };
	char said[400] = "";
	int64_t before, id;
	enum store_added added;
	test_group("sales that wait");
	waiting(s, "w1", 100, STORE_NULL, STORE_NULL);
	waiting(s, "w2", 101, STORE_NULL, STORE_NULL);
	waiting(s, "w3", 102, STORE_NULL, STORE_NULL);
	waiting(s, "w4", 103, STORE_NULL, 104);
	waiting(s, "w5", 104, 104, STORE_NULL);
	for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++) {
		said[0] = '\0';
		OK(store_purchase_waiting(s, (enum store_by)by, STR("gumroad"),
		       str_from(ids[by]), 100, 9, say_sale, said, &e) == 0,
		    "by %s %s", access_words[by], e.text);
		IS(str_from(said), "w3;w2;", "the newest first");
	}
	said[0] = '\0';
	OK(store_purchase_waiting(s, STORE_BY_USER, STR_NONE, STR("wu"), 0, 1,
	       say_sale, said, &e) == 0,
	    "one %s", e.text);
	IS(str_from(said), "w3;", "of three");
	said[0] = '\0';
	OK(store_event_max(s, &before, &e) == 0 &&
		store_event_add(s, &ev, &id, &added, &e) == 0 &&
		store_purchase_waiting_after(
		    s, before, 2, say_person, said, &e) == 0,
	    "whose %s", e.text);
	IS(str_from(said),
	    "wu w@example.org gumroad:77 WL;wu w@example.org gumroad:77 WL;",
	    "of the events since then");
	OK(store_purchase_drop(s, STR("gumroad"), STR("sale:waits"), &e) == 0,
	    "dropped %s", e.text);
}

static inline int
lease(struct store *s, const char *holder, int64_t seconds)
{
	struct err e = { 0 };
	int taken = -1;
	if (store_lease_take(
		s, STR("gumroad"), str_from(holder), seconds, &taken, &e) != 0)
		printf("# %s\n", e.text);
	return taken;
}

static inline void
test_lease(struct store *s)
{
	struct err e = { 0 };
	test_group("lease");
	OK(lease(s, "one", 60) == 1, "taken");
	OK(lease(s, "two", 60) == 0, "by one alone");
	OK(lease(s, "one", 60) == 1, "renewed");
	OK(store_lease_release(s, STR("gumroad"), STR("two"), &e) == 0 &&
		lease(s, "two", 60) == 0,
	    "released by its holder alone %s", e.text);
	OK(store_lease_release(s, STR("gumroad"), STR("one"), &e) == 0 &&
		lease(s, "two", 1) == 1,
	    "released");
	OK(lease(s, "one", 60) == 0, "the other's for a second");
	sleep(2);
	OK(lease(s, "one", 60) == 1, "then it has run out");
	OK(lease(s, "two", 60) == 0, "and is one's");
	OK(store_lease_release(s, STR("gumroad"), STR("one"), &e) == 0,
	    "given back");
}

/* Many at once: one gets it, each time. */
static inline void
test_lease_race(const char *where)
{
	test_group("lease race");
	for (int round = 0; round < 5; round++) {
		pid_t children[LEASE_PROCESSES];
		int go[2], won = 0, failed = 0;
		if (pipe(go) != 0)
			return;
		fflush(stdout);
		for (int i = 0; i < LEASE_PROCESSES; i++) {
			children[i] = fork();
			if (children[i] != 0)
				continue;
			struct store *s = NULL;
			struct err e = { 0 };
			char c, holder[16], name[16];
			int taken = 0;
			close(go[1]);
			snprintf(holder, sizeof(holder), "h%d", i);
			snprintf(name, sizeof(name), "race%d", round);
			int rc = store_open(where, STORE_WRITE, &s, &e);
			if (read(go[0], &c, 1) < 0)
				rc = -1;
			if (rc == 0)
				rc = store_lease_take(s, str_from(name),
				    str_from(holder), 60, &taken, &e);
			if (rc != 0)
				fprintf(stderr, "# %s\n", e.text);
			store_close(s);
			_exit(rc != 0 ? 9 : taken);
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < LEASE_PROCESSES; i++) {
			int status = 0;
			waitpid(children[i], &status, 0);
			won += WIFEXITED(status) && WEXITSTATUS(status) == 1;
			failed += !WIFEXITED(status) || WEXITSTATUS(status) > 1;
		}
		OK(won == 1 && failed == 0, "%d of %d have it, %d failed", won,
		    LEASE_PROCESSES, failed);
	}
}

static inline void
test_truth(struct store *s, const char *where)
{
	test_readings(s);
	test_drift(s);
	test_reading_events(s);
	test_awaits(s);
	test_waiting(s);
	test_lease(s);
	test_lease_race(where);
}

#endif

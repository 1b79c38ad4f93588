/* The way of a reading into the database, and what follows from it. */

#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/time.h"
#include "commit/commit.h"
#include "commit/heard.h"
#include "commit/intake.h"
#include "commit/reading.h"
#include "commit/rebuild.h"
#include "explain/explain.h"
#include "follow/outbox.h"
#include "follow/rate.h"
#include "person/erase.h"
#include "store/truth.h"

#define ADDRESS "ann.planted@example.org"

enum { DAY = 86400, NOW = 1770000000 }; /* 2026-02-02T02:40:00Z */

static char folder[] = "/tmp/t_reading.XXXXXX";
static char database[64];
static struct config config;
static struct store *store;
static struct arena *arena;

static const struct tier_grant pro_grants[] = {
	{ STR("gumroad"), STR("app"), STR("Pro") },
};
static const struct tier_grant basic_grants[] = {
	{ STR("gumroad"), STR("app"), STR("Basic") },
};
static const struct tier tiers[] = {
	{ .name = { "pro", 3 },
	    .rank = 10,
	    .grants = pro_grants,
	    .n_grants = 1 },
	{ .name = { "basic", 5 },
	    .rank = 5,
	    .grants = basic_grants,
	    .n_grants = 1 },
};

static const struct action actions[] = {
	{ .kind = ACTION_MAIL, .name = { "letter", 6 } },
	{ .kind = ACTION_HTTP, .name = { "hook", 4 } },
	{ .kind = ACTION_FORWARD, .name = { "other", 5 } },
};
static const struct rule rule = { .events = 1U << RULE_PURCHASE |
	    1U << RULE_RENEWAL | 1U << RULE_REFUNDED |
	    1U << RULE_PARTIAL_REFUND | 1U << RULE_DISPUTED |
	    1U << RULE_CANCELLED | 1U << RULE_ENDED | 1U << RULE_DELIVERY |
	    1U << RULE_TIER_CHANGED,
	.actions = actions,
	.n_actions = 2 };

/* ---- the database -------------------------------------------------------- */

static void
begin(const char *name)
{
	static int n;
	struct err e = { 0 };
	test_group(name);
	snprintf(database, sizeof(database), "%s/%d.db", folder, ++n);
	config = (struct config){ .database = database };
	config.platforms[0].reference = STR("user_id");
	config.rules.tiers = tiers;
	config.rules.n_tiers = 2;
	arena = arena_new(256 * 1024 * 1024);
	OK(store_open(database, STORE_CREATE, &store, &e) == 0, "open %s",
	    e.text);
}

static void
follow(void)
{
	config.follow_ups.v = &rule;
	config.follow_ups.n = 1;
	config.follow_ups.alert_mail = STR("owner@example.org");
}

static void
end(void)
{
	store_close(store);
	arena_free(arena);
}

/* Rows, "|" between columns and ";" between rows. */
static struct str
rows_of(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	struct buf b;
	buf_init(&b, 65536);
	buf_addz(&b, "");
	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		buf_addz(&b, sqlite3_errmsg(db));
	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *text =
			    (const char *)sqlite3_column_text(stmt, i);
			buf_addf(&b, "%s%s", i > 0 ? "|" : "",
			    text == NULL ? "-" : text);
		}
		buf_addc(&b, ';');
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	struct str s = { arena_dup(arena, b.n > 0 ? b.p : "", b.n), b.n };
	buf_free(&b);
	return s;
}

#define ROWS(sql, want, what) IS(rows_of(sql), want, what)

/* ---- what comes ---------------------------------------------------------- */

/* A sale as the API tells it; more: further keys, which replace. */
static struct reading
sale(const char *id, int64_t sold_at, int64_t asked_at, const char *more)
{
	char sold[TIME_TEXT_MAX];
	struct json_error_t why;
	time_text(sold_at, sold);
	json_t *o =
	    json_pack("{ss ss ss ss ss si sb ss sb sb sb so ss si ss sb}", "id",
		id, "created_at", sold, "product_id", "P1==", "product_name",
		"App", "product_permalink", "app", "price", 900, "refunded", 0,
		"amount_refundable_in_currency", "9", "partially_refunded", 0,
		"disputed", 0, "dispute_won", 0, "variants",
		json_pack("{ss}", "Tier", "Pro"), "purchase_email", ADDRESS,
		"quantity", 1, "currency", "usd", "listed", 1);
	json_t *changes = json_loads(more[0] == '\0' ? "{}" : more, 0, &why);
	OK(o != NULL && changes != NULL && json_object_update(o, changes) == 0,
	    "made %s", more);
	char *text = json_dumps(o, JSON_COMPACT);
	struct reading r = { .platform = &platform_gumroad,
		.kind = STR(PLATFORM_READBACK),
		.verified_by = STR("0123456789ab"),
		.requested_at = asked_at,
		.at = asked_at + 2 };
	r.body =
	    (struct str){ arena_dup(arena, text, strlen(text)), strlen(text) };
	free(text);
	json_decref(o);
	json_decref(changes);
	return r;
}

static struct reading
member(const char *status, const char *cancelled_at, int64_t asked_at)
{
	struct reading r = sale("x", NOW, asked_at, "");
	r.kind = STR(PLATFORM_SUBSCRIBER);
	r.body = str_from(arena_printf(arena,
	    "{\"id\":\"U1==\",\"recurrence\":\"monthly\",\"status\":\"%s\","
	    "\"cancelled_at\":%s}",
	    status, cancelled_at));
	return r;
}

static struct reading
absent(const char *id, int64_t asked_at)
{
	struct reading r = sale("x", NOW, asked_at, "");
	r.kind = STR(PLATFORM_ABSENT);
	r.body = str_from(arena_printf(arena, "{\"id\":\"%s\"}", id));
	return r;
}

static struct reading_result
put(const struct reading *r)
{
	struct reading_result out = { 0 };
	struct err e = { 0 };
	if (reading_put(store, &config, r, 1, 0, arena, &out, &e) != 0)
		OK(0, "put: %s", e.text);
	return out;
}

/* "refunded:->2026…; " for each. */
static struct str
drift_of(const struct reading_result *out)
{
	struct buf b;
	buf_init(&b, 4096);
	for (size_t i = 0; i < out->n_drift; i++) {
		const struct reading_drift *d = &out->drift[i];
		buf_addf(&b, "%s:%.*s>%.*s;", d->what,
		    d->had.p == NULL ? 1 : (int)d->had.n,
		    d->had.p == NULL ? "-" : d->had.p,
		    d->has.p == NULL ? 1 : (int)d->has.n,
		    d->has.p == NULL ? "-" : d->has.p);
	}
	struct str s = { arena_dup(arena, b.n > 0 ? b.p : "", b.n), b.n };
	buf_free(&b);
	return s;
}

static void
drifts(const struct reading *r, enum reading_became became, const char *want,
    const char *what)
{
	struct reading_result out = put(r);
	OK(out.became == became && !out.kept, "%s: became %d", what,
	    (int)out.became);
	IS(drift_of(&out), want, what);
}

/* A ping of that sale, sent at that time. */
static void
ping(const char *id, const char *resource, const char *more, int64_t at)
{
	struct commit *commit = NULL;
	struct intake_answer out = { 0 };
	struct err e = { 0 };
	char sold[TIME_TEXT_MAX];
	struct arena *a = arena_new(16 * 1024 * 1024);
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	time_text(NOW - DAY, sold);
	const char *body = arena_printf(a,
	    "sale_id=%s&sale_timestamp=%.13s%%3A%.2s%%3A%.3s&permalink=app&"
	    "product_id=P1%%3D%%3D&product_name=App&product_permalink="
	    "https%%3A%%2F%%2Fx.gumroad.com%%2Fl%%2Fapp&"
	    "variants%%5BTier%%5D=Pro&price=900&resource_name=%s&email=%s&%s",
	    id, sold, sold + 14, sold + 17, resource,
	    "ann.planted%40example.org", more);
	struct intake_request in = {
		.platform = &platform_gumroad, .body = str_from(body), .now = at
	};
	OK(commit_new(&config, &commit, &e) == 0, "commit %s", e.text);
	intake_store(commit, &config, &in, &proof, a, &out, &e);
	OK(out.status == INTAKE_RECORDED, "%s of %s is recorded: %d %s",
	    resource, id, (int)out.status, e.text);
	commit_free(commit);
	arena_free(a);
}

/* ---- what becomes of it -------------------------------------------------- */

static void
test_same(void)
{
	begin("stored where it differs");
	int64_t sold = NOW - DAY;
	struct reading a = sale("S1", sold, NOW, "");
	struct reading b = sale("S1", sold, NOW + 20, "{\"refunded\":true}");
	struct reading c = sale("S1", sold, NOW + 30,
	    "{\"cancelled\":true,\"dead\":true,\"ended\":true}");
	struct reading_result one = put(&a);
	OK(one.became == READING_STORED && one.event > 0, "the first");
	a.requested_at = NOW + 10;
	struct reading_result again = put(&a);
	OK(again.became == READING_SAME && again.event == one.event,
	    "the same again");
	ROWS("SELECT sent_at, last_seen_at - sent_at, seen FROM events",
	    "1770000000|10|2;", "was seen later");
	OK(put(&b).became == READING_STORED, "another");
	OK(put(&c).became == READING_STORED, "the first once more");
	a.requested_at = NOW + 29;
	struct reading_result old = put(&a);
	OK(old.became == READING_OLD, "asked for before");
	ROWS("SELECT count(*), count(DISTINCT delivery), min(length(delivery)),"
	     " count(DISTINCT substr(delivery, 1, 32)) FROM events",
	    "3|3|64|1;", "three of one object");
	ROWS("SELECT kind, subject, received_at - sent_at, content_type,"
	     " verified_by, status FROM events ORDER BY id LIMIT 1",
	    "readback|sale:S1|2|application/json|0123456789ab|applied;",
	    "as it stands there");
	struct reading d =
	    sale("S1", sold, NOW + 40, "{\"cancelled\":true,\"dead\":true}");
	OK(put(&d).became == READING_SAME, "that is its membership's to say");
	struct reading gone = absent("S1", NOW + 50);
	OK(put(&gone).became == READING_STORED, "absent");
	gone.requested_at++;
	OK(put(&gone).became == READING_SAME, "still");
	d.requested_at = NOW + 60;
	OK(put(&d).became == READING_STORED, "there again");
	d.body = STR("[1]");
	OK(put(&d).became == READING_STORED && put(&d).became == READING_SAME,
	    "one that cannot be read is kept once");
	ROWS("SELECT status, reason, count(*) FROM events WHERE status ="
	     " 'kept'",
	    "kept|not_object|1;", "kept");
	end();
}

static void
test_each(void)
{
	static const char *const changes[] = { "{\"refunded\":true}",
		"{\"partially_refunded\":true}", "{\"disputed\":true}",
		"{\"dispute_won\":true}", "{\"access_revoked\":true}",
		"{\"variants\":{\"Tier\":\"Basic\"}}",
		"{\"purchase_email\":\"b@example.org\"}",
		"{\"license_key\":\"AB\"}", "{\"subscription_id\":\"U9\"}",
		"{\"quantity\":2}", "{\"product_name\":\"B\"}",
		"{\"custom_permalink\":\"b\"}", "{\"purchaser_id\":\"77\"}",
		"{\"listed\":false}" };
	begin("what a sale is compared by");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct reading r = sale("S1", NOW, NOW + 2 * (int64_t)i, "");
		put(&r);
		struct reading other =
		    sale("S1", NOW, NOW + 2 * (int64_t)i, changes[i]);
		OK(put(&other).became == READING_STORED, "%s", changes[i]);
	}
	for (int left = 5; left > 3; left--) {
		struct reading r = sale("S2", NOW, NOW,
		    arena_printf(arena,
			"{\"partially_refunded\":true,"
			"\"amount_refundable_in_currency\":\"%d\"}",
			left));
		OK(put(&r).became == READING_STORED, "%d left", left);
	}
	end();
}

static void
test_member(void)
{
	begin("a membership");
	struct reading r = member("alive", "null", NOW);
	OK(put(&r).became == READING_STORED, "the first");
	r.requested_at = NOW + DAY - 1;
	OK(put(&r).became == READING_SAME, "again");
	ROWS("SELECT last_seen_at - sent_at, seen, subject FROM events",
	    "0|1|subscription:U1==;", "is not written within a day");
	r.requested_at = NOW + DAY;
	OK(put(&r).became == READING_SAME, "a day later");
	ROWS("SELECT last_seen_at - sent_at, seen FROM events", "86400|2;",
	    "it is");
	r = member(
	    "pending_cancellation", "\"2026-03-01T00:00:00Z\"", NOW + DAY + 1);
	OK(put(&r).became == READING_STORED, "it was cancelled");
	end();
}

static void
test_page(void)
{
	struct reading page[10];
	struct reading_result out[10];
	struct err e = { 0 };
	int stored = 0;
	begin("a page");
	for (int i = 0; i < 10; i++) {
		char id[8];
		snprintf(id, sizeof(id), "S%d", i);
		page[i] = sale(id, NOW - i, NOW, i == 4 ? "{\"id\":7}" : "");
	}
	OK(reading_put(store, &config, page, 10, 1, arena, out, &e) == 0,
	    "dry %s", e.text);
	IS(drift_of(&out[0]), "missing:->2026-02-02T02:40:00Z;", "is told");
	ROWS("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM"
	     " purchases) + (SELECT count(*) FROM drift)",
	    "0;", "and nothing is left");
	OK(reading_put(store, &config, page, 10, 0, arena, out, &e) == 0,
	    "all %s", e.text);
	for (int i = 0; i < 10; i++)
		stored += out[i].became == READING_STORED && !out[i].kept;
	OK(stored == 9 && out[4].kept, "nine of ten count, one is kept");
	ROWS("SELECT count(*), count(confirmed_at) FROM purchases", "9|9;",
	    "rows");
	end();
}

/* ---- what differs -------------------------------------------------------- */

static void
test_drift(void)
{
	begin("drift");
	int64_t sold = NOW - DAY;
	ping("S1", "sale", "", NOW - 50);
	struct reading r = sale("S1", sold, NOW, "");
	drifts(&r, READING_STORED, "", "as the ping said");
	r = sale("S1", sold, NOW + 1,
	    "{\"partially_refunded\":true,"
	    "\"amount_refundable_in_currency\":\"5\"}");
	drifts(
	    &r, READING_STORED, "partly_refunded:->400;", "refunded in part");
	r = sale("S1", sold, NOW + 2, "{\"refunded\":true}");
	drifts(
	    &r, READING_STORED, "refunded:->2026-02-02T02:40:02Z;", "refunded");
	r = sale(
	    "S1", sold, NOW + 3, "{\"purchase_email\":\"bob@example.org\"}");
	drifts(&r, READING_STORED,
	    "unrefunded:2026-02-02T02:40:02Z>-;"
	    "email:" ADDRESS ">bob@example.org;",
	    "paid after all, by another address");
	r = sale("S1", sold, NOW + 4,
	    "{\"purchase_email\":\"bob@example.org\","
	    "\"variants\":{\"Tier\":\"Basic\"}}");
	drifts(&r, READING_STORED, "tier:pro>basic;", "tier");
	r = sale("S1", sold, NOW + 5,
	    "{\"purchase_email\":\"bob@example.org\","
	    "\"variants\":{\"Tier\":\"Basic\"},\"disputed\":true}");
	drifts(
	    &r, READING_STORED, "disputed:->2026-02-02T02:40:05Z;", "disputed");
	r = sale("S1", sold, NOW + 6,
	    "{\"purchase_email\":\"bob@example.org\","
	    "\"variants\":{\"Tier\":\"Basic\"},\"disputed\":true,"
	    "\"dispute_won\":true}");
	drifts(&r, READING_STORED, "won:->2026-02-02T02:40:06Z;", "won");
	r = sale("S1", sold, NOW + 7,
	    "{\"purchase_email\":\"bob@example.org\","
	    "\"variants\":{\"Tier\":\"Basic\"},\"disputed\":true,"
	    "\"dispute_won\":true,\"access_revoked\":true}");
	drifts(
	    &r, READING_STORED, "revoked:->2026-02-02T02:40:07Z;", "revoked");
	struct reading gone = absent("S2", NOW);
	ping("S2", "sale", "", NOW - 40);
	drifts(&gone, READING_STORED, "absent:pro>-;", "absent");
	r = sale("S3", sold, NOW, "{\"refunded\":true}");
	r.import = 1;
	drifts(&r, READING_STORED,
	    "missing:->2026-02-01T02:40:00Z;refunded:->2026-02-02T02:40:00Z;",
	    "by an import");
	ROWS("SELECT sale, what, count(event) FROM drift GROUP BY 1, 2"
	     " ORDER BY min(id)",
	    "S1|partly_refunded|1;S1|refunded|1;S1|unrefunded|1;S1|email|1;"
	    "S1|tier|1;S1|disputed|1;S1|won|1;S1|revoked|1;S2|absent|1;",
	    "rows, none of the import");
	end();
}

static void
test_membership_drift(void)
{
	begin("drift of a membership");
	ping("S1", "sale", "subscription_id=U1%3D%3D&recurrence=monthly",
	    NOW - 50);
	struct reading r = member("alive", "null", NOW);
	drifts(&r, READING_STORED, "", "alive, as it was");
	r = member("pending_cancellation", "\"2026-03-01T00:00:00Z\"", NOW + 1);
	drifts(&r, READING_STORED, "cancelled:->2026-03-01T00:00:00Z;",
	    "cancelled");
	r = member("alive", "null", NOW + 2);
	drifts(&r, READING_STORED, "alive:cancelled>active;", "taken back");
	r = member("cancelled", "\"2026-02-02T00:00:00Z\"", NOW + 3);
	drifts(&r, READING_STORED, "ended:->2026-02-02T00:00:00Z;", "ended");
	ROWS("SELECT subscription, what FROM drift ORDER BY id",
	    "U1==|cancelled;U1==|alive;U1==|ended;", "rows");
	end();
}

/* What was sent between two equal answers is older than the second. */
static void
test_between(void)
{
	begin("seen again");
	ping("S1", "sale", "", NOW - 50);
	struct reading r = sale("S1", NOW - DAY, NOW, "");
	put(&r);
	ping("S1", "refund", "refunded=true", NOW + 10);
	ROWS("SELECT count(refunded_at) FROM purchases", "1;", "refunded");
	r.requested_at = NOW + 5;
	drifts(&r, READING_SAME, "", "asked before the ping");
	ROWS("SELECT count(refunded_at) FROM purchases", "1;", "still");
	r.requested_at = r.at = NOW + 20;
	drifts(&r, READING_SAME, "unrefunded:2026-02-02T02:40:10Z>-;",
	    "asked after it");
	ROWS("SELECT count(refunded_at) FROM purchases", "0;",
	    "the refund failed");
	end();
}

/* ---- the same as a rebuild ----------------------------------------------- */

static uint32_t seed;

static int
any(int n)
{
	seed = seed * 1664525 + 1013904223;
	return (int)((seed >> 8) % (uint32_t)n);
}

static void
differs(void *arg, struct str platform, struct str subject, size_t rows)
{
	printf("# %.*s %.*s: %zu rows\n", STR_ARG(platform), STR_ARG(subject),
	    rows);
	++*(int *)arg;
}

#define IN_U1 \
	"{\"subscription_id\":\"U1==\",\"subscription_duration\":\"monthly\"}"

/* Something comes, or is read, of two sales and their membership. */
static void
play_any(int64_t t)
{
	static const char *const more[] = { "", "{\"refunded\":true}",
		"{\"disputed\":true}",
		"{\"disputed\":true,\"dispute_won\":true}",
		"{\"access_revoked\":true}", "{\"listed\":false}", IN_U1,
		"{\"variants\":{\"Tier\":\"Basic\"}}" };
	static const char *const kinds[] = { "sale", "refund", "dispute",
		"dispute_won" };
	static const char *const flags[] = { "", "refunded=true",
		"disputed=true", "disputed=true&dispute_won=true" };
	static const char *const lives[] = { "alive", "pending_cancellation",
		"cancelled", "failed_payment" };
	const char *id = any(2) ? "S1" : "S2";
	int kind = any(4);
	struct reading r;
	switch (any(4)) {
	case 0:
		ping(id, kinds[kind],
		    arena_printf(arena, "%s&n=%d", flags[kind], any(9999)), t);
		return;
	case 1:
		r = any(5) ? member(lives[any(4)],
				 any(2) ? "null" : "\"2026-02-02T03:00:00Z\"",
				 t - any(30))
			   : absent(id, t - any(30));
		break;
	default:
		r = sale(id, NOW - DAY, t - any(30), more[any(8)]);
	}
	put(&r);
}

static void
test_rebuild(void)
{
	struct err e = { 0 };
	int n = 0;
	begin("the same as a rebuild");
	follow();
	for (int i = 0; i < 400 && n == 0; i++) {
		struct rebuild_result res = { 0 };
		struct reading r;
		seed = (uint32_t)i;
		play_any(NOW + i * 20);
		/* the same once more, as a rule */
		if (any(2)) {
			seed = (uint32_t)i;
			r = sale("S1", NOW - DAY, NOW + i * 20 + 5, "");
			put(&r);
		}
		if (rebuild_diff(
			store, &config, arena, differs, &n, &res, &e) != 0)
			OK(0, "%d: %s", i, e.text);
		if (n != 0 || res.subjects == 0)
			OK(0, "after %d, of %lld", i, (long long)res.subjects);
	}
	OK(n == 0, "whatever came, in any order");
	end();
}

/* A reading tells that a sale belongs to a subscription. */
static void
test_moves(void)
{
	begin("a sale moves");
	ping("S1", "sale", "", NOW - 50);
	struct reading r = sale("S1", NOW - DAY, NOW,
	    "{\"subscription_id\":\"U1==\","
	    "\"subscription_duration\":\"monthly\"}");
	struct reading_result out = put(&r);
	IS(out.subject, "subscription:U1==", "told");
	ROWS("SELECT DISTINCT subject FROM events", "subscription:U1==;",
	    "all of it");
	ROWS("SELECT subject, sale FROM purchases", "subscription:U1==|S1;",
	    "and its row");
	end();
}

/* ---- what follows -------------------------------------------------------- */

#define TYPE "json_extract(payload, '$.type')"
static const char queued[] = "SELECT " TYPE ", target, count(*) FROM outbox "
			     "WHERE " TYPE " NOT IN ('alert', 'delivery', "
			     "'tier_changed') GROUP BY 1, 2 ORDER BY 1, 2";

static void
test_follow(void)
{
	begin("what follows");
	follow();
	int64_t sold = NOW - DAY;
	struct reading r = sale("S1", sold, NOW, "");
	put(&r);
	ROWS(queued, "purchase|hook|1;purchase|letter|1;", "a lost purchase");
	ROWS("SELECT count(*) FROM outbox WHERE " TYPE " = 'delivery'", "0;",
	    "it is no delivery");
	ROWS("SELECT count(*) FROM outbox WHERE " TYPE " = 'tier_changed'",
	    "2;", "the tier is new");
	ping("S1", "sale", "", NOW - 50);
	ROWS(queued, "purchase|hook|1;purchase|letter|1;",
	    "the ping came all the same");
	r = sale("S1", sold, NOW + 1, "{\"refunded\":true}");
	put(&r);
	ping("S1", "refund", "refunded=true", NOW + 2);
	ROWS(queued,
	    "purchase|hook|1;purchase|letter|1;refunded|hook|1;"
	    "refunded|letter|1;",
	    "a refund, read and then pinged");
	ping("S2", "sale", "", NOW + 3);
	ping("S2", "refund", "refunded=true", NOW + 4);
	r = sale("S2", sold, NOW + 5, "{\"refunded\":true}");
	put(&r);
	ROWS(queued,
	    "purchase|hook|2;purchase|letter|2;refunded|hook|2;"
	    "refunded|letter|2;",
	    "and pinged, then read");
	end();
}

/* A cancellation or an end; its texts are encoded. */
static void
notice(const char *resource, const char *more, int64_t at)
{
	struct commit *commit = NULL;
	struct intake_answer out = { 0 };
	struct err e = { 0 };
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	struct arena *a = arena_new(1024 * 1024);
	struct intake_request in = { .platform = &platform_gumroad,
		.body = str_from(arena_printf(a,
		    "subscription_id=U1%%3D%%3D&product_id=P1%%3D%%3D&"
		    "product_name=App&resource_name=%s&%s",
		    resource, more)),
		.now = at };
	OK(commit_new(&config, &commit, &e) == 0, "commit %s", e.text);
	intake_store(commit, &config, &in, &proof, a, &out, &e);
	OK(out.status == INTAKE_RECORDED, "%s is recorded: %d %s", resource,
	    (int)out.status, e.text);
	commit_free(commit);
	arena_free(a);
}

static void
test_member_follows(void)
{
	static const char count[] = "SELECT " TYPE ", count(*) FROM outbox"
				    " WHERE target = 'hook' AND " TYPE
				    " IN ('cancelled', 'ended') GROUP BY 1";
	begin("what follows of a membership");
	follow();
	ping("S1", "sale", "subscription_id=U1%3D%3D&recurrence=monthly",
	    NOW - 50);
	struct reading r =
	    member("pending_cancellation", "\"2026-03-01T02:40:00Z\"", NOW);
	put(&r);
	ROWS(count, "cancelled|1;", "cancelled, read");
	notice("cancellation",
	    "cancelled=true&cancelled_at=2026-03-01T02%3A40%3A00Z", NOW + 5);
	ROWS(count, "cancelled|1;", "and pinged");
	r = member("cancelled", "\"2026-02-02T02:40:09Z\"", NOW + 10);
	put(&r);
	ROWS(count, "cancelled|1;ended|1;", "ended, read");
	notice("subscription_ended",
	    "ended_at=2026-02-02T02%3A40%3A08Z&ended_reason=cancelled",
	    NOW + 20);
	ROWS(count, "cancelled|1;ended|1;", "and pinged");
	end();
}

static void
test_partial(void)
{
	static const char part[] = "{\"partially_refunded\":true,"
				   "\"amount_refundable_in_currency\":\"5\"}";
	begin("refunds in part");
	follow();
	ping("S1", "sale", "", NOW);
	struct reading r = sale("S1", NOW - DAY, NOW + 1, part);
	put(&r);
	ping("S1", "refund", "refunded=false", NOW + 2);
	ping("S2", "sale", "", NOW + 3);
	ping("S2", "refund", "refunded=false", NOW + 4);
	r = sale("S2", NOW - DAY, NOW + 5, part);
	put(&r);
	ROWS("SELECT target, count(*) FROM outbox WHERE " TYPE
	     " = 'partial_refund' GROUP BY 1 ORDER BY 1",
	    "hook|2;letter|2;", "each once, whichever came first");
	end();
}

static void
test_old_news(void)
{
	begin("old news");
	follow();
	struct reading r = sale("S1", NOW - 11 * DAY, NOW, "");
	put(&r);
	r = sale("S2", NOW - DAY, NOW, "");
	r.import = 1;
	put(&r);
	ROWS("SELECT count(*) FROM outbox", "0;", "nothing follows");
	ROWS("SELECT count(*), count(tier) FROM purchases", "2|2;",
	    "but rows are there");
	ROWS("SELECT count(*) > 0 FROM changes", "1;", "and changes");
	end();
}

/* The ping of a gift names the giftee's side: this one has none. */
static void
test_gift(void)
{
	begin("the gifter's side");
	follow();
	struct reading r = sale("S1", NOW - DAY, NOW,
	    "{\"is_gift_sender_purchase\":true,"
	    "\"giftee_email\":\"gil@example.org\"}");
	drifts(&r, READING_STORED, "", "was not missing");
	ROWS(queued, "", "and nobody is welcomed");
	end();
}

static void
test_forward(void)
{
	struct rule all = rule;
	begin("nothing to forward");
	follow();
	all.n_actions = 3;
	config.follow_ups.v = &all;
	struct reading r = sale("S1", NOW - DAY, NOW, "");
	put(&r);
	ROWS("SELECT count(*) FROM outbox WHERE kind = 'forward'", "0;",
	    "of a reading");
	ping("S2", "sale", "", NOW);
	ROWS("SELECT count(*) > 0 FROM outbox WHERE kind = 'forward'", "1;",
	    "of a ping");
	end();
}

static const char waiting[] =
    "SELECT kind, state, awaits, due_at > added_at "
    "FROM outbox WHERE " TYPE " = 'purchase' ORDER BY kind";

static void
test_waits(void)
{
	struct err e = { 0 };
	begin("waits to be confirmed");
	follow();
	ping("S0", "sale", "", NOW);
	ROWS(waiting, "http|waiting|-|0;mail|waiting|-|0;",
	    "without a token: at once");
	config.platforms[0].api_token = STR("token");
	config.rules.confirm[0] = TIER_CONFIRM_AFTER;
	ping("S1", "sale", "", NOW);
	ROWS("SELECT kind, awaits, due_at > added_at FROM outbox WHERE " TYPE
	     " = 'purchase' AND id > 6 ORDER BY kind",
	    "http|-|0;mail|gumroad/S1|1;", "with one: the mail");
	struct reading r = sale("S1", NOW - DAY, NOW + 1, "");
	put(&r);
	ROWS("SELECT count(*) FROM outbox WHERE awaits IS NOT NULL OR due_at >"
	     " added_at",
	    "0;", "confirmed: it goes out");
	ping("S4", "sale", "", NOW);
	r = sale("S4", NOW - DAY, NOW + 1, "");
	r.import = 1;
	put(&r);
	ROWS("SELECT count(*) FROM outbox WHERE awaits IS NOT NULL OR due_at >"
	     " added_at",
	    "0;", "also by an import");
	ping("S2", "sale", "", NOW + 2);
	struct reading gone = absent("S2", NOW + 3);
	put(&gone);
	ROWS("SELECT kind, state, last_error FROM outbox WHERE state ="
	     " 'dropped' AND " TYPE " = 'purchase'",
	    "mail|dropped|the platform knows no such sale;",
	    "unknown: it is dropped");
	ping("S3", "sale", "", NOW + 4);
	OK(outbox_let_go(store, &config, NOW + 4 + DAY - 1, arena, &e) == 0,
	    "not a day old %s", e.text);
	ROWS("SELECT count(*) FROM outbox WHERE awaits = 'gumroad/S3'", "2;",
	    "it waits on");
	OK(outbox_let_go(store, &config, NOW + 4 + DAY, arena, &e) == 0,
	    "a day old %s", e.text);
	ROWS("SELECT count(awaits), sum(due_at > added_at) FROM outbox"
	     " WHERE state = 'waiting'",
	    "0|0;", "it goes out all the same");
	ROWS("SELECT count(*) FROM outbox WHERE target = 'alert' AND payload"
	     " LIKE '%waited a day%'",
	    "1;", "and the owner is told");
	config.platforms[0].api_token = STR_NONE;
	end();
}

/* ---- in words ------------------------------------------------------------ */

static void
says(const char *id, const char *want)
{
	struct explain x;
	struct err e = { 0 };
	struct explain_ask ask = { .sale = str_from(id), .now = NOW + 100 };
	struct buf b;
	buf_init(&b, 65536);
	if (explain_find(store, &config, &ask, arena, &x, &e) != 0)
		OK(0, "explain: %s", e.text);
	for (size_t i = 0; i < x.n_subjects; i++)
		for (size_t k = 0; k < x.subjects[i].n_events; k++)
			buf_adds(&b, x.subjects[i].events[k].says);
	buf_addc(&b, '\0');
	if (!OK(strstr(b.p, want) != NULL, "%s", want))
		printf("# said: %s\n", b.p);
	buf_free(&b);
}

static void
test_explain(void)
{
	begin("explained");
	ping("S1", "sale", "", NOW);
	struct reading r = sale("S1", NOW - DAY, NOW + 1, "");
	put(&r);
	says("S1",
	    "Gumroad was asked on 2026-02-02 02:40:01 UTC: all is well "
	    "(sale S1); it gives pro");
	r = sale("S1", NOW - DAY, NOW + 2, "{\"refunded\":true}");
	put(&r);
	r.requested_at = NOW + 9;
	put(&r);
	says("S1",
	    "Gumroad was asked on 2026-02-02 02:40:02 UTC, and last on "
	    "2026-02-02 02:40:09 UTC: refunded (sale S1); it gave pro");
	r = sale("S2", NOW - DAY, NOW + 3, "");
	put(&r);
	says("S2",
	    "; no ping of this sale ever came; found on 2026-02-02 "
	    "02:40:05 UTC; it gives pro");
	struct reading gone = absent("S2", NOW + 4);
	put(&gone);
	says("S2",
	    "Gumroad was asked on 2026-02-02 02:40:04 UTC: Gumroad "
	    "knows no such sale (S2): what tells of it gives nothing.");
	end();
}

/* ---- killed -------------------------------------------------------------- */

enum { PAGE = 10, PAGES_MAX = 4000 };

static int
put_page(int n)
{
	struct reading page[PAGE];
	struct reading_result out[PAGE];
	struct err e = { 0 };
	arena_reset(arena);
	for (int i = 0; i < PAGE; i++) {
		char id[16];
		snprintf(id, sizeof(id), "K%d-%d", n, i);
		page[i] = sale(id, NOW - DAY, NOW,
		    arena_printf(
			arena, "{\"purchase_email\":\"%s@example.org\"}", id));
	}
	return reading_put(store, &config, page, PAGE, 0, arena, out, &e);
}

static void
test_killed(void)
{
	begin("killed");
	follow();
	for (int round = 0; round < 5; round++) {
		int first[2];
		char put = '.';
		fflush(stdout);
		if (pipe(first) != 0)
			exit(1);
		pid_t child = fork();
		if (child == 0) {
			struct err e = { 0 };
			if (freopen("/dev/null", "w", stdout) == NULL ||
			    store_open(database, STORE_WRITE, &store, &e) != 0)
				_exit(1);
			for (int n = 0; n < PAGES_MAX; n++)
				if (put_page(n) == 0 &&
				    write(first[1], &put, n == 0) < 0)
					break;
			_exit(0);
		}
		close(first[1]);
		OK(read(first[0], &put, 1) == 1, "a page is there");
		close(first[0]);
		usleep(60000 + 30000 * (useconds_t)round);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		ROWS(
		    "SELECT count(*) % 10, count(*) > 0, count(*) ="
		    " count(DISTINCT subject), count(*) = (SELECT count(*)"
		    " FROM purchases), count(*) = (SELECT count(*) FROM drift),"
		    " 4 * count(*) = (SELECT count(*) FROM outbox) FROM events",
		    "0|1|1|1|1|1;",
		    "pages are there whole, with all of theirs");
	}
	ROWS("PRAGMA integrity_check", "ok;", "sound");
	printf("# %.*s readings\n",
	    STR_ARG(rows_of("SELECT count(*) FROM events")));
	end();
}

/* ---- what it does not count for ------------------------------------------ */

static void
test_not_heard(void)
{
	int64_t last[PLATFORM__MAX], n;
	struct err e = { 0 };
	struct rate rate;
	begin("no rhythm");
	follow();
	for (int i = 0; i < 30; i++) {
		char id[8];
		snprintf(id, sizeof(id), "S%d", i);
		struct reading r = sale(id, NOW - DAY, NOW - 60, "");
		put(&r);
	}
	OK(heard_last(store, &config, NULL, STR_NONE, last, &e) == 0 &&
		last[0] == 0,
	    "never heard %s", e.text);
	OK(rate_get(store, STR("gumroad"), arena, &rate, &e) == 0 &&
		rate.hour == 0,
	    "no rate");
	ping("P1", "sale", "", NOW);
	OK(heard_last(store, &config, NULL, STR_NONE, last, &e) == 0 &&
		last[0] == NOW,
	    "heard of the ping");
	OK(rate_get(store, STR("gumroad"), arena, &rate, &e) == 0 &&
		rate.count == 1 && rate.usual == 1000 / RATE_HOURS,
	    "one sale: %lld usual", (long long)rate.usual);
	OK(store_event_count_after(store, 0, &n, &e) == 0 && n == 1, "one");
	end();
}

/* ---- nobody comes back --------------------------------------------------- */

static int
file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "rb");
	static char all[4 * 1024 * 1024];
	size_t n = f == NULL ? 0 : fread(all, 1, sizeof(all), f);
	if (f != NULL)
		fclose(f);
	return memmem(all, n, text, strlen(text)) != NULL;
}

static void
test_erased(void)
{
	struct erase_who who = { .by = STORE_BY_EMAIL, .id = STR(ADDRESS) };
	struct erase_result did;
	struct err e = { 0 };
	static const char person[] =
	    "{\"purchaser_id\":\"5530311507811\",\"license_key\":\"KEY-7\","
	    "\"giftee_email\":\"" ADDRESS "\"}";
	begin("erased");
	ping("S1", "sale", "", NOW);
	struct reading r = sale("S1", NOW - DAY, NOW + 1,
	    "{\"purchase_email\":\"before@example.org\"}");
	put(&r);
	r = sale("S1", NOW - DAY, NOW + 2, person);
	put(&r);
	ROWS("SELECT what FROM drift WHERE has LIKE '%@%' OR had LIKE '%@%'",
	    "email;email;", "drift names addresses");
	OK(erase_person(store, &config, &who, 0, NOW + 3, &did, &e) == 0,
	    "erased %s", e.text);
	OK(did.events == 3, "%lld events", (long long)did.events);
	ROWS("SELECT count(*) FROM drift WHERE has LIKE '%@%' OR had LIKE"
	     " '%@%'",
	    "0;", "no more");
	r = sale("S1", NOW - DAY, NOW + 4, person);
	struct reading_result out = put(&r);
	OK(out.became == READING_SAME, "read again: nothing new");
	r = sale("S1", NOW - DAY, NOW + 5,
	    "{\"refunded\":true,\"purchaser_id\":\"5530311507811\","
	    "\"license_key\":\"KEY-7\"}");
	out = put(&r);
	OK(out.became == READING_STORED, "read again: refunded");
	IS(drift_of(&out), "refunded:->2026-02-02T02:40:05Z;", "and so it is");
	ROWS("SELECT count(*), count(email), count(buyer), count(license),"
	     " count(refunded_at) FROM purchases",
	    "1|0|0|0|1;", "the row names nobody");
	ROWS("SELECT count(*), length(sale) FROM erased", "1|64;", "a digest");
	store_close(store);
	store = NULL;
	const char *wal = arena_printf(arena, "%s-wal", database);
	const char *const texts[] = { ADDRESS, "before@example.org", "KEY-7",
		"5530311507811" };
	for (size_t i = 0; i < 4; i++)
		OK(!file_has(database, texts[i]) && !file_has(wal, texts[i]),
		    "no byte of %s", texts[i]);
	end();
}

/* The giver of a gift, in the reading of a sale that is another's. */
static void
test_erased_beside(void)
{
	struct erase_who who = { .by = STORE_BY_EMAIL, .id = STR(ADDRESS) };
	struct erase_result did;
	struct err e = { 0 };
	static const char gift[] = "{\"is_gift_sender_purchase\":true,"
				   "\"giftee_email\":\"gil@example.org\"}";
	begin("erased beside");
	struct reading r = sale("S1", NOW - DAY, NOW, gift);
	put(&r);
	OK(erase_person(store, &config, &who, 0, NOW + 3, &did, &e) == 0 &&
		did.mentions == 1,
	    "erased %s", e.text);
	r = sale("S1", NOW - DAY, NOW + 4,
	    "{\"is_gift_sender_purchase\":true,\"quantity\":2,"
	    "\"giftee_email\":\"gil@example.org\"}");
	OK(put(&r).became == READING_STORED, "read again");
	ROWS("SELECT count(*) FROM events WHERE instr(body, '" ADDRESS "') > 0",
	    "0;", "the giver is not there");
	ROWS("SELECT email FROM purchases", "gil@example.org;",
	    "the other one is");
	end();
}

int
main(void)
{
	char command[64];
	if (mkdtemp(folder) == NULL)
		return 1;
	test_same();
	test_each();
	test_member();
	test_page();
	test_drift();
	test_membership_drift();
	test_moves();
	test_between();
	test_rebuild();
	test_follow();
	test_member_follows();
	test_partial();
	test_old_news();
	test_gift();
	test_forward();
	test_waits();
	test_explain();
	test_killed();
	test_not_heard();
	test_erased();
	test_erased_beside();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
	return test_end();
}

#include "test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/crypto.h"
#include "base/time.h"
#include "cgi/route.h"
#include "commit/commit.h"
#include "person/erase.h"
#include "commit/intake.h"
#include "fold/manual.h"
#include "commit/manual_put.h"
#include "commit/rebuild.h"
#include "platform/redact.h"

/* Erasing a person: what is left says the same of the money, and nothing of
 * who it was, down to the bytes of the files. */

#define ADDRESS "ann.planted@example.org"

static const struct decode_opts opts = { .reference = { "user_id", 7 } };

/* ---- every fixture, redacted ---- */

/* What people typed or are known by in the fixtures. */
static const char *const markers[] = { "@example", "@gmail", "%40example",
	"full_name", "purchaser_id", "license_key", "url_params", "referrer",
	"card", "custom_fields", "street_address", "ip_country", "gifter_email",
	"affiliate=", "user_email", "nickname", "custom_reference_id",
	"211376af-da75-4592-b0ab-d92216cb6101", "can_contact", "offer_code" };

static int
same_facts(const struct fact *a, const struct fact *b)
{
	int same = a->n_variants == b->n_variants && a->n_names == b->n_names;
	for (size_t i = 0; same && i < a->n_variants; i++)
		same = str_eq(a->variants[i], b->variants[i]);
	for (size_t i = 0; same && i < a->n_names; i++)
		same = str_eq(a->names[i], b->names[i]);
	return same && a->status == b->status && a->kind == b->kind &&
	    str_eq(a->kind_name, b->kind_name) && str_eq(a->owner, b->owner) &&
	    str_eq(a->sale, b->sale) &&
	    str_eq(a->subscription, b->subscription) &&
	    str_eq(a->product, b->product) &&
	    str_eq(a->product_name, b->product_name) &&
	    str_eq(a->variant, b->variant) && str_eq(a->tier, b->tier) &&
	    a->price == b->price && str_eq(a->currency, b->currency) &&
	    a->quantity == b->quantity &&
	    str_eq(a->recurrence, b->recurrence) && a->months == b->months &&
	    a->sold_at == b->sold_at && a->test == b->test &&
	    a->preorder == b->preorder && a->gift == b->gift &&
	    a->refunded == b->refunded && a->disputed == b->disputed &&
	    a->dispute_won == b->dispute_won &&
	    a->cancelled_at == b->cancelled_at && a->ended_at == b->ended_at &&
	    str_eq(a->ended_reason, b->ended_reason) &&
	    a->restarted_at == b->restarted_at &&
	    a->effective_at == b->effective_at &&
	    a->downgrade == b->downgrade && str_eq(a->new_tier, b->new_tier) &&
	    a->trial_ends_at == b->trial_ends_at && a->charges == b->charges;
}

static void
no_person(const char *name, struct str body, const struct fact *f)
{
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
		if (memmem(body.p, body.n, markers[i], strlen(markers[i])) !=
		    NULL)
			OK(0, "%s: %s is left in %.*s", name, markers[i],
			    STR_ARG(body));
	OK(f->user_ref.p == NULL && f->email.p == NULL &&
		f->license.p == NULL &&
		(f->buyer.p == NULL || str_eq_z(f->buyer, "erased-1")),
	    "%s: no identifier", name);
}

static void
redact_body(const struct platform *p, const char *name, struct str body,
    struct arena *a)
{
	struct fact before, after, other;
	struct redacted out, again;
	struct err e = { 0 };
	struct redact_opts all = { .pseudonym = STR("erased-1") };
	struct redact_opts one = { .address = STR("nobody@example.invalid") };
	int rc = p->decode(p, body, &opts, a, &before, &e) != 0 ||
	    p->redact(p, body, &all, a, &out, &e) != 0 ||
	    p->decode(p, out.body, &opts, a, &after, &e) != 0 ||
	    p->redact(p, out.body, &all, a, &again, &e) != 0 ||
	    p->decode(p, again.body, &opts, a, &other, &e) != 0;
	OK(rc == 0, "%s: redacted %s", name, e.text);
	if (rc == 0 && before.status == FACT_KEPT)
		OK(after.status == FACT_KEPT, "%s: stays kept", name);
	else if (rc == 0)
		OK(same_facts(&before, &after) && same_facts(&after, &other),
		    "%s: the same facts in %.*s", name, STR_ARG(out.body));
	if (rc == 0)
		no_person(name, out.body, &after);
	OK(p->redact(p, body, &one, a, &out, &e) == 0 && out.body.p == NULL,
	    "%s: nothing of a stranger's", name);
}

static void
redact_fixture(const struct platform *p, const char *name, struct arena *a)
{
	char path[512];
	size_t n;
	snprintf(
	    path, sizeof(path), "tests/fixtures/%s/%s/body", p->name, name);
	char *z = test_file(path, &n);
	redact_body(p, name, (struct str){ z, n }, a);
	free(z);
}

/* What Gumroad does not send: found by fuzzing. */
static void
redact_odd(void)
{
	static const struct {
		const char *what, *body;
	} odd[] = {
		{ "a product known by an ill-formed id",
		    "sale_id=S1&sale_timestamp=2026-03-01T09%3A15%3A02Z&"
		    "resource_name=sale&product_id=%FF" },
		{ "a plan of which nothing is known",
		    "subscription_id=S1&resource_name=subscription_updated&"
		    "product_name=P&type=upgrade&new_plan[x]=y" },
	};
	struct arena *a = arena_new(1024 * 1024);
	test_group("odd");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		redact_body(
		    &platform_gumroad, odd[i].what, str_from(odd[i].body), a);
	arena_free(a);
}

static void
redact_fixtures(const struct platform *p)
{
	char path[512];
	const char *top = getenv("top_srcdir");
	int n = 0;
	snprintf(path, sizeof(path), "%s/tests/fixtures/%s",
	    top == NULL ? "." : top, p->name);
	DIR *d = opendir(path);
	struct dirent *entry;
	test_group(p->name);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		struct arena *a = arena_new(256 * 1024 * 1024);
		redact_fixture(p, entry->d_name, a);
		arena_free(a);
		n++;
	}
	if (d != NULL)
		closedir(d);
	OK(n > 50, "%d fixtures", n);
}

static int
says(const char *text)
{
	struct arena *a = arena_new(65536);
	int yes = redact_mentions(a, str_from(text), STR(ADDRESS));
	arena_free(a);
	return yes;
}

static void
test_mentions(void)
{
	test_group("mentions");
	OK(says(ADDRESS) && says(" Ann.Planted@Example.ORG ") &&
		says("<" ADDRESS ">.") && says("mailto:" ADDRESS),
	    "the address");
	OK(says("https://x/?e=ann.planted%40example.org&a") &&
		says("https://x/?r=ann.planted%2540example.org"),
	    "in a link");
	OK(!says("jo" ADDRESS) && !says("x." ADDRESS) && !says(ADDRESS ".au") &&
		!says(ADDRESS "s") && !says("ann.planted@") && !says(""),
	    "others");
}

static void
lose(const struct platform *p, const char *body, const char *want, int is_buyer)
{
	struct arena *a = arena_new(65536 * 16);
	struct redact_opts one = { .address = STR(ADDRESS) };
	struct redacted out;
	struct err e;
	OK(p->redact(p, str_from(body), &one, a, &out, &e) == 0 &&
		out.is_buyer == is_buyer,
	    "whose: %s", body);
	IS(out.body, want, "only the address goes");
	arena_free(a);
}

static void
test_lose(void)
{
	const struct platform *p = &platform_gumroad;
	test_group("lose");
	lose(p, "a=%5B&b&gifter_email=" ADDRESS "&c=+", "a=%5B&b&c=%20", 0);
	lose(p, "email=" ADDRESS "&x=1", "x=1", 1);
	lose(p, "card%5Bvisual%5D=" ADDRESS, "", 1);
	lose(p, "x=%&y=" ADDRESS, "erased=true", 0);
	lose(p,
	    "{\"user_email\":\"" ADDRESS "\",\"l\":[\"" ADDRESS
	    "\",3],\"" ADDRESS "\":1}",
	    "{\"user_email\":null,\"l\":[null,3]}", 1);
	lose(p, "{\"card[visual]\":\"" ADDRESS "\"}", "{\"card[visual]\":null}",
	    1);
	lose(p, "{\"x\":\"" ADDRESS, "erased=true", 0);
	p = &platform_gank;
	lose(p, "{\"x\":\"" ADDRESS "\"}", "{\"x\":null}", 0);
	lose(p, "{\"x\":\"" ADDRESS, "{\"erased\":true}", 0);
}

/* ---- a whole database ---- */

static char folder[] = "/tmp/t_erase.XXXXXX";
static char database[64];
static struct config config;
static struct arena *arena;
static const struct str keys[] = { { "0123456789abcdef", 16 } };

static int64_t
query(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;
	if (sqlite3_open(database, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
		int rc = sqlite3_step(stmt);
		n = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	if (n < 0)
		OK(0, "%s", sql);
	return n;
}

/* Rows of her deleted before, by a program that wipes nothing. */
static void
leave_remains(void)
{
	sqlite3 *db = NULL;
	sqlite3_open(database, &db);
	OK(sqlite3_exec(db,
	       "PRAGMA secure_delete=OFF; CREATE TABLE old (t, u);"
	       "CREATE INDEX old_t ON old (t);"
	       "INSERT INTO old VALUES ('" ADDRESS "', zeroblob(9000)),"
	       "('" ADDRESS "', 'x'); DELETE FROM old WHERE u = 'x';"
	       "INSERT INTO old VALUES ('y', 'y'); DROP TABLE old;",
	       NULL, NULL, NULL) == SQLITE_OK,
	    "remains");
	sqlite3_close(db);
}

/* In how many of the database's files a text stands; joann is another. */
static int
grep(const char *text)
{
	static const char *const ends[] = { "", "-wal", "-journal" };
	int found = 0;
	for (size_t i = 0; i < 3; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s%s", database, ends[i]);
		FILE *f = fopen(path, "rb");
		if (f == NULL)
			continue;
		static char all[8 * 1024 * 1024];
		size_t n = fread(all, 1, sizeof(all), f);
		fclose(f);
		for (size_t k = 0; k + strlen(text) <= n; k++) {
			if ((k == 0 || all[k - 1] != 'o') &&
			    strncasecmp(all + k, text, strlen(text)) == 0) {
				found++;
				break;
			}
		}
	}
	return found;
}

static enum intake_status
deliver_at(struct commit *commit, const struct platform *p, const char *body,
    int64_t now)
{
	struct err e = { 0 };
	struct arena *a = arena_new(16 * 1024 * 1024);
	struct intake_request in = { .platform = p,
		.body = str_from(body),
		.content_type = str_from(p->content_type),
		.peer = STR("192.0.2.7"),
		.now = now };
	struct verify_result proof = {
		.sent_at = p == &platform_gank ? now : FACT_NO_TIME
	};
	struct intake_answer out = { .status = INTAKE_UNAVAILABLE };
	intake_store(commit, &config, &in, &proof, a, &out, &e);
	if (out.status == INTAKE_UNAVAILABLE)
		OK(0, "deliver: %s", e.text);
	arena_free(a);
	return out.status;
}

static enum intake_status
deliver(struct commit *commit, const struct platform *p, const char *body)
{
	return deliver_at(commit, p, body, 1775000000);
}

#define SALE(id, email, more) \
	"seller_id=SELLER%3D%3D&product_id=PROD%3D%3D&product_name=App" \
	"&permalink=app&email=" email "&price=900&quantity=1&order_number=7" \
	"&sale_id=" id "&sale_timestamp=2026-04-01T10%3A00%3A00Z" more \
	"&is_gift_receiver_purchase=false&refunded=false&resource_name=sale" \
	"&disputed=false&dispute_won=false"
#define ANN "Ann.Planted%40example.org"
#define SUBSCRIBED "&subscription_id=SUB%3D%3D&recurrence=monthly"

static const char *const anns_sale = SALE("A1%3D%3D", ANN,
    SUBSCRIBED "&full_name=Ann+Planted&url_params%5Buser_id%5D=42"
	       "&license_key=ANN-LICENSE&purchaser_id=777001"
	       "&variants%5BTier%5D=Pro&custom_fields%5BPhone%5D=555-PLANTED");
static const char *const anns_renewal =
    SALE("A2%3D%3D", "other.planted%40example.net", SUBSCRIBED);
static const char *const anns_void =
    SALE("A3%3D%3D", ANN, SUBSCRIBED "&leaked=1");
static const char *const bobs_gift =
    SALE("B1%3D%3D", "bob%40example.org", "&gifter_email=" ANN);
static const char *const strangers = SALE("J1%3D%3D", "jo" ANN, "");
static const char *const kept =
    "email=" ANN "&full_name=Ann+Planted&resource_name=novelty&sale_id=K1";
static const char *const ping =
    "email=" ANN "&test=true&sale_id=T1&sale_timestamp=2026-04-01T10%3A00%3A00Z"
    "&product_name=App";

#define GANK(id, payer) \
	"{\"event\":\"USER_MEMBERSHIP.TX_SUCCEED\",\"data\":{" \
	"\"human_id\":\"" id "\",\"payment_status\":\"SUCCEED\"," \
	"\"usecase_data\":{\"usecase\":\"USER_MEMBERSHIP\",\"data\":{" \
	"\"creator_user_id\":\"creator-1\",\"subscriber_user_id\":\"" payer \
	"\",\"subscriber_user_email\":\"ann.planted\\u0040example.org\"," \
	"\"subscriber_user_nickname\":\"AnnPlanted\"," \
	"\"custom_reference_id\":\"42\",\"membership_title\":\"Fan\"," \
	"\"price_event_id\":\"pe\",\"billing_period\":1," \
	"\"is_fee_covered\":true,\"is_fee_covered_forever\":false}}}}"

static const char *const gank_first = GANK("UM-1", "payer-planted");
static const char *const gank_second = GANK("UM-2", "payer-planted");

static void
by_hand(
    struct store *s, struct manual m, const char *platform, const char *subject)
{
	struct err e = { 0 };
	int64_t event;
	if (manual_put(s, &config, str_from(platform), str_from(subject), &m,
		1775000100, arena, &event, &e) != 0)
		OK(0, "by hand: %s", e.text);
}

/* All there is of Ann, and of two others. */
static struct commit *
fill(struct store **s)
{
	struct commit *commit = NULL;
	struct err e = { 0 };
	snprintf(database, sizeof(database), "%s/gatepost.db", folder);
	unlink(database);
	config.database = database;
	config.api_keys = (struct config_list){ keys, 1 };
	config.platforms[0].reference = STR("user_id");
	OK(commit_new(&config, &commit, &e) == 0 &&
		commit_prepare(commit, &e) == 0,
	    "open %s", e.text);
	const char *const bodies[] = { anns_sale, anns_renewal, anns_void,
		bobs_gift, strangers, kept, ping };
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		deliver(commit, &platform_gumroad, bodies[i]);
	deliver(commit, &platform_gank, gank_first);
	deliver_at(commit, &platform_gank, gank_second, 1775000050);
	OK(store_open(database, STORE_WRITE, s, &e) == 0, "open %s", e.text);
	by_hand(*s,
	    (struct manual){ .kind = MANUAL_LINK,
		.by = -1,
		.until = STORE_NULL,
		.user = STR("42") },
	    "gumroad", "subscription:SUB==");
	by_hand(*s,
	    (struct manual){ .kind = MANUAL_REVOKE,
		.by = -1,
		.until = STORE_NULL,
		.sale = STR("A2=="),
		.note = STR("asked by " ADDRESS) },
	    "gumroad", "subscription:SUB==");
	struct fact f;
	OK(platform_gumroad.decode(&platform_gumroad, str_from(anns_void),
	       &opts, arena, &f, &e) == 0,
	    "decode");
	by_hand(*s,
	    (struct manual){ .kind = MANUAL_VOID,
		.by = -1,
		.until = STORE_NULL,
		.deliveries = &f.delivery,
		.n_deliveries = 1 },
	    "gumroad", "subscription:SUB==");
	by_hand(*s,
	    (struct manual){ .kind = MANUAL_GRANT,
		.by = STORE_BY_EMAIL,
		.id = STR(ADDRESS),
		.until = STORE_NULL,
		.tier = STR("Pro") },
	    "manual", "grant:email:" ADDRESS);
	by_hand(*s,
	    (struct manual){ .kind = MANUAL_GRANT,
		.by = STORE_BY_USER,
		.id = STR("43"),
		.until = STORE_NULL,
		.tier = STR("Pro"),
		.note = STR("a friend of " ADDRESS) },
	    "manual", "grant:user:43");
	query("INSERT INTO outbox (kind, target, payload, state, due_at, "
	      "dedupe) VALUES ('mail', 'Ann.Planted@example.org', '{}', "
	      "'waiting', 0, 'a'), ('post', 'u', '{\"email\":\"" ADDRESS "\"}',"
	      " 'waiting', 0, 'b'), ('mail', 'jo" ADDRESS "', '{}', "
	      "'waiting', 0, 'c')");
	return commit;
}

static const char sums[] =
    "SELECT total(price) * 1000003 + count(*) * 10007 + total(sold_at) + "
    "total(since) * 3 + total(until) * 5 + total(paid_until) * 7 + "
    "count(tier) + count(DISTINCT sale) FROM purchases "
    "WHERE platform <> 'manual'";

static void
erase_ann(struct store *s, struct erase_result *r, int dry_run)
{
	struct err e = { 0 };
	struct erase_who who = { STORE_BY_EMAIL, STR(ADDRESS) };
	OK(erase_person(s, &config, &who, dry_run, 1775000200, r, &e) == 0,
	    "erase %s", e.text);
}

static void
check_gone(void)
{
	static const char *const gone[] = { ADDRESS, ANN, "Ann+Planted",
		"AnnPlanted", "payer-planted", "other.planted", "555-PLANTED",
		"\\u0040example", "ANN-LICENSE", "777001", "asked by",
		"a friend of" };
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		OK(grep(gone[i]) == 0, "%s is in no file", gone[i]);
}

static void
test_repeats(struct commit *commit)
{
	test_group("a repeat after");
	int64_t before = query(sums);
	OK(deliver(commit, &platform_gumroad, anns_sale) == INTAKE_DUPLICATE,
	    "is one");
	/* earlier than the first: this one is folded again */
	OK(deliver_at(commit, &platform_gumroad, anns_sale, 1774999000) ==
		INTAKE_DUPLICATE,
	    "one from before is one");
	OK(deliver_at(commit, &platform_gank, gank_second, 1775000040) ==
		INTAKE_DUPLICATE,
	    "Gank's is one");
	OK(query("SELECT count(*) FROM purchases WHERE email IS NOT NULL AND "
		 "sale IN ('A1==', 'A2==', 'UM-1', 'UM-2') OR user_ref = '42' "
		 "OR buyer IN ('777001', 'payer-planted')") == 0,
	    "the person stays away");
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'UM-2' AND "
		 "since IS NOT NULL") == 1 &&
		before != 0,
	    "the payment stays");
}

static void
print_diff(void *arg, struct str platform, struct str subject, size_t rows)
{
	(void)arg;
	printf("# %.*s %.*s: %zu\n", STR_ARG(platform), STR_ARG(subject), rows);
}

static void
test_rebuild(struct store *s)
{
	struct rebuild_result r = { 0 };
	struct err e = { 0 };
	test_group("rebuild after");
	struct arena *a = arena_new(64 * 1024 * 1024);
	int rc = rebuild_diff(s, &config, a, print_diff, NULL, &r, &e);
	OK(rc == 0 && r.changed_rows == 0 && r.subjects > 5,
	    "%lld rows of %lld subjects differ", (long long)r.changed_rows,
	    (long long)r.subjects);
	arena_free(a);
}

static void
test_email(void)
{
	struct store *s = NULL;
	struct erase_result dry, r;
	test_group("erase --email");
	struct commit *commit = fill(&s);
	leave_remains();
	int64_t before = query(sums),
		rows = query("SELECT count(*) FROM events");
	OK(grep(ADDRESS) > 0 && before > 0, "it is there before");
	int64_t changes = query("SELECT count(*) FROM changes");
	erase_ann(s, &dry, 1);
	OK(query("SELECT count(*) FROM purchases WHERE email = '" ADDRESS "'") >
		0,
	    "a dry run changes nothing");
	erase_ann(s, &r, 0);
	OK(grep(ADDRESS) == 0, "it is gone at once");
	OK(dry.events == r.events && dry.mentions == r.mentions &&
		dry.by_hand == r.by_hand && dry.subjects == r.subjects,
	    "a dry run counts: %lld %lld %lld %lld, %lld %lld %lld %lld",
	    (long long)dry.subjects, (long long)dry.events,
	    (long long)dry.mentions, (long long)dry.by_hand,
	    (long long)r.subjects, (long long)r.events, (long long)r.mentions,
	    (long long)r.by_hand);
	OK(r.events == 7 && r.mentions == 1 && r.by_hand == 5 && r.jobs == 2,
	    "counts: %lld jobs", (long long)r.jobs);
	OK(query(sums) == before, "sums and windows stay");
	OK(query("SELECT count(*) FROM events") == rows &&
		query("SELECT count(*) FROM changes") == changes,
	    "no event and no change more or less");
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'B1==' AND "
		 "email = 'bob@example.org' AND since IS NOT NULL") == 1,
	    "the gift stays the giftee's");
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'J1==' AND "
		 "email = 'joann.planted@example.org'") == 1,
	    "joann stays");
	OK(query("SELECT count(*) FROM purchases WHERE user_ref = '43'") == 1,
	    "a grant whose note names her stays");
	OK(query("SELECT count(*) FROM purchases WHERE platform = 'manual'") ==
		1,
	    "her own grant does not");
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'A3=='") == 0,
	    "what was void stays void");
	OK(query("SELECT count(*) FROM events WHERE peer IS NULL AND platform "
		 "<> 'manual'") == r.events + r.mentions,
	    "nor where it came from");
	OK(query("SELECT count(DISTINCT buyer) FROM purchases WHERE platform = "
		 "'gank' AND buyer LIKE 'erased-%'") == 1,
	    "one pseudonym");
	OK(query("SELECT count(*) FROM events WHERE status = 'kept' AND kind "
		 "= 'novelty'") == 1 &&
		query("SELECT count(*) FROM events WHERE status = 'test'") == 1,
	    "kept stays kept, a test a test");
	test_rebuild(s);
	test_repeats(commit);
	test_group("erase again");
	erase_ann(s, &r, 0);
	OK(r.events + r.mentions + r.by_hand == 0 && !r.resumed, "nothing");
	store_close(s);
	commit_free(commit);
	test_group("files after");
	check_gone();
}

static void
test_user(void)
{
	struct store *s = NULL;
	struct erase_result r = { 0 };
	struct err e = { 0 };
	struct erase_who who = { STORE_BY_USER, STR("42") };
	test_group("erase --user");
	struct commit *commit = fill(&s);
	OK(erase_person(s, &config, &who, 0, 1775000200, &r, &e) == 0 &&
		r.events == 5,
	    "%lld events %s", (long long)r.events, e.text);
	OK(query("SELECT count(*) FROM purchases WHERE user_ref = '42'") == 0 &&
		query("SELECT count(*) FROM changes WHERE user_ref = '42'") ==
		    0 &&
		query("SELECT count(*) FROM events WHERE body LIKE "
		      "'%\"42\"%' OR body LIKE '%5D=42%'") == 0,
	    "the id is gone");
	test_rebuild(s);
	test_group("an interrupted run");
	query("UPDATE meta SET value = 'unfinished' WHERE name = 'erase'");
	OK(erase_person(s, &config, &who, 0, 1775000200, &r, &e) == 0 &&
		r.resumed && r.events == 0,
	    "is finished by the next");
	OK(query("SELECT count(*) FROM meta WHERE name = 'erase' AND value = "
		 "''") == 1,
	    "and is over");
	store_close(s);
	commit_free(commit);
}

/* Addresses that only a link by hand knows. */
static void
test_linked(void)
{
	static const char *const linked[] = { "cleo.planted@example.org",
		"dora.planted@example.org" };
	struct store *s = NULL;
	struct err e = { 0 };
	test_group("erase a linked address");
	struct commit *commit = fill(&s);
	for (size_t i = 0; i < 2; i++)
		by_hand(s,
		    (struct manual){ .kind = MANUAL_LINK,
			.by = -1,
			.until = STORE_NULL,
			.email = str_from(linked[i]) },
		    "gumroad", "sale:B1==");
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'B1==' AND "
		 "email = 'dora.planted@example.org'") == 1,
	    "the later link holds");
	for (size_t i = 0; i < 2; i++) {
		struct erase_result r = { 0 };
		struct erase_who who = { STORE_BY_EMAIL, str_from(linked[i]) };
		OK(erase_person(s, &config, &who, 0, 1775000200, &r, &e) == 0 &&
			r.by_hand == 1 && r.subjects == (int64_t)i,
		    "%s: %lld by hand, %lld subjects %s", linked[i],
		    (long long)r.by_hand, (long long)r.subjects, e.text);
		OK(grep(linked[i]) == 0, "%s is in no file", linked[i]);
	}
	OK(query("SELECT count(*) FROM purchases WHERE sale = 'B1==' AND "
		 "email IS NULL AND since IS NOT NULL") == 1,
	    "the purchase stays, nobody's");
	test_rebuild(s);
	store_close(s);
	commit_free(commit);
}

/* ---- POST /v1/links ---- */

static int
post(const struct app *app, const char *key, const char *body, struct reply *p)
{
	char header[96];
	snprintf(header, sizeof(header), "HTTP_AUTHORIZATION=Bearer %s", key);
	const char *params[] = { "REQUEST_METHOD=POST", "REQUEST_URI=/v1/links",
		header, NULL };
	struct request r;
	arena_reset(arena);
	request_init(&r, arena, params, str_from(body), 0);
	reply_reset(p, arena);
	route_serve(app, &r, p);
	return p->status;
}

static void
test_links(void)
{
	struct store *s = NULL;
	struct reply p;
	test_group("links");
	struct commit *commit = fill(&s);
	struct app app = { .config = &config, .commit = commit };
	const char *key = keys[0].p;
	reply_init(&p);
	OK(post(&app, key, "{\"sale\":\"B1==\",\"user\":\"99\"}", &p) == 200 &&
		query("SELECT count(*) FROM purchases WHERE sale = 'B1==' AND "
		      "user_ref = '99'") == 1,
	    "a sale: %.*s", STR_ARG(buf_str(&p.body)));
	OK(post(&app, key, "{\"subscription\":\"SUB==\",\"user\":\"98\"}",
	       &p) == 200 &&
		query("SELECT count(*) FROM purchases WHERE user_ref = '98'") ==
		    2,
	    "a subscription");
	OK(post(&app, key, "{\"sale\":\"none\",\"user\":\"99\"}", &p) == 404,
	    "no such sale");
	static const char *const bad[] = { "", "{}", "[]",
		"{\"sale\":\"B1==\"}", "{\"user\":\"1\"}",
		"{\"sale\":\"B1==\",\"subscription\":\"SUB==\",\"user\":\"1\"}",
		"{\"sale\":\"B1==\",\"user\":7}",
		"{\"sale\":\"B1==\",\"user\":\"\"}",
		"{\"sale\":\"B1==\",\"user\":\"a\\nb\"}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(post(&app, key, bad[i], &p) == 400, "bad: %s", bad[i]);
	OK(post(&app, "wrong", "{\"sale\":\"B1==\",\"user\":\"1\"}", &p) == 401,
	    "no key");
	struct err e = { 0 };
	OK(store_begin(s, &e) == 0 &&
		post(&app, key, "{\"sale\":\"B1==\",\"user\":\"1\"}", &p) ==
		    503 &&
		p.n_headers == 1,
	    "busy");
	store_rollback(s);
	reply_free(&p);
	store_close(s);
	commit_free(commit);
}

int
main(void)
{
	struct err e;
	if (crypto_init(&e) != 0 || mkdtemp(folder) == NULL)
		return 1;
	arena = arena_new(64 * 1024 * 1024);
	redact_fixtures(&platform_gumroad);
	redact_fixtures(&platform_gank);
	redact_odd();
	test_mentions();
	test_lose();
	test_email();
	test_user();
	test_linked();
	test_links();
	arena_free(arena);
	unlink(database);
	rmdir(folder);
	return test_end();
}

#include "test.h"

#include <unistd.h>

#include "base/crypto.h"
#include "base/time.h"
#include "access/access.h"
#include "commit/intake.h"
#include "fold/manual.h"
#include "commit/manual_put.h"
#include "commit/rebuild.h"
#include "commit/sweep.h"

/* What is done by hand, by time and by rebuilding, through the real decoders
 * and tables. Times are days of 2026, at 10:00 UTC. */

static char folder[] = "/tmp/t_work.XXXXXX";
static char database[128];
static struct tier_grant pro_grant = { { "gumroad", 7 }, { "club", 4 },
	{ NULL, 0 } };
static struct tier tiers[1];
static struct config config;
static struct commit *commit;
static struct store *store;
static struct arena *arena;

static int64_t
day(const char *z)
{
	char text[64];
	int64_t t = 0;
	snprintf(text, sizeof(text), "2026-%sT10:00:00Z", z);
	if (time_parse(str_from(text), &t) != 0)
		OK(0, "not a day: %s", z);
	return t;
}

/* A new database, no tiers configured. */
static void
begin(const char *name)
{
	struct err e = { 0 };
	test_group(name);
	commit_free(commit);
	store_close(store);
	commit = NULL;
	store = NULL;
	snprintf(database, sizeof(database), "%s/%s.db", folder, name);
	config = (struct config){ .database = database };
	config.platforms[platform_index(&platform_gumroad)].reference =
	    STR("user_id");
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		config.rules.grace[i] = 7 * 86400;
	OK(commit_new(&config, &commit, &e) == 0 &&
		commit_prepare(commit, &e) == 0 &&
		store_open(database, STORE_WRITE, &store, &e) == 0,
	    "open: %s", e.text);
}

static int64_t
deliver(const struct platform *p, const char *body, const char *at,
    enum intake_status want)
{
	struct err e = { 0 };
	struct intake_answer answer = { 0 };
	struct verify_result proof = { .by = "aabbccddeeff" };
	struct intake_request in = {
		.platform = p, .body = str_from(body), .now = day(at)
	};
	proof.sent_at = p == &platform_gank ? in.now : FACT_NO_TIME;
	arena_reset(arena);
	intake_store(commit, &config, &in, &proof, arena, &answer, &e);
	OK(answer.status == want, "delivered on %s %s", at, e.text);
	return answer.event;
}

#define SALE(sale, sub, at, rest) \
	"sale_id=" sale "&sale_timestamp=2026-" at \
	"T10:00:00Z&permalink=club&subscription_id=" sub \
	"&recurrence=monthly&email=ada%40example.com&refunded=false" rest \
	"&resource_name=sale"

static const char *
tier_at(enum store_by by, const char *id, const char *at)
{
	static char text[256];
	struct access_key key;
	struct access x;
	struct err e = { 0 };
	arena_reset(arena);
	if (access_key_parse(by, str_from(id), arena, &key, &e) != 0 ||
	    access_lookup(store, &config.rules, &key, day(at), arena, &x, &e) !=
		0)
		return "error";
	snprintf(text, sizeof(text), "%.*s",
	    x.tier.p == NULL ? 1 : (int)x.tier.n,
	    x.tier.p == NULL ? "-" : x.tier.p);
	return text;
}

#define TIER(by, id, at, want) \
	IS(str_from(tier_at(by, id, at)), want, "tier of " id " on " at)

static int64_t
hand(const char *platform, const char *subject, struct manual m, const char *at)
{
	struct err e = { 0 };
	int64_t event = 0;
	arena_reset(arena);
	OK(manual_put(store, &config, str_from(platform), str_from(subject), &m,
	       day(at), arena, &event, &e) == 0,
	    "by hand: %s %s", manual_words[m.kind], e.text);
	return event;
}

static struct manual
does(enum manual_kind kind)
{
	return (struct manual){ .kind = kind, .by = -1, .until = STORE_NULL };
}

/* The number of the newest change of that user. */
static int64_t
count(struct str text)
{
	int64_t n = 0, from;
	OK(store_change_last_of(store, STORE_BY_USER, text, &n, &from, NULL) ==
		0,
	    "changes are read");
	return n;
}

static void
test_link(void)
{
	struct manual link = does(MANUAL_LINK);
	begin("link");
	deliver(&platform_gumroad, SALE("S1", "U1", "01-10", ""), "01-10",
	    INTAKE_RECORDED);
	TIER(STORE_BY_USER, "42", "01-11", "-");
	link.user = STR("42");
	hand("gumroad", "subscription:U1", link, "01-11");
	TIER(STORE_BY_USER, "42", "01-12", "club");
	deliver(&platform_gumroad, SALE("S2", "U1", "02-10", ""), "02-10",
	    INTAKE_RECORDED);
	TIER(STORE_BY_USER, "42", "02-28", "club");
	link.user = STR("43");
	hand("gumroad", "subscription:U1", link, "02-11");
	TIER(STORE_BY_USER, "42", "02-12", "-");
	TIER(STORE_BY_USER, "43", "02-12", "club");
	hand("gumroad", "subscription:U1", does(MANUAL_UNLINK), "02-11");
	TIER(STORE_BY_USER, "43", "02-12", "-");
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-12", "club");
}

static void
test_link_email(void)
{
	struct manual link = does(MANUAL_LINK);
	begin("link to an address");
	deliver(&platform_gumroad,
	    SALE("S1", "U1", "01-10", "&url_params[user_id]=42"), "01-10",
	    INTAKE_RECORDED);
	link.email = STR("bob@example.com");
	hand("gumroad", "subscription:U1", link, "01-11");
	TIER(STORE_BY_EMAIL, "bob@example.com", "01-12", "club");
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-12", "-");
	TIER(STORE_BY_USER, "42", "01-12", "club");
	deliver(&platform_gumroad, SALE("S2", "U1", "02-10", ""), "02-10",
	    INTAKE_RECORDED);
	TIER(STORE_BY_EMAIL, "bob@example.com", "02-28", "club");
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-28", "-");
	struct manual user = does(MANUAL_LINK);
	user.user = STR("43");
	hand("gumroad", "subscription:U1", user, "02-11");
	TIER(STORE_BY_USER, "43", "02-12", "club");
	TIER(STORE_BY_EMAIL, "bob@example.com", "02-12", "club");
	hand("gumroad", "subscription:U1", does(MANUAL_UNLINK), "02-13");
	TIER(STORE_BY_USER, "43", "02-14", "-");
	TIER(STORE_BY_EMAIL, "bob@example.com", "02-14", "-");
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-14", "club");
}

static void
test_revoke(void)
{
	struct manual revoke = does(MANUAL_REVOKE);
	begin("revoke");
	deliver(&platform_gumroad, SALE("S1", "U1", "01-10", ""), "01-10",
	    INTAKE_RECORDED);
	hand("gumroad", "subscription:U1", revoke, "01-20");
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-19", "club");
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-21", "-");
	deliver(&platform_gumroad, SALE("S2", "U1", "02-10", ""), "02-10",
	    INTAKE_RECORDED);
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-11", "club");
	revoke.sale = STR("S2");
	hand("gumroad", "subscription:U1", revoke, "02-12");
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-13", "-");
	struct manual restore = does(MANUAL_RESTORE);
	restore.sale = STR("S2");
	hand("gumroad", "subscription:U1", restore, "02-14");
	TIER(STORE_BY_EMAIL, "ada@example.com", "02-15", "club");
}

static void
test_void(void)
{
	struct fact f;
	struct str key;
	struct manual m = does(MANUAL_VOID);
	struct decode_opts opts = { STR("user_id") };
	static const char refund[] =
	    "sale_id=S1&sale_timestamp=2026-01-10T10:00:00Z&permalink=club"
	    "&subscription_id=U1&recurrence=monthly&email=ada%40example.com"
	    "&refunded=true&resource_name=refund";
	begin("void");
	deliver(&platform_gumroad, SALE("S1", "U1", "01-10", ""), "01-10",
	    INTAKE_RECORDED);
	deliver(&platform_gumroad, refund, "01-12", INTAKE_RECORDED);
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-13", "-");
	arena_reset(arena);
	platform_gumroad.decode(
	    &platform_gumroad, str_from(refund), &opts, arena, &f, NULL);
	char text[80];
	snprintf(text, sizeof(text), "%.*s", STR_ARG(f.delivery));
	key = str_from(text);
	m.deliveries = &key;
	m.n_deliveries = 1;
	hand("gumroad", "subscription:U1", m, "01-14");
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-15", "club");
	deliver(&platform_gumroad, refund, "01-15", INTAKE_DUPLICATE);
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-16", "club");
	m.kind = MANUAL_UNVOID;
	hand("gumroad", "subscription:U1", m, "01-17");
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-18", "-");
}

static void
test_grant(void)
{
	struct manual m = does(MANUAL_GRANT);
	begin("grant");
	m.by = STORE_BY_USER;
	m.id = STR("42");
	m.tier = STR("vip");
	m.until = day("02-01");
	hand("manual", "grant:user:42", m, "01-10");
	TIER(STORE_BY_USER, "42", "01-11", "vip");
	TIER(STORE_BY_USER, "42", "02-02", "-");
	m.until = STORE_NULL;
	hand("manual", "grant:user:42", m, "01-15");
	TIER(STORE_BY_USER, "42", "12-11", "vip");
	hand("manual", "grant:user:42", does(MANUAL_REVOKE), "03-01");
	TIER(STORE_BY_USER, "42", "02-28", "vip");
	TIER(STORE_BY_USER, "42", "03-02", "-");
	m.by = STORE_BY_BUYER;
	m.id = STR("gumroad:7");
	hand("manual", "grant:buyer:gumroad:7", m, "01-10");
	TIER(STORE_BY_BUYER, "gumroad:7", "01-11", "vip");
	TIER(STORE_BY_BUYER, "gank:7", "01-11", "-");
}

/* A refund that names another subscription than its sale is still that sale's
 * refund, whichever comes first. */
static void
test_adopted(void)
{
	static const char *const bodies[] = {
		SALE("S1", "U1", "01-10", ""),
		"sale_id=S1&sale_timestamp=2026-01-10T10:00:00Z&permalink=club"
		"&refunded=true&email=ada%40example.com&resource_name=refund",
	};
	begin("adopted");
	deliver(&platform_gumroad, bodies[0], "01-10", INTAKE_RECORDED);
	deliver(&platform_gumroad, bodies[1], "01-12", INTAKE_RECORDED);
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-13", "-");
	begin("adopted2");
	deliver(&platform_gumroad, bodies[1], "01-10", INTAKE_RECORDED);
	deliver(&platform_gumroad, bodies[0], "01-12", INTAKE_RECORDED);
	TIER(STORE_BY_EMAIL, "ada@example.com", "01-13", "-");
}

static void
test_changes(void)
{
	static const char first[] =
	    SALE("S1", "U1", "01-10", "&url_params[user_id]=42");
	begin("changes");
	OK(count(STR("42")) == 0, "none yet");
	deliver(&platform_gumroad, first, "01-10", INTAKE_RECORDED);
	int64_t a = count(STR("42"));
	OK(a > 0, "a sale is one");
	deliver(&platform_gumroad, first, "01-11", INTAKE_DUPLICATE);
	OK(count(STR("42")) == a, "a repeat is none");
	deliver(&platform_gumroad, SALE("S2", "U1", "02-10", ""), "02-10",
	    INTAKE_RECORDED);
	int64_t b = count(STR("42"));
	OK(b > a, "a renewal is one: access goes on longer");
	deliver(&platform_gumroad, SALE("S0", "U1", "01-01", ""), "02-11",
	    INTAKE_RECORDED);
	OK(count(STR("42")) == b, "a window long over is none");
}

static int64_t
sweep(const char *at)
{
	struct err e = { 0 };
	int64_t noted = -1;
	OK(sweep_once(store, &config, day(at), arena, &noted, &e) == 0,
	    "sweep on %s %s", at, e.text);
	return noted;
}

static void
test_sweep(void)
{
	begin("sweep");
	OK(sweep("01-01") == 0, "nothing to look back on");
	deliver(&platform_gumroad,
	    SALE("S1", "U1", "01-10", "&url_params[user_id]=42"), "01-10",
	    INTAKE_RECORDED);
	OK(sweep("01-12") == 0, "open");
	deliver(&platform_gumroad, SALE("S2", "U1", "02-10", ""), "02-10",
	    INTAKE_RECORDED);
	OK(sweep("02-12") == 0, "renewed: no change of tier");
	OK(sweep("03-12") == 0, "in grace");
	int64_t before = count(STR("42"));
	OK(sweep("03-20") == 1, "over");
	OK(count(STR("42")) > before, "noted for the user");
	OK(sweep("03-20") == 0 && sweep("03-21") == 0, "once");
	struct manual m = does(MANUAL_GRANT);
	m.by = STORE_BY_USER;
	m.id = STR("42");
	m.tier = STR("vip");
	m.until = day("04-01");
	hand("manual", "grant:user:42", m, "03-22");
	OK(sweep("04-02") == 1, "a grant runs out");
}

/* What opened and closed since the last sweep has been told, or is over. */
static void
test_sweep_told(void)
{
	static const char sale[] =
	    SALE("S1", "U1", "01-10", "&url_params[user_id]=42");
	static const char refund[] =
	    "sale_id=S1&sale_timestamp=2026-01-10T10:00:00Z&permalink=club"
	    "&subscription_id=U1&recurrence=monthly&email=ada%40example.com"
	    "&refunded=true&resource_name=refund";
	begin("sweep_told");
	sweep("01-09");
	deliver(&platform_gumroad, sale, "01-10", INTAKE_RECORDED);
	deliver(&platform_gumroad, refund, "01-11", INTAKE_RECORDED);
	int64_t told = count(STR("42"));
	OK(sweep("01-12") == 0 && count(STR("42")) == told,
	    "a sale and its refund are told once");
	begin("sweep_over");
	sweep("01-09");
	deliver(&platform_gumroad, refund, "01-11", INTAKE_RECORDED);
	deliver(&platform_gumroad, sale, "01-12", INTAKE_RECORDED);
	told = count(STR("42"));
	OK(sweep("01-14") == 0 && count(STR("42")) == told,
	    "a sale that came after its refund is not told");
}

static void
set_tier(void)
{
	tiers[0] = (struct tier){ .name = STR("pro"),
		.rank = 5,
		.grants = &pro_grant,
		.n_grants = 1 };
	config.rules.tiers = tiers;
	config.rules.n_tiers = 1;
}

static int
is_needed(void)
{
	int needed = -1;
	OK(rebuild_needed(store, &config, &needed, NULL) == 0, "asked");
	return needed;
}

static void
to_the_end(struct rebuild_result *r)
{
	struct err e = { 0 };
	*r = (struct rebuild_result){ 0 };
	for (int i = 0; i < 100000 && !r->done; i++)
		if (rebuild_step(store, &config, day("02-01"), arena, r, &e) !=
		    0)
			break;
	OK(r->done, "done %s", e.text);
}

static void
diff_row(void *arg, struct str platform, struct str subject, size_t rows)
{
	(void)platform;
	(void)subject;
	*(size_t *)arg += rows;
}

static void
test_rebuild(void)
{
	enum { SUBJECTS = 450 };
	struct rebuild_result r;
	struct err e = { 0 };
	begin("rebuild");
	to_the_end(&r);
	OK(!is_needed(), "an empty log is soon done");
	for (int i = 0; i < SUBJECTS; i++) {
		char body[512];
		snprintf(body, sizeof(body),
		    "sale_id=S%d&sale_timestamp=2026-01-10T10:00:00Z"
		    "&permalink=club&email=u%d%%40example.com"
		    "&resource_name=sale",
		    i, i);
		struct intake_answer answer = { 0 };
		struct verify_result proof = { .sent_at = FACT_NO_TIME };
		struct intake_request in = { .platform = &platform_gumroad,
			.body = str_from(body),
			.now = day("01-10") };
		arena_reset(arena);
		intake_store(commit, &config, &in, &proof, arena, &answer, &e);
	}
	TIER(STORE_BY_EMAIL, "u7@example.com", "01-11", "club");
	OK(!is_needed(), "nothing to do");
	set_tier();
	OK(is_needed(), "other rules");
	size_t rows = 0;
	r = (struct rebuild_result){ 0 };
	OK(rebuild_diff(store, &config, arena, diff_row, &rows, &r, &e) == 0 &&
		rows == SUBJECTS && r.subjects == SUBJECTS,
	    "the diff tells all: %zu", rows);
	TIER(STORE_BY_EMAIL, "u7@example.com", "01-11", "club");
	r = (struct rebuild_result){ 0 };
	OK(rebuild_step(store, &config, day("02-01"), arena, &r, &e) == 0 &&
		r.subjects > 0 && r.subjects < SUBJECTS && !r.done,
	    "one step does a part: %lld", (long long)r.subjects);
	int64_t part = r.subjects;
	store_close(store);
	OK(store_open(database, STORE_WRITE, &store, &e) == 0, "interrupted");
	to_the_end(&r);
	OK(r.subjects == SUBJECTS - part, "it goes on where it stood: %lld",
	    (long long)r.subjects);
	OK(r.changed_rows == r.subjects, "each of them changed");
	TIER(STORE_BY_EMAIL, "u7@example.com", "01-11", "pro");
	TIER(STORE_BY_EMAIL, "u449@example.com", "01-11", "pro");
	OK(!is_needed(), "done for these rules");
	OK(rebuild_restart(store, &config, &e) == 0 && is_needed(), "again");
	to_the_end(&r);
	OK(r.subjects == SUBJECTS && r.changed_rows == 0, "changes nothing");
}

/* A subject that no sale belongs to has a row all the same. */
static void
test_rebuild_subscription(void)
{
	struct rebuild_result r;
	struct err e = { 0 };
	size_t rows = 0;
	begin("lone");
	deliver(&platform_gumroad,
	    "subscription_id=U1&product_id=P&user_email=ada%40example.com"
	    "&created_at=2026-01-01T10:00:00Z&recurrence=monthly"
	    "&resource_name=subscription_ended"
	    "&ended_at=2026-02-01T10:00:00Z&ended_reason=cancelled",
	    "02-01", INTAKE_RECORDED);
	OK(store_subscription_drop(
	       store, STR("gumroad"), STR("subscription:U1"), &e) == 0,
	    "its row is lost");
	r = (struct rebuild_result){ 0 };
	OK(rebuild_diff(store, &config, arena, diff_row, &rows, &r, &e) == 0 &&
		rows == 1,
	    "the diff misses it");
	OK(rebuild_restart(store, &config, &e) == 0, "again");
	to_the_end(&r);
	OK(r.changed_rows == 1, "it is back");
}

int
main(void)
{
	if (crypto_init(NULL) != 0 || mkdtemp(folder) == NULL)
		return 1;
	arena = arena_new((size_t)64 * 1024 * 1024);
	test_link();
	test_link_email();
	test_revoke();
	test_void();
	test_grant();
	test_adopted();
	test_changes();
	test_sweep();
	test_sweep_told();
	test_rebuild();
	test_rebuild_subscription();
	commit_free(commit);
	store_close(store);
	arena_free(arena);
	char command[160];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		return 1;
	return test_end();
}

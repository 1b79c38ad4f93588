/* Entries of a list of members on their way into the database. */

#include "test.h"

#include <unistd.h>

#include "base/time.h"
#include "commit/commit.h"
#include "commit/intake.h"
#include "commit/reading.h"
#include "commit/rebuild.h"
#include "person/erase.h"
#include "store/truth.h"

enum { DAY = 86400, NOW = 1770000000 }; /* 2026-02-02T02:40:00Z */

static char folder[] = "/tmp/t_entries.XXXXXX";
static char database[64];
static struct config config;
static struct store *store;
static struct arena *arena;

static void
begin(const char *name)
{
	static int n;
	struct err e = { 0 };
	test_group(name);
	snprintf(database, sizeof(database), "%s/%d.db", folder, ++n);
	config = (struct config){ .database = database };
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		config.rules.grace[i] = 7 * DAY;
	arena = arena_new(64 * 1024 * 1024);
	OK(store_open(database, STORE_CREATE, &store, &e) == 0, "open %s",
	    e.text);
}

static void
end(void)
{
	store_close(store);
	arena_free(arena);
}

static const char *
text_of(int64_t t)
{
	char *text = arena_alloc(arena, TIME_TEXT_MAX);
	time_text(t, text);
	return text;
}

static struct reading
entry(const char *payer, int64_t start, int64_t ends, int64_t asked_at)
{
	return (struct reading){ .platform = &platform_gank,
		.kind = STR(PLATFORM_SUBSCRIBER),
		.verified_by = STR("0123456789ab"),
		.requested_at = asked_at,
		.at = asked_at + 1,
		.body = str_from(arena_printf(arena,
		    "{\"event\":\"subscriber\",\"supporter_user_id\":\"%s\","
		    "\"creator_user_id\":\"c1\",\"membership_setting_id\":"
		    "\"s1\",\"subscription_start\":\"%s\","
		    "\"subscription_end\":\"%s\"}",
		    payer, text_of(start), text_of(ends))) };
}

static struct reading_result
put(const struct reading *r, int dry)
{
	struct reading_result out = { 0 };
	struct reading now = *r;
	struct err e = { 0 };
	/* all that is asked for below is past by then */
	if (now.at < NOW + 2 * DAY)
		now.at = NOW + 2 * DAY;
	if (reading_put(store, &config, &now, 1, dry, arena, &out, &e) != 0)
		OK(0, "put: %s", e.text);
	return out;
}

/* "WHAT SALE SUBSCRIPTION HAD HAS", or "". */
static void
drifts(const struct reading_result *r, const char *want)
{
	struct str s = STR("");
	if (r->n_drift > 0)
		s = str_from(arena_printf(arena, "%s %.*s %.*s %.*s %.*s",
		    r->drift[0].what, STR_ARG(r->sale),
		    STR_ARG(r->subscription), STR_ARG(r->drift[0].had),
		    STR_ARG(r->drift[0].has)));
	IS(s, want, "drift");
	OK(r->n_drift < 2, "one at most");
}

static void
pay(const char *sale, const char *payer, const char *title, int64_t t)
{
	struct commit *commit = NULL;
	struct intake_answer out = { 0 };
	struct err e = { 0 };
	struct verify_result proof = { .sent_at = t };
	struct intake_request in = { .platform = &platform_gank,
		.now = t + 1,
		.body = str_from(arena_printf(arena,
		    "{\"event\":\"USER_MEMBERSHIP.TX_SUCCEED\",\"data\":{"
		    "\"human_id\":\"%s\",\"payment_status\":\"SUCCEED\","
		    "\"usecase_data\":{\"data\":{\"billing_period\":1,"
		    "\"creator_user_id\":\"c1\",\"membership_title\":\"%s\","
		    "\"custom_reference_id\":\"u-%s\","
		    "\"subscriber_user_id\":\"%s\"}}}}",
		    sale, title, payer, payer)) };
	OK(commit_new(&config, &commit, &e) == 0, "commit %s", e.text);
	intake_store(commit, &config, &in, &proof, arena, &out, &e);
	OK(out.status == INTAKE_RECORDED, "%s is recorded %s", sale, e.text);
	commit_free(commit);
}

static int
take_until(void *arg, const struct store_purchase *row)
{
	*(int64_t *)arg = row->until;
	return 1;
}

static int64_t
until(const char *sale)
{
	int64_t t = 0;
	struct err e = { 0 };
	OK(store_purchase_get(
	       store, STR("gank"), str_from(sale), take_until, &t, &e) == 0,
	    "%s: %s", sale, e.text);
	return t;
}

static int
take_seen(void *arg, const struct store_event *ev)
{
	*(int64_t *)arg = ev->last_seen_at;
	return 1;
}

static int64_t
seen(int64_t event)
{
	int64_t t = 0;
	OK(store_event_get(store, event, take_seen, &t, NULL) == 0, "event");
	return t;
}

/* The rows follow from the log alone. */
static void
rebuilt(void)
{
	struct rebuild_result r = { 0 };
	struct err e = { 0 };
	struct arena *a = arena_new(64 * 1024 * 1024);
	OK(rebuild_restart(store, &config, &e) == 0, "restart %s", e.text);
	for (int i = 0; i < 100 && !r.done; i++)
		if (rebuild_step(store, &config, NOW, a, &r, &e) != 0)
			break;
	OK(r.done && r.changed_rows == 0, "%lld rows change",
	    (long long)r.changed_rows);
	arena_free(a);
}

static void
test_lengthens(void)
{
	begin("an entry lengthens a membership");
	pay("UM-1", "ada", "Fan", NOW - 50 * DAY);
	struct reading r = entry("ada", NOW - 50 * DAY, NOW + 12 * DAY, NOW);
	struct reading_result dry = put(&r, 1);
	const char *alive = arena_printf(arena, "alive UM-1 ada %s %s",
	    text_of(time_add_months(NOW - 50 * DAY, 1) + 7 * DAY),
	    text_of(NOW + 12 * DAY));
	drifts(&dry, alive);
	OK(until("UM-1") < NOW, "a dry run leaves it");
	struct reading_result out = put(&r, 0);
	OK(out.became == READING_STORED && !out.kept && !out.open, "stored");
	drifts(&out, alive);
	OK(until("UM-1") == NOW + 12 * DAY, "lasts");
	rebuilt();
	end();
}

static void
test_same(void)
{
	begin("the same again, once a day");
	pay("UM-1", "ada", "Fan", NOW - DAY);
	struct reading r = entry("ada", NOW - DAY, NOW + 12 * DAY, NOW);
	struct reading_result first = put(&r, 0);
	r.requested_at = NOW + 3600;
	struct reading_result again = put(&r, 0);
	OK(again.became == READING_SAME && again.event == first.event &&
		seen(first.event) == NOW,
	    "within a day");
	r.requested_at = NOW + DAY;
	again = put(&r, 0);
	OK(again.became == READING_SAME && seen(first.event) == NOW + DAY,
	    "a day later");
	r.requested_at = NOW + DAY - 1;
	OK(put(&r, 0).became == READING_OLD, "asked for before");
	struct reading more =
	    entry("ada", NOW - DAY, NOW + 90 * DAY, NOW + DAY + 1);
	struct reading_result other = put(&more, 0);
	OK(other.became == READING_STORED && other.event != first.event,
	    "another end");
	r.requested_at = NOW + DAY + 2;
	OK(put(&r, 0).became == READING_STORED, "A, B, A");
	OK(until("UM-1") < NOW + 60 * DAY, "the last one counts");
	struct reading renewed =
	    entry("ada", NOW + 30 * DAY, NOW + 60 * DAY, NOW + DAY + 3);
	put(&renewed, 0);
	OK(until("UM-1") == NOW + 60 * DAY, "one of another begin");
	rebuilt();
	end();
}

static void
test_missing(void)
{
	begin("a member of whom nothing came");
	struct reading r = entry("zoe", NOW, NOW + 12 * DAY, NOW);
	struct reading_result out = put(&r, 0);
	OK(out.became == READING_STORED && out.open, "open");
	drifts(&out,
	    arena_printf(arena, "missing  zoe  %s", text_of(NOW + 12 * DAY)));
	r.requested_at++;
	out = put(&r, 0);
	OK(out.became == READING_SAME && out.n_drift == 0, "told once");
	struct reading over = entry("eve", NOW - 90 * DAY, NOW - DAY, NOW);
	out = put(&over, 0);
	OK(!out.open && out.n_drift == 0, "who is none any more is not");
	pay("UM-TEST-1", "zoe", "Fan", NOW);
	OK(until("UM-TEST-1") == STORE_NULL, "a test gives nothing");
	pay("UM-1", "zoe", "Fan", NOW - 50 * DAY);
	OK(until("UM-1") == NOW + 12 * DAY, "a late payment has it");
	rebuilt();
	end();
}

static void
test_which(void)
{
	begin("which membership");
	pay("UM-1", "ada", "Bronze", NOW - 100 * DAY);
	pay("UM-2", "ada", "Silver", NOW - 50 * DAY);
	struct reading r = entry("ada", NOW - 52 * DAY, NOW + 9 * DAY, NOW);
	struct reading_result out = put(&r, 0);
	IS(out.sale, "UM-2", "the nearest");
	OK(until("UM-1") < NOW && until("UM-2") == NOW + 9 * DAY, "until");
	rebuilt();
	pay("UM-3", "ada", "Bronze", NOW - 53 * DAY);
	OK(until("UM-2") < NOW && until("UM-3") == NOW + 9 * DAY, "moved");
	rebuilt();
	pay("UM-4", "ada", "Gold", NOW - 51 * DAY);
	OK(until("UM-2") < NOW && until("UM-3") < NOW && until("UM-4") < NOW,
	    "as near: none");
	rebuilt();
	end();
}

static void
test_many(void)
{
	begin("many memberships");
	pay("UM-0", "ada", "Fan", NOW - 50 * DAY);
	struct reading r = entry("ada", NOW - 50 * DAY, NOW + 9 * DAY, NOW);
	put(&r, 0);
	for (int i = 1; i < 66; i++) {
		pay(arena_printf(arena, "UM-%d", i), "ada",
		    arena_printf(arena, "T%d", i), NOW - 200 * DAY - i);
		if (i == 63)
			OK(until("UM-0") == NOW + 9 * DAY, "the nearest of 64");
	}
	OK(until("UM-0") < NOW, "of more nothing is clear");
	rebuilt();
	end();
}

static void
test_other(void)
{
	begin("of others");
	pay("UM-1", "ada", "Fan", NOW - 50 * DAY);
	config.platforms[platform_index(&platform_gank)].owner = STR("c2");
	struct reading r = entry("ada", NOW - 50 * DAY, NOW + 12 * DAY, NOW);
	struct reading_result out = put(&r, 0);
	OK(out.kept && out.n_drift == 0 && until("UM-1") < NOW,
	    "another creator's is kept");
	config.platforms[platform_index(&platform_gank)].owner = STR_NONE;
	struct reading b = entry("ad", NOW - 50 * DAY, NOW + 12 * DAY, NOW);
	put(&b, 0);
	struct reading c = entry("ada:Fan", NOW, NOW + 12 * DAY, NOW);
	put(&c, 0);
	OK(until("UM-1") < NOW, "of ids that begin alike, no other's");
	rebuilt();
	end();
}

static void
test_erased(void)
{
	struct erase_result x;
	struct err e = { 0 };
	const struct erase_who who = { STORE_BY_USER, STR("u-ada") };
	begin("erased");
	pay("UM-1", "ada", "Fan", NOW - 50 * DAY);
	struct reading r = entry("ada", NOW - 50 * DAY, NOW + 12 * DAY, NOW);
	put(&r, 0);
	OK(erase_person(store, &config, &who, 0, NOW, &x, &e) == 0 &&
		x.subjects == 2,
	    "%lld subjects %s", (long long)x.subjects, e.text);
	struct reading more =
	    entry("ada", NOW - 50 * DAY, NOW + 90 * DAY, NOW + 9);
	OK(put(&more, 0).became == READING_ERASED, "nobody comes back");
	OK(until("UM-1") < NOW, "it lasts as paid");
	rebuilt();
	end();
}

int
main(void)
{
	char command[64];
	if (mkdtemp(folder) == NULL)
		return 1;
	test_lengthens();
	test_same();
	test_missing();
	test_which();
	test_many();
	test_other();
	test_erased();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
	return test_end();
}

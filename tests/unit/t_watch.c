#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/time.h"
#include "commit/intake.h"
#include "health/watch.h"

/* A month of looks, once an hour, and the mails that come of them: no more,
 * and no fewer. Other findings of this machine are there from the first look
 * to the last. */

enum { HOUR = 3600, DAY = 86400, MAILS_MAX = 64 };

static char folder[] = "/tmp/t_watch.XXXXXX";
static struct config *config;
static struct commit *commit;
static struct store *store;
static struct arena *arena;
static int64_t begun, now;
static struct watch watch, other;
static int64_t refused, taken_at;

static void
count_refused(size_t platform, int64_t *n, int64_t *last)
{
	*n = platform == platform_index(&platform_gumroad) ? refused : 0;
	*last = taken_at;
}

static void
begin(void)
{
	struct err e = { 0 };
	char path[64];
	static const char text[] = "database = 'watch.db'\n"
				   "alert_mail = 'owner@example.org'\n"
				   "tier 'pro' { rank = 1 grants = { "
				   "'gumroad/club' } }\n"
				   "gumroad { tokens = { "
				   "'0123456789abcdef0123456789abcdef' } }\n"
				   "on 'alert' { http 'chat' { url = "
				   "'https://chat.example.org/x' } }\n";
	OK(mkdtemp(folder) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/gatepost.conf", folder);
	FILE *f = fopen(path, "w");
	OK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 &&
		chmod(path, 0600) == 0,
	    "settings");
	OK(config_load(path, &config, &e) == 0 &&
		commit_new(config, &commit, &e) == 0 &&
		commit_prepare(commit, &e) == 0 &&
		store_open(config->database, STORE_WRITE, &store, &e) == 0,
	    "open %s", e.text);
	time_parse(STR("2026-11-01T10:00:00Z"), &begun);
	now = begun;
	watch = (struct watch){ .config = config, .refused = count_refused };
	other = watch;
}

static void
sell(int64_t at)
{
	static int n;
	char body[256], when[TIME_TEXT_MAX];
	struct err e = { 0 };
	struct intake_answer answer = { 0 };
	struct verify_result proof = { .by = "aabbccddeeff",
		.sent_at = FACT_NO_TIME };
	snprintf(body, sizeof(body),
	    "sale_id=S%d&sale_timestamp=%s&permalink=club&"
	    "email=a%%40example.org&refunded=false&resource_name=sale",
	    n++, time_text(at, when));
	struct intake_request in = {
		.platform = &platform_gumroad, .body = str_from(body), .now = at
	};
	arena_reset(arena);
	intake_store(commit, config, &in, &proof, arena, &answer, &e);
	if (answer.status != INTAKE_RECORDED)
		OK(0, "sold: %s", e.text);
	taken_at = at;
}

static struct told {
	int mails, chats;
	int64_t last; /* id */
	int64_t ids[MAILS_MAX];
	int n;
	char text[1 << 18]; /* of the mails */
} told;

static int
take_row(void *arg, const struct store_outbox *row)
{
	size_t used = strlen(told.text);
	(void)arg;
	told.last = row->id;
	if (told.n < MAILS_MAX)
		told.ids[told.n++] = row->id;
	told.chats += str_eq_z(row->kind, "http") &&
	    memmem(row->payload.p, row->payload.n, "\"text\":\"", 8) != NULL;
	if (!str_eq_z(row->kind, "mail"))
		return 0;
	told.mails++;
	snprintf(told.text + used, sizeof(told.text) - used, "%.*s\n",
	    STR_ARG(row->payload));
	return 0;
}

/* So many hours, and how many mails came within them; what goes out goes. */
static int
hours(int n)
{
	struct err e = { 0 };
	told.mails = told.chats = 0;
	told.text[0] = '\0';
	for (int i = 0; i < n; i++) {
		now += HOUR;
		told.n = 0;
		if (watch_turn(&watch, store, now, &e) != 0 ||
		    watch_turn(&other, store, now + 30, &e) != 0 ||
		    store_outbox_after(store, told.last, STR("waiting"),
			STR_NONE, MAILS_MAX, take_row, NULL, &e) != 0)
			OK(0, "a look: %s", e.text);
		for (int k = 0; k < told.n; k++)
			store_outbox_give_up(store, told.ids[k], now, &e);
	}
	if (told.mails != told.chats)
		OK(0, "on 'alert' gets the same: %d", told.chats);
	return told.mails;
}

static int
says(const char *text)
{
	return strstr(told.text, text) != NULL;
}

static void
put(const char *name, int64_t n)
{
	struct err e = { 0 };
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)n);
	OK(store_meta_put(store, str_from(name), str_from(text), &e) == 0, "%s",
	    name);
}

static void
test_first(void)
{
	test_group("first");
	OK(hours(1) == 0, "the first look only begins");
	hours(1); /* what this machine has */
	OK(hours(24) == 0, "a day without news: no mail");
}

/* A sale every ten hours, once after thirty. */
static void
test_quiet(void)
{
	test_group("quiet");
	for (int i = 0; i < 24; i++) {
		OK(hours(i == 12 ? 30 : 10) == 0, "sale %d: no mail", i);
		sell(now - 60);
	}
	OK(hours(59) == 0, "silent for less than 60 h");
	OK(hours(3) == 1, "then one mail: %d", told.mails);
	OK(says("gumroad has been silent since") &&
		says("of its 24 deliveries of the last 90 days the longest "
		     "silence between two was 30 h; twice that, and at least a "
		     "day, is 60 h"),
	    "with the arithmetic: %s", told.text);
	OK(hours(48) == 0, "and no other");
	sell(now);
	OK(hours(1) == 1 && says("Over:") &&
		says("gumroad has been silent since"),
	    "one when it is over: %s", told.text);
	OK(hours(12) == 0, "and no other");
}

static void
test_together(void)
{
	test_group("together");
	put("backup_before", now - 2 * DAY);
	put("backup_at", now - DAY);
	OK(hours(24) == 0, "a backup of yesterday");
	sell(now);
	OK(hours(25) == 1 && says("the last backup, of"),
	    "older than it used to be: %s", told.text);
	sell(now);
	OK(hours(1) == 0, "nothing changed");
	put("backup_at", now);
	refused = 3;
	OK(hours(1) == 1 && says("Found now:") && says("Over:") &&
		says("the last backup, of"),
	    "one begins, one is over: one mail: %s", told.text);
	OK(says("3 deliveries of gumroad were refused, and none was taken"),
	    "refused");
	OK(hours(3) == 0, "nobody knows that it is over");
	sell(now);
	OK(hours(1) == 1 && says("Over:"), "one is taken: %s", told.text);
	refused = 6;
	taken_at = now + HOUR;
	OK(hours(2) == 0, "others were taken meanwhile: a stranger's");
	sell(now);
}

static void
test_stuck(void)
{
	struct err e = { 0 };
	test_group("stuck");
	const struct store_outbox row = { .kind = STR("http"),
		.target = STR("chat"),
		.payload = STR("{}"),
		.dedupe = STR("msg_1"),
		.event = STORE_NULL,
		.added_at = now - 2 * HOUR };
	OK(store_outbox_add(store, &row, &e) == 0, "a follow-up");
	OK(hours(1) == 1 && says("nobody sends it"), "stuck: %s", told.text);
	OK(hours(1) == 1 && says("Over:"), "sent: %s", told.text);
	OK(hours(24) == 0, "and no other");
}

static void
test_clock(void)
{
	struct err e = { 0 };
	int64_t at = 0;
	test_group("clock");
	put("watched_at", now + (int64_t)365 * DAY);
	now += HOUR;
	OK(watch_turn(&watch, store, now, &e) == 0 &&
		store_meta_number(store, STR("watched_at"), &at, &e) == 0 &&
		at == now,
	    "a clock that was ahead stops nothing");
}

int
main(void)
{
	struct err e = { 0 };
	char command[64];
	arena = arena_new(64 << 20);
	OK(crypto_init(&e) == 0, "crypto");
	begin();
	test_first();
	test_quiet();
	test_together();
	test_stuck();
	test_clock();
	store_close(store);
	commit_free(commit);
	config_free(config);
	arena_free(arena);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	OK(system(command) == 0, "tidied");
	return test_end();
}

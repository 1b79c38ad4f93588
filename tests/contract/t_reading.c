#include "tests/unit/test.h"

#include "commit/reading.h"
#include "store/copy.h"
#include "store/truth.h"

/*
 * A page of readings, on every database: stored, read again, changed, dropped,
 * tried dry. The database is named as for t_store.c; what a reading means is in
 * tests/unit/t_reading_put.c.
 */
enum { NOW = 1770000000, PAGE = 10 };

static char folder[] = "/tmp/t_reading.XXXXXX";
static struct config config;
static struct store *store;
static struct arena *arena;
static struct reading page[PAGE];
static struct reading_result out[PAGE];

static void
make_page(int64_t asked_at, int refunded)
{
	for (int i = 0; i < PAGE; i++)
		page[i] = (struct reading){ .platform = &platform_gumroad,
			.kind = STR(PLATFORM_READBACK),
			.requested_at = asked_at,
			.at = asked_at + 1,
			.body = str_from(arena_printf(arena,
			    "{\"id\":\"S%d\",\"created_at\":\"2026-02-01T00:"
			    "00:00Z\",\"product_id\":\"P\",\"product_"
			    "permalink\":\"app\",\"purchase_email\":\"a%d@b.c\""
			    ",\"listed\":true,\"refunded\":%s%s}",
			    i, i, i < refunded ? "true" : "false",
			    i == 9 ? ",\"subscription_id\":\"U\"" : "")) };
}

static int
put(int dry_run)
{
	struct err e = { 0 };
	int rc =
	    reading_put(store, &config, page, PAGE, dry_run, arena, out, &e);
	if (rc != 0)
		printf("# %s\n", e.text);
	return rc;
}

static int
became(enum reading_became what)
{
	int n = 0;
	for (int i = 0; i < PAGE; i++)
		n += out[i].became == what && !out[i].kept;
	return n;
}

static int
count_purchase(void *arg, const struct store_purchase *p)
{
	*(int *)arg += p->confirmed_at != STORE_NULL;
	return 0;
}

static int
purchases(void)
{
	int n = 0;
	struct err e = { 0 };
	OK(store_purchase_all(store, count_purchase, &n, &e) == 0, "all %s",
	    e.text);
	return n;
}

static int
count_drift(void *arg, const struct store_drift *d)
{
	(void)d;
	++*(int *)arg;
	return 0;
}

static int
drift(void)
{
	int n = 0;
	struct err e = { 0 };
	OK(store_drift_list(
	       store, STR_NONE, STORE_NULL, 1000, count_drift, &n, &e) == 0,
	    "drift %s", e.text);
	return n;
}

static void
test_page(void)
{
	int64_t events = 0;
	struct err e = { 0 };
	test_group("page");
	make_page(NOW, 0);
	OK(put(1) == 0 && became(READING_STORED) == PAGE && out[0].n_drift == 1,
	    "dry");
	OK(purchases() == 0 && drift() == 0 &&
		store_event_max(store, &events, &e) == 0,
	    "nothing is left %s", e.text);
	OK(put(0) == 0 && became(READING_STORED) == PAGE, "stored");
	OK(purchases() == PAGE && drift() == PAGE, "rows, all missing before");
	make_page(NOW + 1, 0);
	OK(put(0) == 0 && became(READING_SAME) == PAGE, "again");
	OK(drift() == PAGE, "nothing differs");
	make_page(NOW + 2, 3);
	OK(put(0) == 0 && became(READING_STORED) == 3 &&
		became(READING_SAME) == PAGE - 3,
	    "three of them differ");
	OK(drift() == PAGE + 3, "and are told");
	make_page(NOW + 1, 5);
	OK(put(0) == 0 && became(READING_OLD) == PAGE, "asked for before");
	make_page(NOW + 3, 0);
	OK(put(0) == 0 && became(READING_STORED) == 3, "as at first");
	OK(drift() == PAGE + 6, "and so it is told");
}

/* What cannot be stored leaves nothing of the page. */
static void
test_whole(void)
{
	struct err e = { 0 };
	struct arena *little = arena_new(64 * 1024);
	int before = drift();
	test_group("whole");
	make_page(NOW + 9, PAGE);
	OK(reading_put(store, &config, page, PAGE, 0, little, out, &e) != 0 &&
		e.code == ERR_MEMORY && out[0].event > 0,
	    "no memory for the last %s", e.text);
	arena_free(little);
	OK(drift() == before, "nothing of it is there");
	OK(put(0) == 0 && became(READING_STORED) == PAGE, "then all of it");
}

static void
test_moved(void)
{
	struct err e = { 0 };
	int64_t id = 0;
	const struct store_reading pass = { .platform = STR("gumroad"),
		.kind = STR("sales"),
		.began_at = NOW };
	test_group("moved");
	OK(store_begin(store, &e) == 0 && copy_close(store, &e) == 0 &&
		store_commit(store, &e) == 0,
	    "closed %s", e.text);
	make_page(NOW + 20, 0);
	OK(put(0) != 0, "takes no reading");
	OK(store_reading_add(store, &pass, &id, &e) != 0, "and no pass");
}

int
main(int argc, char **argv)
{
	const char *given = argc > 1 ? argv[1] : getenv("TEST_DATABASE");
	char where[4096], command[64];
	struct err e = { 0 };
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(where, sizeof(where), "%s%s", given != NULL ? given : folder,
	    given != NULL ? "" : "/test.db");
	arena = arena_new(256 * 1024 * 1024);
	config.database = where;
	OK(store_open(where, STORE_CREATE, &store, &e) == 0, "open %s", e.text);
	test_page();
	test_whole();
	test_moved();
	store_close(store);
	arena_free(arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
	return test_end();
}

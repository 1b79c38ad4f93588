#include "tests/unit/test.h"

#include "store/store.h"

/*
 * What was told ahead may come earlier, but never from before what was written
 * since: each question is told ahead, its answer waits with that of another,
 * then something is written, then it is asked. The database is named as for
 * t_store.c.
 */
static char folder[] = "/tmp/t_ahead.XXXXXX";

static struct store_purchase
purchase(const char *sale, const char *user, const char *subject)
{
	return (struct store_purchase){ .platform = STR("gumroad"),
		.sale = str_from(sale),
		.user_ref = str_from(user),
		.price = STORE_NULL,
		.quantity = STORE_NULL,
		.sold_at = 50,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.tier = STR("pro"),
		.since = 50,
		.paid_until = STORE_NULL,
		.until = STORE_NULL,
		.subject = str_from(subject) };
}

static int
count_row(void *arg, const struct store_purchase *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static int
count_event(void *arg, const struct store_event *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static int
has_sale(struct store *s, const char *sale)
{
	int n = 0;
	struct err e = { 0 };
	store_purchase_get(
	    s, STR("gumroad"), str_from(sale), count_row, &n, &e);
	return n;
}

static int
of_user(struct store *s, const char *user)
{
	int n = 0;
	struct err e = { 0 };
	if (store_purchase_by(s, STORE_BY_USER, STR_NONE, str_from(user),
		count_row, &n, &e) != 0)
		OK(0, "by user: %s", e.text);
	return n;
}

static int
of_subject(struct store *s, const char *subject)
{
	int n = 0;
	struct err e = { 0 };
	if (store_purchase_of_subject(
		s, STR("gumroad"), str_from(subject), count_row, &n, &e) != 0)
		OK(0, "of subject: %s", e.text);
	return n;
}

static int
events_of(struct store *s, const char *subject)
{
	int n = 0;
	struct err e = { 0 };
	if (store_event_of_subject(
		s, STR("gumroad"), str_from(subject), count_event, &n, &e) != 0)
		OK(0, "events: %s", e.text);
	return n;
}

static int
is_beside(struct store *s, const char *subject)
{
	int beside = -1;
	struct err e = { 0 };
	if (store_event_beside(
		s, STR("gumroad"), str_from(subject), &beside, &e) != 0)
		OK(0, "beside: %s", e.text);
	return beside;
}

static int64_t
add_event(struct store *s, const char *delivery, const char *subject)
{
	struct err e = { 0 };
	int64_t id = -1;
	enum store_added added;
	struct store_event row = { .platform = STR("gumroad"),
		.kind = STR("sale"),
		.delivery = str_from(delivery),
		.subject = str_from(subject),
		.sent_at = STORE_NULL,
		.received_at = 1000,
		.body = STR("a=1"),
		.status = STR("applied") };
	if (store_event_add(s, &row, &id, &added, &e) != 0)
		OK(0, "event: %s", e.text);
	return id;
}

/* All that may be told ahead of a sale, its subject and its user; and then
 * something else is asked, with whose answer theirs come. */
static void
tell(struct store *s, const char *sale, const char *subject, const char *user)
{
	struct err e = { 0 };
	int64_t max;
	store_ahead_sale(s, STR("gumroad"), str_from(sale));
	store_ahead_beside(s, STR("gumroad"), str_from(subject));
	store_ahead_subject(s, STR("gumroad"), str_from(subject));
	store_ahead_about(s, str_from(subject));
	store_ahead_person(s, str_from(user), STR_NONE);
	if (store_outbox_max(s, &max, &e) != 0)
		OK(0, "max: %s", e.text);
}

static void
test_added(struct store *s)
{
	struct err e = { 0 };
	struct store_purchase row = purchase("s1", "u1", "sale:1");
	test_group("what is added");
	tell(s, "s1", "sale:1", "u1");
	OK(has_sale(s, "s1") == 0 && of_user(s, "u1") == 0 &&
		of_subject(s, "sale:1") == 0 && events_of(s, "sale:1") == 0 &&
		is_beside(s, "sale:1") == 0,
	    "nothing");
	tell(s, "s1", "sale:1", "u1");
	add_event(s, "d1", "sale:1");
	OK(store_purchase_put(s, &row, &e) == 0, "a row: %s", e.text);
	OK(has_sale(s, "s1") == 1, "its sale");
	OK(of_user(s, "u1") == 1, "its user");
	OK(of_subject(s, "sale:1") == 1, "its subject");
	OK(events_of(s, "sale:1") == 1, "the event");
	OK(is_beside(s, "sale:1") == 1, "it is there");
	tell(s, "s1", "sale:1", "u1");
	row = purchase("s2", "u2", "sale:2");
	OK(store_purchase_put(s, &row, &e) == 0, "another's: %s", e.text);
	OK(has_sale(s, "s1") == 1 && of_user(s, "u1") == 1 &&
		of_subject(s, "sale:1") == 1,
	    "what stood stands");
}

static void
test_changed(struct store *s)
{
	struct err e = { 0 };
	int64_t id = add_event(s, "d9", "sale:1");
	test_group("what is changed");
	tell(s, "s1", "sale:1", "u1");
	OK(store_purchase_drop_sale(s, STR("gumroad"), STR("s1"), &e) == 0,
	    "a sale is dropped: %s", e.text);
	OK(has_sale(s, "s1") == 0, "its sale");
	OK(of_user(s, "u1") == 0, "its user");
	OK(of_subject(s, "sale:1") == 0, "its subject");
	struct store_purchase row = purchase("s1", "u1", "sale:1");
	OK(store_purchase_put(s, &row, &e) == 0, "back: %s", e.text);
	tell(s, "s1", "sale:1", "u1");
	OK(store_purchase_drop(s, STR("gumroad"), STR("sale:1"), &e) == 0,
	    "a subject is dropped: %s", e.text);
	OK(has_sale(s, "s1") == 0 && of_user(s, "u1") == 0 &&
		of_subject(s, "sale:1") == 0,
	    "all of it");
	int before = events_of(s, "sale:1");
	tell(s, "s1", "sale:1", "u1");
	OK(store_event_status(s, id, STR("kept"), STR("why"), &e) == 0,
	    "an event is kept: %s", e.text);
	OK(events_of(s, "sale:1") == before - 1, "and is not folded");
}

static void
test_undone(struct store *s)
{
	struct err e = { 0 };
	struct store_purchase row = purchase("s3", "u3", "sale:3");
	test_group("what is undone");
	OK(store_savepoint(s, &e) == 0, "a savepoint: %s", e.text);
	OK(store_purchase_put(s, &row, &e) == 0, "a row: %s", e.text);
	tell(s, "s3", "sale:3", "u3");
	OK(store_rollback_to(s, &e) == 0 && store_release(s, &e) == 0,
	    "back to it: %s", e.text);
	OK(has_sale(s, "s3") == 0 && of_user(s, "u3") == 0 &&
		of_subject(s, "sale:3") == 0,
	    "is not there");
	tell(s, "s3", "sale:3", "u3");
	store_rollback(s);
	OK(has_sale(s, "s2") == 0, "nor the rest");
}

/* Told in one transaction, written by another, asked in the next. */
static void
test_other(struct store *s, struct store *other)
{
	struct err e = { 0 };
	struct store_purchase row = purchase("s4", "u4", "sale:4");
	test_group("what others write");
	OK(store_begin(s, &e) == 0, "begin: %s", e.text);
	tell(s, "s4", "sale:4", "u4");
	OK(store_commit(s, &e) == 0, "commit: %s", e.text);
	store_ahead_sale(s, STR("gumroad"), STR("s4"));
	OK(has_sale(s, "s4") == 0, "outside, nothing");
	store_ahead_person(s, STR("u4"), STR_NONE);
	OK(has_sale(s, "s5") == 0, "nor of another");
	OK(store_begin(other, &e) == 0 &&
		store_purchase_put(other, &row, &e) == 0 &&
		store_commit(other, &e) == 0,
	    "another writes: %s", e.text);
	OK(of_user(s, "u4") == 1 && has_sale(s, "s4") == 1, "it is seen");
	store_ahead_sale(s, STR("gumroad"), STR("s4"));
	OK(store_begin(s, &e) == 0 && has_sale(s, "s4") == 1,
	    "told before it began: %s", e.text);
	store_rollback(s);
}

/* More than there is room for. */
static void
test_many(struct store *s)
{
	struct err e = { 0 };
	char name[32];
	int wrong = 0;
	test_group("many");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		store_ahead_sale(s, STR("gumroad"), str_from(name));
	}
	OK(store_begin(s, &e) == 0, "begin: %s", e.text);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		struct store_purchase row = purchase(name, "m", name);
		wrong += has_sale(s, name) != 0;
		wrong += store_purchase_put(s, &row, &e) != 0;
		wrong += has_sale(s, name) != 1;
	}
	OK(wrong == 0, "each as it is: %d are not", wrong);
	OK(of_user(s, "m") == 1000, "and all of them");
	store_rollback(s);
}

int
main(int argc, char **argv)
{
	const char *given = argc > 1 ? argv[1] : getenv("TEST_DATABASE");
	char where[4096], command[64];
	struct store *s = NULL, *other = NULL;
	struct err e = { 0 };
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(where, sizeof(where), "%s%s", given == NULL ? folder : given,
	    given == NULL ? "/test.db" : "");
	OK(store_open(where, STORE_CREATE, &s, &e) == 0 &&
		store_open(where, STORE_WRITE, &other, &e) == 0,
	    "open: %s", e.text);
	if (s != NULL && other != NULL) {
		OK(store_begin(s, &e) == 0, "begin: %s", e.text);
		test_added(s);
		test_changed(s);
		test_undone(s);
		test_other(s, other);
		test_many(s);
	}
	store_close(s);
	store_close(other);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
	return test_end();
}

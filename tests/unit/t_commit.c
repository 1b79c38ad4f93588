#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/crypto.h"
#include "base/time.h"
#include "commit/commit.h"
#include "commit/intake.h"
#include "store/store.h"

enum {
	THREADS = 16,
	EACH = 40, /* deliveries of each thread */
	SHARED = 10, /* that all threads send */
	ANSWER_MS = 4000, /* Gumroad gives up after 5 s */
};

static char folder[] = "/tmp/t_commit.XXXXXX";
static char database[64];
static int64_t came; /* of what is sent */

static void
use(struct config *c, const char *name)
{
	*c = (struct config){ 0 };
	snprintf(database, sizeof(database), "%s/%s.db", folder, name);
	c->database = database;
	c->platforms[0].reference = STR("user_id");
}

/* A sale whose id is name; pad makes it larger. */
static int
send(struct commit *commit, const struct config *config, const char *name,
    size_t pad, struct intake_answer *out, struct err *e)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	struct buf b;
	buf_init(&b, 4 * 1024 * 1024);
	buf_addf(&b,
	    "sale_id=%s&sale_timestamp=2026-01-31T10%%3A00%%3A00Z&permalink=app"
	    "&resource_name=sale&email=%s%%40example.org&refunded=false",
	    name, name);
	if (pad > 0) {
		buf_addz(&b, "&referrer=");
		char *p = buf_room(&b, pad);
		if (p != NULL)
			memset(p, 'x', pad);
	}
	struct intake_request in = { .platform = &platform_gumroad,
		.body = buf_str(&b),
		.now = 1770000000,
		.came = came };
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	*out = (struct intake_answer){ 0 };
	intake_store(commit, config, &in, &proof, a, out, e);
	buf_free(&b);
	arena_free(a);
	return out->status == INTAKE_UNAVAILABLE ? -1 : 0;
}

static int64_t
number_of(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;
	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) ==
		SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
execute(const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	sqlite3_open(database, &db);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		OK(0, "%s: %s", sql, why);
	sqlite3_free(why);
	sqlite3_close(db);
}

struct sender {
	pthread_t thread;
	struct commit *commit;
	const struct config *config;
	int number, each;
	int recorded, duplicate, kept, failed, busy;
	int64_t slowest; /* ms */
};

static void
note(struct sender *s, int rc, const struct intake_answer *answer,
    const struct err *e, int64_t began)
{
	int64_t took = time_ticks() - began;
	if (took > s->slowest)
		s->slowest = took;
	s->failed += rc != 0;
	s->busy += rc != 0 && e->code == ERR_BUSY;
	if (rc != 0)
		return;
	s->recorded += answer->status == INTAKE_RECORDED;
	s->duplicate += answer->status == INTAKE_DUPLICATE;
	s->kept += answer->status == INTAKE_KEPT;
}

static void *
send_many(void *arg)
{
	struct sender *s = arg;
	for (int i = 0; i < s->each; i++) {
		char name[32];
		struct err e = { 0 };
		struct intake_answer answer;
		int64_t began = time_ticks();
		if (i % (EACH / SHARED) == 0)
			snprintf(name, sizeof(name), "shared%d", i);
		else
			snprintf(name, sizeof(name), "s%d-%d", s->number, i);
		int rc = send(s->commit, s->config, name, 0, &answer, &e);
		note(s, rc, &answer, &e, began);
	}
	return NULL;
}

/* All senders together; the sum of what they were told. */
static struct sender
send_together(struct commit *commit, const struct config *config, int each,
    void (*meanwhile)(void))
{
	struct sender senders[THREADS], sum = { 0 };
	for (int i = 0; i < THREADS; i++) {
		senders[i] = (struct sender){ .commit = commit,
			.config = config,
			.number = i,
			.each = each };
		pthread_create(
		    &senders[i].thread, NULL, send_many, &senders[i]);
	}
	if (meanwhile != NULL)
		meanwhile();
	for (int i = 0; i < THREADS; i++) {
		pthread_join(senders[i].thread, NULL);
		sum.recorded += senders[i].recorded;
		sum.duplicate += senders[i].duplicate;
		sum.kept += senders[i].kept;
		sum.failed += senders[i].failed;
		sum.busy += senders[i].busy;
		if (senders[i].slowest > sum.slowest)
			sum.slowest = senders[i].slowest;
	}
	return sum;
}

static void
test_together(void)
{
	struct config c;
	struct commit *commit = NULL;
	enum { OWN = THREADS * (EACH - SHARED) };
	test_group("together");
	use(&c, "together");
	OK(commit_new(&c, &commit, NULL) == 0, "new");
	OK(commit_prepare(commit, NULL) == 0, "prepare");
	struct sender sum = send_together(commit, &c, EACH, NULL);
	OK(sum.failed == 0, "%d failed", sum.failed);
	OK(sum.recorded == OWN + SHARED, "%d recorded", sum.recorded);
	OK(sum.duplicate == THREADS * SHARED - SHARED, "%d duplicates",
	    sum.duplicate);
	OK(number_of("SELECT count(*) FROM events") == OWN + SHARED,
	    "each event once");
	OK(number_of("SELECT count(*) FROM purchases WHERE tier = 'app'") ==
		OWN + SHARED,
	    "each purchase once");
	OK(number_of("SELECT sum(seen) FROM events") == THREADS * EACH,
	    "each repeat counted");
	commit_free(commit);
}

/* One delivery that cannot be folded, because the database refuses its row,
 * leaves its neighbours in the batch alone. */
static void
test_poisoned(void)
{
	struct config c;
	struct commit *commit = NULL;
	test_group("poisoned");
	use(&c, "poisoned");
	commit_new(&c, &commit, NULL);
	OK(commit_prepare(commit, NULL) == 0, "prepare");
	execute("CREATE TRIGGER poison BEFORE INSERT ON purchases WHEN "
		"NEW.sale LIKE 's%-7' BEGIN SELECT RAISE(ABORT, 'no'); END");
	struct sender sum = send_together(commit, &c, EACH, NULL);
	OK(sum.failed == 0 && sum.kept == THREADS, "%d kept", sum.kept);
	OK(sum.recorded == THREADS * (EACH - SHARED - 1) + SHARED,
	    "%d recorded", sum.recorded);
	OK(number_of("SELECT count(*) FROM events WHERE status = 'kept' AND "
		     "reason = 'fold_error' AND body LIKE 'sale_id=s%-7&%'") ==
		THREADS,
	    "the poisoned are kept");
	OK(number_of("SELECT count(*) FROM purchases") ==
		THREADS * (EACH - SHARED - 1) + SHARED,
	    "their neighbours are recorded");
	/* one that takes the whole transaction with it */
	execute("CREATE TRIGGER worse BEFORE INSERT ON purchases WHEN NEW.sale "
		"= 'worse' BEGIN SELECT RAISE(ROLLBACK, 'no'); END");
	struct intake_answer answer;
	struct err e = { 0 };
	int64_t before = number_of("SELECT count(*) FROM events");
	OK(send(commit, &c, "worse", 0, &answer, &e) != 0,
	    "rolled back under it: not stored");
	OK(number_of("SELECT count(*) FROM events") == before, "nothing stays");
	OK(send(commit, &c, "after", 0, &answer, &e) == 0 &&
		answer.status == INTAKE_RECORDED,
	    "and it goes on");
	commit_free(commit);
}

static sqlite3 *
lock_database(void)
{
	sqlite3 *db = NULL;
	sqlite3_open(database, &db);
	OK(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK,
	    "locked by somebody else");
	return db;
}

static sqlite3 *locked;

static void
unlock_later(void)
{
	usleep(800000);
	sqlite3_exec(locked, "ROLLBACK", NULL, NULL, NULL);
}

static void
test_locked(void)
{
	struct config c;
	struct commit *commit = NULL;
	test_group("locked");
	use(&c, "locked");
	commit_new(&c, &commit, NULL);
	OK(commit_prepare(commit, NULL) == 0, "prepare");
	locked = lock_database();
	struct sender sum = send_together(commit, &c, 1, NULL);
	OK(sum.busy == THREADS && sum.failed == THREADS, "%d told so",
	    sum.busy);
	OK(sum.slowest < ANSWER_MS, "after %lld ms", (long long)sum.slowest);
	OK(number_of("SELECT count(*) FROM events") == 0, "nothing is stored");
	sum = send_together(commit, &c, 1, NULL);
	OK(sum.busy == THREADS && sum.slowest < ANSWER_MS / 2,
	    "who comes while it stays locked is told at once: %lld ms",
	    (long long)sum.slowest);
	commit_free(commit);
	commit_new(&c, &commit, NULL);
	sum = send_together(commit, &c, 1, unlock_later);
	OK(sum.failed == 0 && sum.slowest < 2000,
	    "unlocked in time: nobody is refused");
	sqlite3_close(locked);
	commit_free(commit);
	/* also where it has to be opened and given its tiers first */
	static const struct tier tier = { .name = { "pro", 3 }, .rank = 1 };
	c.rules.tiers = &tier;
	c.rules.n_tiers = 1;
	commit_new(&c, &commit, NULL);
	locked = lock_database();
	sum = send_together(commit, &c, 1, NULL);
	OK(sum.busy == THREADS, "while opening: %d told so", sum.busy);
	OK(sum.slowest < ANSWER_MS, "after %lld ms", (long long)sum.slowest);
	sqlite3_close(locked);
	commit_free(commit);
}

/* Who has waited elsewhere does not wait the whole time once more. */
static void
test_overdue(void)
{
	struct config c;
	struct commit *commit = NULL;
	struct intake_answer answer;
	struct err e = { 0 };
	test_group("overdue");
	use(&c, "overdue");
	commit_new(&c, &commit, NULL);
	OK(commit_prepare(commit, NULL) == 0, "prepare");
	locked = lock_database();
	int64_t began = time_ticks();
	came = (began - COMMIT_WAIT_MS) * 1000;
	OK(send(commit, &c, "late", 0, &answer, &e) != 0 && e.code == ERR_BUSY,
	    "its time is up");
	OK(time_ticks() - began < COMMIT_WAIT_MS / 2, "it is told at once");
	sqlite3_close(locked);
	OK(send(commit, &c, "late", 0, &answer, &e) == 0,
	    "unlocked: it is stored all the same");
	came = 0;
	commit_free(commit);
}

static struct sender early;
static struct intake_answer early_answer;

/* One who began to wait long before the others. */
static void *
send_early(void *arg)
{
	struct err e = { 0 };
	(void)arg;
	int64_t began = time_ticks();
	int rc =
	    send(early.commit, early.config, "early", 0, &early_answer, &e);
	note(&early, rc, &early_answer, &e, began);
	return NULL;
}

static void
unlock_much_later(void)
{
	usleep(1500000);
	sqlite3_exec(locked, "ROLLBACK", NULL, NULL, NULL);
}

/* Whose time is up is answered; the others go on waiting. */
static void
test_late(void)
{
	struct config c;
	struct commit *commit = NULL;
	pthread_t one, two;
	test_group("late");
	use(&c, "late");
	commit_new(&c, &commit, NULL);
	OK(commit_prepare(commit, NULL) == 0, "prepare");
	locked = lock_database();
	early = (struct sender){ .commit = commit, .config = &c };
	pthread_create(&one, NULL, send_early, NULL);
	usleep(300000);
	struct sender second = {
		.commit = commit, .config = &c, .number = 1, .each = 1
	};
	pthread_create(&two, NULL, send_many, &second);
	usleep(1900000);
	struct sender sum = send_together(commit, &c, 1, unlock_much_later);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	OK(early.busy == 1 && early.slowest < ANSWER_MS, "the early one");
	OK(second.busy == 1, "the second, whose patience was the next");
	OK(sum.failed == 0, "the late ones are stored: %d failed", sum.failed);
	sqlite3_close(locked);
	commit_free(commit);
}

static void
test_full(void)
{
	struct config c;
	struct commit *commit = NULL;
	struct rlimit was, tight;
	struct intake_answer answer;
	struct err e = { 0 };
	test_group("disk full");
	use(&c, "full");
	commit_new(&c, &commit, NULL);
	OK(send(commit, &c, "before", 0, &answer, &e) == 0, "before");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	tight = was;
	tight.rlim_cur = 128 * 1024;
	setrlimit(RLIMIT_FSIZE, &tight);
	int rc = send(commit, &c, "large", 512 * 1024, &answer, &e);
	OK(rc != 0 && e.code == ERR_DB, "refused: %s", e.text);
	rc = send(commit, &c, "large", 512 * 1024, &answer, &e);
	OK(rc != 0 && e.code == ERR_DB, "again: %s", e.text);
	setrlimit(RLIMIT_FSIZE, &was);
	OK(number_of("SELECT count(*) FROM events") == 1, "nothing of it");
	OK(send(commit, &c, "large", 512 * 1024, &answer, &e) == 0 &&
		answer.status == INTAKE_RECORDED,
	    "room again: %s", e.text);
	OK(number_of("SELECT count(*) FROM purchases") == 2, "both are there");
	commit_free(commit);
}

static void
test_missing(void)
{
	struct config c;
	struct commit *commit = NULL;
	struct intake_answer answer;
	struct err e = { 0 };
	char path[64];
	test_group("missing folder");
	use(&c, "later/x");
	commit_new(&c, &commit, NULL);
	OK(commit_prepare(commit, &e) != 0, "prepare fails: %s", e.text);
	OK(send(commit, &c, "one", 0, &answer, &e) != 0 && e.code == ERR_DB,
	    "refused: %s", e.text);
	snprintf(path, sizeof(path), "%s/later", folder);
	mkdir(path, 0700);
	OK(send(commit, &c, "one", 0, &answer, &e) == 0, "made: it serves");
	OK(number_of("SELECT count(*) FROM events") == 1, "and it is there");
	commit_free(commit);
}

/* In a process of its own, which is nobody: root may write anywhere. */
static void
test_read_only(void)
{
	struct config c;
	struct commit *commit = NULL;
	struct intake_answer answer;
	struct err e = { 0 };
	test_group("read-only");
	use(&c, "readonly");
	commit_new(&c, &commit, NULL);
	OK(send(commit, &c, "one", 0, &answer, &e) == 0, "written once");
	commit_free(commit);
	chmod(database, 0444);
	chmod(folder, 0755);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		if (getuid() == 0 && setuid(65534) != 0)
			_exit(9);
		commit_new(&c, &commit, NULL);
		int64_t began = time_ticks();
		int rc = send(commit, &c, "two", 0, &answer, &e);
		int ok = rc != 0 && e.code == ERR_DB &&
		    time_ticks() - began < ANSWER_MS;
		commit_free(commit);
		_exit(ok ? 0 : 1);
	}
	int status = 0;
	waitpid(child, &status, 0);
	OK(status == 0, "refused with ERR_DB in time");
	/* an owner who is not root has made files of the same mode beside it */
	static const char *const ends[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[sizeof(database) + 8];
		snprintf(path, sizeof(path), "%s%s", database, ends[i]);
		chmod(path, 0600);
	}
	commit_new(&c, &commit, NULL);
	OK(send(commit, &c, "two", 0, &answer, &e) == 0 &&
		answer.status == INTAKE_RECORDED,
	    "writable again");
	commit_free(commit);
}

static void
sweep(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s stays\n", folder);
}

int
main(void)
{
	crypto_init(NULL);
	if (mkdtemp(folder) == NULL)
		return 1;
	test_together();
	test_poisoned();
	test_locked();
	test_overdue();
	test_late();
	test_full();
	test_missing();
	test_read_only();
	sweep();
	return test_end();
}

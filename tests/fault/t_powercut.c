/*
 * The power is cut before every call of a run that changes a file, several
 * outcomes each: what was acknowledged is there afterwards, the database is
 * sound. With a WAL, also on a disk where sectors have to be padded, and with a
 * rollback journal, from no database at all on; and as plain CGI, a connection
 * for each, where the WAL begins anew.
 *
 *	t_powercut [SEEDS [DELIVERIES]]		1, 3
 */
#include "deliveries.h"
#include "vfs_powercut.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/crypto.h"

enum { CHECKPOINT_EVERY = 3, BRIEF_MAX = 40, SHM_JUNK = 32768 };

struct run {
	struct deliveries d;
	struct vfs_hands hands;
	struct powercut *power;
	int n; /* deliveries */
	int from; /* the call after which the power may go */
	int at[DELIVERIES_MAX]; /* calls made when it was acknowledged */
};

/* As SQLite does by itself when the WAL has grown, only sooner. */
static void
checkpoint(const struct run *run)
{
	sqlite3 *db = NULL;
	if (sqlite3_open(run->d.database, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint",
		NULL, NULL, NULL) != SQLITE_OK)
		OK(0, "checkpoint: %s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void
record(struct run *run)
{
	struct err e = { 0 };
	struct commit *commit = NULL;
	int failed = 0;
	run->hands.after = powercut_note;
	run->hands.arg = run->power;
	if (commit_new(&run->d.config, &commit, &e) != 0)
		abort();
	for (int i = 0; i < run->n; i++) {
		failed += deliveries_put(&run->d, commit, i, &e) != 0;
		run->at[i] = powercut_calls(run->power);
		if (i % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1)
			checkpoint(run);
	}
	commit_free(commit);
	run->hands.after = NULL;
	OK(failed == 0, "%d deliveries, %d calls: %s", run->n,
	    powercut_calls(run->power), e.text);
}

static int
no_turn(const char *database, int ms, struct err *e)
{
	(void)database;
	(void)ms;
	(void)e;
	return 0;
}

static off_t
wal_size(const struct run *run)
{
	struct stat st;
	char path[160];
	snprintf(path, sizeof(path), "%s-wal", run->d.database);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* As where a process ends before it has synced the folder. */
static int
leave_folder(void *arg, const struct vfs_call *call)
{
	(void)arg;
	return call->op == VFS_FOLDER ? SQLITE_IOERR : SQLITE_OK;
}

/* Up to the one that writes back what is in the WAL and begins it anew, and
 * one more: of these two every call is one the power may go before. The one
 * that made the WAL did not sync its folder. */
static void
record_brief(struct run *run)
{
	struct err e = { 0 };
	off_t size = 0;
	struct store *made = NULL;
	run->hands.after = powercut_note;
	run->hands.arg = run->power;
	run->n = 0;
	/* which leaves no WAL */
	int failed = store_open(run->d.database, STORE_CREATE, &made, &e) != 0;
	store_close(made);
	for (int more = 2; more > 0 && run->n < BRIEF_MAX; run->n++) {
		struct commit *commit = NULL;
		int i = run->n;
		if (commit_new(&run->d.config, &commit, &e) != 0)
			abort();
		commit_turn(commit, no_turn);
		run->hands.before = i == 0 ? leave_folder : NULL;
		failed += deliveries_put(&run->d, commit, i, &e) != 0;
		run->at[i] = powercut_calls(run->power);
		commit_free(commit);
		off_t is = wal_size(run);
		if (is == size && run->from == 0)
			run->from = run->at[i - 1];
		more -= run->from != 0;
		size = is;
	}
	run->hands.after = NULL;
	OK(failed == 0 && run->from != 0, "%d deliveries, %d calls: %s", run->n,
	    powercut_calls(run->power), e.text);
}

/* What is left of the shared memory means nothing after a restart. */
static void
leave_junk(const struct run *run)
{
	char path[160];
	snprintf(path, sizeof(path), "%s-shm", run->d.database);
	FILE *f = fopen(path, "wb");
	for (int i = 0; f != NULL && i < SHM_JUNK; i++)
		putc('x', f);
	if (f != NULL)
		fclose(f);
}

static int
is_cut_point(const struct vfs_call *call)
{
	return call->op == VFS_WRITE || call->op == VFS_SYNC ||
	    call->op == VFS_TRUNCATE || call->op == VFS_DELETE ||
	    call->op == VFS_FOLDER;
}

/* It goes on from there: the last one acknowledged is known, a new one is
 * taken. */
static const char *
goes_on(struct run *run, int k)
{
	static struct err e;
	struct commit *commit = NULL;
	int last = -1;
	e = (struct err){ 0 };
	while (last + 1 < run->n && run->at[last + 1] <= k)
		last++;
	if (commit_new(&run->d.config, &commit, &e) != 0)
		abort();
	int rc = last >= 0 ? deliveries_put(&run->d, commit, last, &e) : 0;
	if (rc == 0)
		rc = deliveries_put(&run->d, commit, run->n, &e);
	run->d.event[run->n] = 0;
	commit_free(commit);
	return rc == 0 ? NULL : e.text;
}

static void
cut_everywhere(struct run *run, uint64_t seeds)
{
	int points = 0, pictures = 0, bad = 0;
	int n = powercut_calls(run->power);
	for (int k = run->from + 1; k < n && bad < 3; k++) {
		const struct vfs_call *call = powercut_call(run->power, k);
		if (!is_cut_point(call))
			continue;
		points++;
		for (uint64_t i = 0; i < seeds * POWERCUT__MAX; i++) {
			enum powercut_luck luck = i % POWERCUT__MAX;
			if (i >= POWERCUT__MAX && luck <= POWERCUT_KEEP)
				continue; /* nothing of them is left to luck */
			if (powercut_picture(run->power, k, luck,
				i / POWERCUT__MAX, run->d.folder) != 0)
				abort();
			if (luck == POWERCUT_JUNK)
				leave_junk(run);
			pictures++;
			const char *wrong =
			    deliveries_wrong(&run->d, run->n, run->at, k);
			if (wrong == NULL && luck == POWERCUT_ANY)
				wrong = goes_on(run, k);
			if (wrong == NULL)
				continue;
			bad++;
			printf("# before call %d, %s of %s, outcome %d: %s\n",
			    k, vfs_words[call->op],
			    strrchr(call->name, '/') + 1, (int)i, wrong);
		}
	}
	OK(bad == 0, "cut at %d points, %d outcomes", points, pictures);
	OK(points > 4 * (run->from > 0 ? 2 : run->n), "that is at every call");
}

int
main(int argc, char **argv)
{
	static struct run run;
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	int n = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 3;
	if (crypto_init(NULL) != 0 || n < 1 || n >= DELIVERIES_MAX ||
	    vfs_register(&run.hands) != 0)
		return 2;
	enum { PADDED, USUAL, ROLLBACK, BRIEF };
	static const char *const journals[] = {
		[PADDED] = "WAL, padded",
		[USUAL] = "WAL",
		[ROLLBACK] = "rollback journal",
		[BRIEF] = "plain CGI",
	};
	for (int journal = PADDED; journal <= BRIEF; journal++) {
		test_group(journals[journal]);
		deliveries_open(&run.d);
		run.n = n;
		run.from = 0;
		run.hands.powersafe = journal == USUAL || journal == BRIEF;
		run.hands.no_shm = journal == ROLLBACK;
		run.power = powercut_new();
		if (run.power == NULL)
			return 2;
		if (journal == BRIEF)
			record_brief(&run);
		else
			record(&run);
		cut_everywhere(&run, seeds);
		powercut_free(run.power);
		deliveries_close(&run.d);
	}
	return test_end();
}

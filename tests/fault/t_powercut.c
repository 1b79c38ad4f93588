/*
 * The power is cut before every call of a run that changes a file, several
 * outcomes each: what was acknowledged is there afterwards, the database is
 * sound. With a WAL, also on a disk where sectors have to be padded, and with a
 * rollback journal, from no database at all on.
 *
 *	t_powercut [SEEDS [DELIVERIES]]		1, 3
 */
#include "deliveries.h"
#include "vfs_powercut.h"

#include <sqlite3.h>

#include "base/crypto.h"

enum { CHECKPOINT_EVERY = 3, SHM_JUNK = 32768 };

struct run {
	struct deliveries d;
	struct vfs_hands hands;
	struct powercut *power;
	int n; /* deliveries */
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
	for (int k = 1; k < powercut_calls(run->power) && bad < 3; k++) {
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
	OK(points > 4 * run->n, "that is at every call");
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
	enum { PADDED, USUAL, ROLLBACK };
	static const char *const journals[] = {
		[PADDED] = "WAL, padded",
		[USUAL] = "WAL",
		[ROLLBACK] = "rollback journal",
	};
	for (int journal = PADDED; journal <= ROLLBACK; journal++) {
		test_group(journals[journal]);
		deliveries_open(&run.d);
		run.n = n;
		run.hands.powersafe = journal == USUAL;
		run.hands.no_shm = journal == ROLLBACK;
		run.power = powercut_new();
		if (run.power == NULL)
			return 2;
		record(&run);
		cut_everywhere(&run, seeds);
		powercut_free(run.power);
		deliveries_close(&run.d);
	}
	return test_end();
}

/*
 * Files fail: at the n-th call of each kind, once or from then on. A delivery
 * is then acknowledged and there, or refused so that it comes again; when the
 * cause is gone the next one is taken, nothing has to be restarted.
 *
 *	t_ioerr [STEP]		1: each n; else up to so many further, by chance
 */
#include "deliveries.h"
#include "vfs.h"

#include <sqlite3.h>

#include "base/crypto.h"
#include "base/time.h"

enum { DELIVERIES = 4, ANSWER_MS = 4000 };

struct fault {
	const char *name;
	enum vfs_op op;
	int code;
	int lasting;
};

static const struct fault faults[] = {
	{ "disk full", VFS_WRITE, SQLITE_FULL, 0 },
	{ "disk stays full", VFS_WRITE, SQLITE_FULL, 1 },
	{ "write error", VFS_WRITE, SQLITE_IOERR_WRITE, 0 },
	{ "write errors", VFS_WRITE, SQLITE_IOERR_WRITE, 1 },
	{ "sync error", VFS_SYNC, SQLITE_IOERR_FSYNC, 0 },
	{ "sync errors", VFS_SYNC, SQLITE_IOERR_FSYNC, 1 },
	{ "read error", VFS_READ, SQLITE_IOERR_READ, 0 },
	{ "read errors", VFS_READ, SQLITE_IOERR_READ, 1 },
	{ "no file opens", VFS_OPEN, SQLITE_CANTOPEN, 1 },
	{ "a file does not open", VFS_OPEN, SQLITE_CANTOPEN, 0 },
	{ "read-only", VFS_WRITE, SQLITE_READONLY, 1 },
	{ "lock error", VFS_LOCK, SQLITE_IOERR_LOCK, 0 },
	{ "lock errors", VFS_LOCK, SQLITE_IOERR_LOCK, 1 },
	{ "locked once", VFS_LOCK, SQLITE_BUSY, 0 },
	{ "shared memory error", VFS_SHM, SQLITE_IOERR_SHMMAP, 0 },
	{ "shared memory errors", VFS_SHM, SQLITE_IOERR_SHMMAP, 1 },
	{ "truncate errors", VFS_TRUNCATE, SQLITE_IOERR_TRUNCATE, 1 },
	{ "delete errors", VFS_DELETE, SQLITE_IOERR_DELETE, 1 },
	{ "size error", VFS_SIZE, SQLITE_IOERR_FSTAT, 0 },
	{ "size errors", VFS_SIZE, SQLITE_IOERR_FSTAT, 1 },
};

struct run {
	struct deliveries d;
	struct vfs_hands hands;
	const struct fault *fault;
	int at; /* calls of that kind until it strikes; 0: never */
	int struck;
	int refused, taken;
	char wrong[2 * ERR_TEXT_MAX];
};

static int
before(void *arg, const struct vfs_call *call)
{
	struct run *run = arg;
	if (run->fault == NULL || call->op != run->fault->op || run->at == 0)
		return SQLITE_OK;
	if (run->at > 1) {
		run->at--;
		return SQLITE_OK;
	}
	run->struck = 1;
	if (!run->fault->lasting)
		run->at = 0;
	return run->fault->code;
}

static void
set_wrong(struct run *run, const char *what, const char *why)
{
	if (run->wrong[0] == '\0')
		snprintf(run->wrong, sizeof(run->wrong), "%s: %s", what, why);
}

/* All deliveries; each is acknowledged or refused for a passing reason. */
static void
put_all(struct run *run, struct commit *commit, int faulty)
{
	for (int i = 0; i < DELIVERIES; i++) {
		struct err e = { 0 };
		int64_t began = time_ticks();
		if (deliveries_put(&run->d, commit, i, &e) == 0) {
			run->taken += faulty;
			continue;
		}
		run->refused += faulty;
		if (!faulty)
			set_wrong(run, "not taken afterwards", e.text);
		else if (e.code == ERR_CONFLICT)
			set_wrong(run, "answer", e.text);
		if (time_ticks() - began > ANSWER_MS)
			set_wrong(run, "too late", e.text);
	}
}

static void
one(struct run *run, const struct fault *fault, int at)
{
	struct err e = { 0 };
	struct commit *commit = NULL;
	deliveries_remove(&run->d);
	run->struck = 0;
	run->wrong[0] = '\0';
	run->fault = fault;
	run->at = at;
	if (commit_new(&run->d.config, &commit, &e) != 0)
		abort();
	put_all(run, commit, 1);
	run->fault = NULL;
	put_all(run, commit, 0);
	commit_free(commit);
	const char *wrong = deliveries_wrong(&run->d, DELIVERIES, NULL, 0);
	if (wrong != NULL)
		set_wrong(run, "afterwards", wrong);
}

static void
each(struct run *run, const struct fault *fault, int step)
{
	int points = 0, bad = 0;
	run->refused = run->taken = 0;
	for (int at = 1 + (int)random() % step;;
	     at += 1 + (int)random() % step) {
		one(run, fault, at);
		if (run->wrong[0] != '\0') {
			printf(
			    "# %s, call %d: %s\n", fault->name, at, run->wrong);
			if (++bad == 3)
				break;
		}
		if (!run->struck)
			break;
		points++;
	}
	OK(bad == 0, "%s: %d points, %d refused, %d taken", fault->name, points,
	    run->refused, run->taken);
}

int
main(int argc, char **argv)
{
	static struct run run;
	int step = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 24;
	struct err e = { 0 };
	unsigned seed = (unsigned)time_now();
	run.hands.before = before;
	run.hands.arg = &run;
	if (step < 1 || crypto_init(&e) != 0 || vfs_register(&run.hands) != 0)
		return 2;
	printf("# seed %u\n", seed);
	srandom(seed);
	deliveries_open(&run.d);
	for (int journal = 0; journal < 2; journal++) {
		test_group(journal ? "rollback journal" : "WAL");
		run.hands.powersafe = !journal;
		run.hands.no_shm = journal;
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			if (!journal || faults[i].op != VFS_SHM)
				each(&run, &faults[i], step);
	}
	deliveries_close(&run.d);
	return test_end();
}

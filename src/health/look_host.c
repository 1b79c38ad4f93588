#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/time.h"
#include "health/look.h"
#include "store/db_sqlite_shrink.h"

enum {
	BACKUP_FRESH = 7 * 86400, /* seconds */
	BACKUP_SLACK = 86400, /* beyond the usual time between two */
	DISK_PERCENT = 10,
};
static const int64_t DISK_MIN = INT64_C(1) << 30; /* bytes */

static void
look_at_owner(struct health *h)
{
	const char *file = h->config->database;
	struct stat st;
	if (stat(file, &st) != 0)
		return;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		health_say(h, FINDING_PROBLEM, FINDING_exposed, "database",
		    arena_printf(h->arena,
			"others may read %s, which holds buyers' data: chmod "
			"600 %s",
			file, file));
	if (st.st_uid != geteuid())
		health_say(h, FINDING_NOTE, FINDING_database, "owner",
		    arena_printf(h->arena,
			"%s belongs to user %u, you are user %u: the web "
			"program has to run as its owner",
			file, (unsigned)st.st_uid, (unsigned)geteuid()));
}

static void
look_at_log(struct health *h)
{
	const char *file = h->config->database;
	int64_t bytes = db_wal_bytes(file);
	health_say(h, FINDING_OK, FINDING_wal, NULL,
	    arena_printf(
		h->arena, "write-ahead log %lld kB", (long long)bytes / 1024));
	if (bytes > DB_WAL_MAX)
		health_say(h, FINDING_NOTE, FINDING_wal, NULL,
		    arena_printf(h->arena,
			"%s-wal is larger than usual: some program has been "
			"reading the database for long, such as sqlite3 or a "
			"backup. Once that one ends gatepost.fcgi shrinks the "
			"file by itself; as plain CGI 'gatepost work --once' "
			"does",
			file));
}

static void
look_at_disk(struct health *h)
{
	struct statvfs v;
	if (statvfs(h->config->database, &v) != 0 || v.f_blocks == 0)
		return;
	int64_t unit = (int64_t)v.f_frsize;
	int64_t free_bytes = (int64_t)v.f_bavail * unit;
	int64_t all = (int64_t)v.f_blocks * unit;
	int is_low =
	    free_bytes < DISK_MIN || free_bytes < all / 100 * DISK_PERCENT;
	health_say(h, is_low ? FINDING_PROBLEM : FINDING_OK, FINDING_disk, NULL,
	    arena_printf(h->arena, "disk %lld MB free of %lld MB%s",
		(long long)(free_bytes >> 20), (long long)(all >> 20),
		is_low ? ": when it is full no delivery can be stored, and "
			 "each is answered 503. Make room, or move the "
			 "database"
		       : ""));
}

/* Older than the time between the last two, and some. */
static int
look_at_backup(struct health *h, struct err *e)
{
	char text[TIME_TEXT_MAX];
	int64_t at = STORE_NULL, before = STORE_NULL;
	if (store_meta_number(h->store, STR("backup_at"), &at, e) != 0 ||
	    store_meta_number(h->store, STR("backup_before"), &before, e) != 0)
		return -1;
	if (at == STORE_NULL)
		return 0;
	int64_t usual = before == STORE_NULL ? BACKUP_FRESH - BACKUP_SLACK
					     : 2 * (at - before);
	if (usual > BACKUP_FRESH - BACKUP_SLACK)
		usual = BACKUP_FRESH - BACKUP_SLACK;
	health_say(h, FINDING_OK, FINDING_backup, NULL,
	    arena_printf(
		h->arena, "backup last made on %s", time_text(at, text)));
	if (h->now - at > usual + BACKUP_SLACK)
		health_say(h, FINDING_NOTE, FINDING_backup, NULL,
		    arena_printf(h->arena,
			"the last backup, of %s, is more than %s ago: "
			"'gatepost backup FILE' makes a new one, "
			"gatepost-backup.timer one a day",
			time_text(at, text),
			h->now - at > BACKUP_FRESH
			    ? "a week"
			    : "the usual time between two"));
	return 0;
}

static int
look_at_clock(struct health *h)
{
	struct timex t = { 0 };
	int state = adjtimex(&t); /* -1: a unit may not ask */
	if (state == TIME_ERROR)
		health_say(h, FINDING_NOTE, FINDING_clock, NULL,
		    "the kernel says the clock is not synchronised: signed "
		    "deliveries are judged by it");
	else if (state >= 0)
		health_say(
		    h, FINDING_OK, FINDING_clock, NULL, "clock synchronised");
	return 0;
}

int
look_host(struct health *h, struct err *e)
{
	char shown[STORE_SHOWN_MAX];
	health_say(h, FINDING_OK, FINDING_database, NULL,
	    arena_printf(h->arena, "database %s",
		store_shown(h->config->database, shown)));
	if (!store_is_url(h->config->database)) {
		look_at_owner(h);
		look_at_log(h);
		look_at_disk(h);
	}
	return look_at_clock(h) != 0 ? -1 : look_at_backup(h, e);
}

int
look_databases(struct health *h, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	const struct config *c = h->config;
	struct store *s = NULL;
	int moved = 0;
	if (store_is_moved(h->store, &moved, e) != 0)
		return -1;
	if (moved)
		health_say(h, FINDING_PROBLEM, FINDING_moved, NULL,
		    "this database was moved by 'gatepost copy --switch' and "
		    "takes no more: every delivery is answered 503. Name the "
		    "one it was moved to as database in gatepost.conf and "
		    "restart the programs");
	if (c->standby_url != NULL &&
	    store_open(c->standby_url, STORE_STANDBY, &s, &why) != 0)
		health_say(h, FINDING_PROBLEM, FINDING_replica, "standby_url",
		    arena_printf(
			h->arena, "standby_url cannot be used: %s", why.text));
	store_close(s);
	s = NULL;
	if (c->listen_url != NULL &&
	    (store_open(c->listen_url, STORE_READ, &s, &why) != 0 ||
		store_listen(s, &why) != 0))
		health_say(h, FINDING_NOTE, FINDING_replica, "listen_url",
		    arena_printf(h->arena,
			"listen_url cannot be used, streams look twice a "
			"second: %s",
			why.text));
	store_close(s);
	return 0;
}

int
look_integrity(struct health *h, struct err *e)
{
	(void)e;
	struct err why = { .code = ERR_NONE };
	int broken = store_integrity(h->store, &why) != 0;
	health_say(h, broken ? FINDING_PROBLEM : FINDING_OK, FINDING_integrity,
	    NULL,
	    broken ? arena_printf(h->arena,
			 "the database's own check failed: %s. Stop the "
			 "program and put the newest good backup in place: "
			 "'gatepost restore FILE'",
			 why.text)
		   : "the database's own check found nothing");
	return 0;
}

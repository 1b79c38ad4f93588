#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "store/db_sqlite_swap.h"

/*
 * Puts a backup in the place of the database. It is copied beside it first,
 * brought up to date and checked there: until the last moment nothing of the
 * database is touched, and what was there stays under another name.
 */
enum { PIECE = 1 << 20 };

struct summary {
	int64_t events, last; /* last: received_at of the newest */
	int64_t changes; /* the newest number */
	int64_t waiting; /* follow-ups */
};

struct restore {
	struct ctl *ctl;
	const char *file; /* the backup */
	const char *where; /* the database */
	const char *fresh; /* the copy, beside it */
	const char *kept; /* what the database is called then */
	struct summary backup, before;
	int readable; /* before is known */
};

/* ---- the copy ------------------------------------------------------------ */

static int
copy_bytes(int from, int to)
{
	static char piece[PIECE];
	ssize_t n;
	while ((n = read(from, piece, sizeof(piece))) > 0)
		if (file_write(to, (struct str){ piece, (size_t)n }) != 0)
			return -1;
	return n < 0 ? -1 : fsync(to);
}

/* missing: that there is no such file is no error. */
static int
copy_file(const char *from, const char *to, int missing, struct err *e)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = 0;
	if (in < 0 && missing && errno == ENOENT)
		return 0;
	if (in < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", from, strerror(errno));
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 || copy_bytes(in, out) != 0)
		rc = err_set(e, ERR_SYSTEM, "%s, copied to %s: %s", from, to,
		    strerror(errno));
	if (out >= 0)
		close(out);
	close(in);
	return rc;
}

static void
remove_fresh(struct restore *r)
{
	static const char *const parts[] = { "", "-wal", "-shm", "-journal" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		unlink(arena_printf(r->ctl->arena, "%s%s", r->fresh, parts[i]));
}

/* A copy made by other means may have its newest rows in a -wal. */
static int
copy(struct restore *r, struct err *e)
{
	struct arena *a = r->ctl->arena;
	remove_fresh(r);
	return copy_file(r->file, r->fresh, 0, e) == 0 &&
		copy_file(arena_printf(a, "%s-wal", r->file),
		    arena_printf(a, "%s-wal", r->fresh), 1, e) == 0
	    ? 0
	    : -1;
}

/* ---- what is in it ------------------------------------------------------- */

static int
take_time(void *arg, const struct store_event *row)
{
	*(int64_t *)arg = row->received_at;
	return 0;
}

static int
look(
    const char *where, enum store_mode mode, struct summary *out, struct err *e)
{
	struct store *s = NULL;
	struct store_watch w = { 0 };
	int rc = store_open(where, mode, &s, e);
	if (rc == 0)
		rc = store_integrity(s, e);
	if (rc == 0)
		rc = store_watch(s, &w, e);
	*out = (struct summary){ .events = w.events, .waiting = w.outbox };
	if (rc == 0)
		rc = store_change_max(s, &out->changes, e);
	if (rc == 0 && w.events > 0)
		rc = store_event_get(s, w.events, take_time, &out->last, e);
	store_close(s);
	return rc;
}

static const char *
says(struct restore *r, const struct summary *s)
{
	char text[TIME_TEXT_MAX];
	return s->events == 0
	    ? "no deliveries"
	    : arena_printf(r->ctl->arena, "%lld deliveries, the last on %s",
		  (long long)s->events, time_text(s->last, text));
}

static int
check(struct restore *r, struct err *e)
{
	if (look(r->fresh, STORE_CREATE, &r->backup, e) != 0)
		return err_prefix(e, "%s cannot be used", r->file);
	if (r->backup.events == 0)
		return err_set(e, ERR_INPUT,
		    "%s holds no deliveries: it is no backup of Gatepost",
		    r->file);
	r->readable = look(r->where, STORE_READ, &r->before, NULL) == 0;
	return 0;
}

/* ---- asking, and telling what is next ------------------------------------ */

static int
may_go_on(struct restore *r, struct err *e)
{
	char answer[16] = "";
	if (ctl_get(r->ctl, "yes") != NULL)
		return 1;
	if (!isatty(STDIN_FILENO)) {
		err_set(e, ERR_USAGE,
		    "nobody can be asked here: say --yes to put %s, with %s, "
		    "in the place of %s",
		    r->file, says(r, &r->backup), r->where);
		return 0;
	}
	fprintf(stderr,
	    "%s: %s\n%s: %s\nPut the first in the place of the "
	    "second, which is kept beside it? [y/N] ",
	    r->file, says(r, &r->backup), r->where,
	    r->readable ? says(r, &r->before) : "missing, or cannot be read");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}

static void
report(struct restore *r, int had)
{
	struct buf *b = &r->ctl->out;
	const struct summary *s = &r->backup;
	char text[TIME_TEXT_MAX];
	time_text(s->last, text);
	buf_addf(b, "%s is checked, and in place: %s\n", r->file, says(r, s));
	if (had)
		buf_addf(b, "what was there is kept as %s\n", r->kept);
	buf_addf(b, "next:\n- What came after %s is not in it. ", text);
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (platforms[i]->words.resend != NULL)
			buf_addf(b, "%s. ", platforms[i]->words.resend);
	buf_addf(b,
	    "'gatepost grant' gives a tier by hand.\n"
	    "- Programs that follow /v1/changes: the newest number is %lld "
	    "now, and higher ones are given a second time. Let each begin "
	    "with after=0.\n",
	    (long long)s->changes);
	if (s->waiting > 0)
		buf_addf(b,
		    "- %lld follow-ups wait in it; some may have been sent "
		    "since. Before you start the programs: 'gatepost outbox "
		    "--state waiting', and 'gatepost outbox drop --state "
		    "waiting'.\n",
		    (long long)s->waiting);
	buf_addz(b,
	    "- Start the programs, and run 'gatepost check': sudo systemctl "
	    "start gatepost.socket gatepost.service\n");
}

/* ---- the command --------------------------------------------------------- */

/* Root must not write where another user can lay links. */
static int
check_user(struct restore *r, struct err *e)
{
	const char *folder = arena_printf(r->ctl->arena, "%.*s",
	    (int)(strrchr(r->where, '/') - r->where) + 1, r->where);
	struct stat st;
	if (stat(folder, &st) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
	if (geteuid() == 0 && st.st_uid != 0)
		return err_set(e, ERR_SYSTEM,
		    "%s is not root's: sudo -u %s gatepost restore …, with a "
		    "file that this user may read",
		    folder, ctl_owner(r->ctl, folder));
	return 0;
}

static int
prepare(struct ctl *ctl, struct restore *r, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return -1;
	if (store_is_url(c->database))
		return err_set(e, ERR_CONFIG,
		    "the database is PostgreSQL: gatepost-scaling(7) tells how "
		    "pg_restore(1) brings it back");
	*r = (struct restore){
		.ctl = ctl,
		.file = ctl->rest[0],
		.where = c->database,
		.fresh = arena_printf(ctl->arena, "%s.new", c->database),
	};
	/* one in the same second has its name already */
	int64_t now = time_now();
	do
		r->kept = arena_printf(ctl->arena, "%s.before-%s", c->database,
		    ctl_stamp(ctl, now++));
	while (access(r->kept, F_OK) == 0);
	return check_user(r, e);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct restore r;
	int had = 0, asked = 0;
	if (prepare(ctl, &r, e) != 0)
		return CTL_SYSTEM;
	int rc = copy(&r, e);
	if (rc == 0)
		rc = check(&r, e);
	if (rc == 0)
		asked = may_go_on(&r, e);
	if (asked)
		rc = db_swap(r.where, r.fresh, r.kept, &had, e);
	if (asked && rc == 0) {
		report(&r, had);
		return CTL_YES;
	}
	remove_fresh(&r);
	if (e->code == ERR_BUSY)
		err_set(e, ERR_BUSY,
		    "%s is in use: stop the programs first, sudo systemctl "
		    "stop gatepost.socket gatepost.service",
		    r.where);
	if (e->code == ERR_NONE)
		buf_addz(&ctl->out, "nothing was changed\n");
	return CTL_NO;
}

static const struct ctl_option options[] = {
	{ "yes", NULL, "do not ask" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_restore = {
	.name = "restore",
	.args = "FILE [--yes]",
	.help = "put a backup in the place of the database",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run,
};

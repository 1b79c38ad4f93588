#include "ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * sqlite3(1) on the database of the settings, in place of this program: its
 * prompt, its output and its exit status. Read-only, without a shell between.
 */
enum { OWN_WORDS = 8 };

static const char hint[] =
    "Times are unix seconds: datetime(sold_at, 'unixepoch'). Money is in\n"
    "minor units: price / 100.0. Begin with SELECT * FROM recent_purchases;\n"
    "gatepost-sql(7) has more.\n";

/*
 * A reader makes the -wal and -shm files where no program has the database
 * open (https://www.sqlite.org/wal.html, "Read-Only Databases"), and leaves
 * them. Root gives them to the database's owner; those of anybody else would
 * keep the owner from writing.
 */
static int
check_owner(const char *database, struct err *e)
{
	struct stat st;
	char path[PATH_MAX];
	if (stat(database, &st) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", database, strerror(errno));
	if (geteuid() == 0 || geteuid() == st.st_uid)
		return 0;
	snprintf(path, sizeof(path), "%s-shm", database);
	if (access(path, F_OK) == 0)
		return 0;
	snprintf(path, sizeof(path), "%.*s",
	    (int)(strrchr(database, '/') - database) + 1, database);
	if (access(path, W_OK) != 0)
		return 0;
	return err_set(e, ERR_SYSTEM,
	    "%s: no program has it open, and files made by another user would "
	    "stop it: run this as its owner, or as root",
	    database);
}

static int
find_database(struct ctl *ctl, const char **out, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return -1;
	/* the address may hold a password: it is not repeated */
	if (str_starts(str_from(c->database), STR("postgresql://")))
		return err_set(e, ERR_CONFIG,
		    "the database of %s is PostgreSQL: use psql(1)", c->file);
	/* sqlite3 would ask an empty one */
	if (access(c->database, F_OK) != 0 && errno == ENOENT)
		return err_set(e, ERR_DB,
		    "%s: no database there; 'gatepost migrate' makes one",
		    c->database);
	*out = c->database;
	return check_owner(c->database, e);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	/* execvp takes what it does not change as char * */
	union {
		const char *words[OWN_WORDS + CTL_VALUES_MAX + 1];
		char *argv[OWN_WORDS + CTL_VALUES_MAX + 1];
	} sqlite3 = { .words = { NULL } };
	const char *database = NULL;
	if (find_database(ctl, &database, e) != 0)
		return CTL_SYSTEM;
	size_t n = 0;
	sqlite3.words[n++] = "sqlite3";
	sqlite3.words[n++] = "-readonly";
	sqlite3.words[n++] = ctl->json ? "-json"
	    : isatty(STDOUT_FILENO)    ? "-box"
				       : "-list";
	/* a rollback journal makes readers wait; the user's ~/.sqliterc may
	 * have turned on what would stand between the rows */
	sqlite3.words[n++] = "-cmd";
	sqlite3.words[n++] = ".timeout 2500";
	sqlite3.words[n++] = "-cmd";
	sqlite3.words[n++] = ".timer off";
	/* absolute: never taken for an option */
	sqlite3.words[n++] = database;
	for (size_t i = 0; i < ctl->n_rest; i++)
		sqlite3.words[n++] = ctl->rest[i];
	if (ctl->n_rest == 0 && isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		ctl_write(STDERR_FILENO, str_from(hint));
	execvp("sqlite3", sqlite3.argv);
	if (errno == ENOENT)
		err_set(e, ERR_SYSTEM,
		    "sqlite3 is not installed: apt-get install sqlite3");
	else
		err_set(e, ERR_SYSTEM, "sqlite3: %s", strerror(errno));
	return CTL_SYSTEM;
}

const struct ctl_command ctl_sql = {
	.name = "sql",
	.args = "[SQL …]",
	.help = "ask the database with sqlite3, read-only",
	/* one less than main keeps, so that none is dropped unseen */
	.max_rest = CTL_VALUES_MAX - 1,
	.run = run,
};

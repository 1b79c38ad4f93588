#include "base/file.h"
#include "ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * sqlite3(1), or psql(1), on the database of the settings, in place of this
 * program: its prompt, its output and its exit status. Read-only, without a
 * shell between.
 */
enum { OWN_WORDS = 8 };

static const char hint[] =
    "Times are unix seconds: datetime(sold_at, 'unixepoch'). Money is in\n"
    "minor units (cents). Begin with SELECT * FROM recent_purchases;\n"
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
	*out = c->database;
	if (store_is_url(c->database))
		return 0;
	/* sqlite3 would ask an empty one */
	if (access(c->database, F_OK) != 0 && errno == ENOENT)
		return err_set(e, ERR_DB,
		    "%s: no database there; 'gatepost migrate' makes one",
		    c->database);
	if (access(c->database, R_OK) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", c->database, strerror(errno));
	return check_owner(c->database, e);
}

/* execvp takes what it does not change as char * */
union words {
	const char *words[OWN_WORDS + 2 * CTL_VALUES_MAX + 1];
	char *argv[OWN_WORDS + 2 * CTL_VALUES_MAX + 1];
};

static enum ctl_exit
fail(const char *program, const char *package, struct err *e)
{
	if (errno == ENOENT)
		err_set(e, ERR_SYSTEM,
		    "%s is not installed: apt-get install %s", program,
		    package);
	else
		err_set(e, ERR_SYSTEM, "%s: %s", program, strerror(errno));
	return CTL_SYSTEM;
}

/* Where it is comes by the environment: a password stands in the URL. */
static enum ctl_exit
run_psql(struct ctl *ctl, const char *database, struct err *e)
{
	union words psql = { .words = {
				 "psql", "-X", "-v", "ON_ERROR_STOP=1" } };
	size_t n = 4;
	if (ctl->json) {
		err_set(
		    e, ERR_USAGE, "psql prints no JSON: ask for json_agg(…)");
		return CTL_USAGE;
	}
	if (store_environment(database, e) != 0)
		return CTL_SYSTEM;
	setenv("PGOPTIONS", "-c default_transaction_read_only=on", 1);
	if (!isatty(STDOUT_FILENO))
		psql.words[n++] = "-qAt";
	for (size_t i = 0; i < ctl->n_rest; i++) {
		psql.words[n++] = "-c";
		psql.words[n++] = ctl->rest[i];
	}
	execvp("psql", psql.argv);
	return fail("psql", "postgresql-client", e);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	union words sqlite3 = { .words = { NULL } };
	const char *database = NULL;
	if (find_database(ctl, &database, e) != 0)
		return CTL_SYSTEM;
	if (store_is_url(database))
		return run_psql(ctl, database, e);
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
		file_write(STDERR_FILENO, str_from(hint));
	execvp("sqlite3", sqlite3.argv);
	return fail("sqlite3", "sqlite3", e);
}

const struct ctl_command ctl_sql = {
	.name = "sql",
	.args = "[SQL …]",
	.help = "ask the database with sqlite3 or psql, read-only",
	/* one less than main keeps, so that none is dropped unseen */
	.max_rest = CTL_VALUES_MAX - 1,
	.run = run,
};

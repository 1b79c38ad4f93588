#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/db.h"
#include "store/rows.h"

/* Raised when a script of sql/ changes. */
enum { LOG_VERSION = 5, STATE_VERSION = 2, VIEWS_VERSION = 3, OPEN_MS = 2500 };

/* Of what stands in the database; 0: it is missing. */
struct versions {
	int64_t log, state, views;
};

struct store {
	const struct db_driver *driver;
	struct db *db;
};

int
store_run(struct store *s, enum query q, const struct db_value *args, size_t n,
    db_row_fn *fn, void *arg, struct err *e)
{
	return s->driver->run(s->db, q, args, n, fn, arg, e);
}

int
store_is_far(const struct store *s)
{
	return s->driver->ahead != NULL;
}

void
store_look(struct store *s, enum query q, const struct db_value *args, size_t n)
{
	if (s->driver->ahead != NULL)
		s->driver->ahead(s->db, q, args, n);
}

int
store_script(struct store *s, enum store_script which, struct err *e)
{
	return s->driver->script(s->db,
	    which == STORE_MOVED ? s->driver->moved_script
				 : s->driver->back_script,
	    e);
}

struct number {
	int64_t value;
	int found;
};

static int
take_number(void *arg, const struct db_value *row, size_t n)
{
	struct number *number = arg;
	number->found = n > 0;
	number->value = 0;
	if (row[0].type == DB_INT)
		number->value = row[0].i;
	else if (row[0].type == DB_TEXT)
		str_int64(row[0].s, 0, INT64_MAX, &number->value);
	return 0;
}

int
store_number(struct store *s, enum query q, const struct db_value *args,
    size_t n, int64_t *out, int *found, struct err *e)
{
	struct number number = { 0, 0 };
	if (store_run(s, q, args, n, take_number, &number, e) != 0)
		return -1;
	*out = number.value;
	if (found != NULL)
		*found = number.found;
	return 0;
}

static int
meta_get(struct store *s, struct str name, int64_t *out, struct err *e)
{
	struct db_value arg = db_text(name);
	return store_number(s, QUERY_META_GET, &arg, 1, out, NULL, e);
}

static int
meta_put(struct store *s, struct str name, int64_t value, struct err *e)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return store_meta_put(s, name, str_from(text), e);
}

int
store_meta_put(
    struct store *s, struct str name, struct str value, struct err *e)
{
	struct db_value args[] = { db_text(name), db_text(value) };
	return store_run(s, QUERY_META_PUT, args, 2, NULL, NULL, e);
}

int
store_meta_number(struct store *s, struct str name, int64_t *out, struct err *e)
{
	struct db_value arg = db_text(name);
	int found = 0;
	if (store_number(s, QUERY_META_GET, &arg, 1, out, &found, e) != 0)
		return -1;
	if (!found)
		*out = STORE_NULL;
	return 0;
}

struct copy {
	struct arena *arena;
	struct str text;
};

static int
take_copy(void *arg, const struct db_value *row, size_t n)
{
	struct copy *copy = arg;
	(void)n;
	copy->text = str_copy(copy->arena, row[0].s);
	return 1;
}

int
store_meta_text(struct store *s, struct str name, struct arena *a,
    struct str *out, struct err *e)
{
	struct copy copy = { a, STR_NONE };
	struct db_value arg = db_text(name);
	if (store_run(s, QUERY_META_GET, &arg, 1, take_copy, &copy, e) != 0)
		return -1;
	*out = copy.text;
	return 0;
}

struct compare {
	struct str with;
	int same;
};

static int
take_compare(void *arg, const struct db_value *row, size_t n)
{
	struct compare *c = arg;
	c->same = n > 0 && str_eq(row[0].s, c->with);
	return 1;
}

int
store_meta_is(struct store *s, struct str name, struct str value, int *same,
    struct err *e)
{
	struct compare c = { value, 0 };
	struct db_value arg = db_text(name);
	if (store_run(s, QUERY_META_GET, &arg, 1, take_compare, &c, e) != 0)
		return -1;
	*same = c.same;
	return 0;
}

static int
versions(struct store *s, struct versions *v, struct err *e)
{
	int64_t present;
	*v = (struct versions){ 0 };
	if (store_number(s, QUERY_SCHEMA_PRESENT, NULL, 0, &present, NULL, e) !=
	    0)
		return -1;
	if (present == 0)
		return 0;
	if (meta_get(s, STR("log_version"), &v->log, e) != 0 ||
	    meta_get(s, STR("state_version"), &v->state, e) != 0 ||
	    meta_get(s, STR("views_version"), &v->views, e) != 0)
		return -1;
	/* state tables of another version are filled anew, the log cannot be */
	if (v->log > LOG_VERSION)
		return err_set(e, ERR_CONFIG,
		    "the database was made by a newer gatepost (tables %lld, "
		    "this program knows %d): install that version again, or "
		    "restore a backup made before it",
		    (long long)v->log, LOG_VERSION);
	return 0;
}

static int
create_missing(struct store *s, const struct versions *v, struct err *e)
{
	int64_t log = v->log;
	for (; log < LOG_VERSION; log++)
		if (s->driver->script(s->db, s->driver->log_scripts[log], e) !=
			0 ||
		    meta_put(s, STR("log_version"), log + 1, e) != 0)
			return -1;
	/* a new column waits for the rebuild; tables made anew are empty, and
	 * have to be filled from the log again */
	int step = v->state == STATE_VERSION - 1;
	if (step &&
	    (s->driver->script(s->db, s->driver->state_step, e) != 0 ||
		meta_put(s, STR("state_version"), STATE_VERSION, e) != 0))
		return -1;
	if (!step && v->state != STATE_VERSION &&
	    (store_meta_put(s, STR("state_digest"), STR(""), e) != 0 ||
		store_meta_put(s, STR("tiers"), STR(""), e) != 0 ||
		s->driver->script(s->db, s->driver->state_script, e) != 0 ||
		meta_put(s, STR("state_version"), STATE_VERSION, e) != 0))
		return -1;
	if ((v->state != STATE_VERSION || v->views != VIEWS_VERSION) &&
	    (s->driver->script(s->db, s->driver->views_script, e) != 0 ||
		meta_put(s, STR("views_version"), VIEWS_VERSION, e) != 0))
		return -1;
	return 0;
}

int
store_migrate(struct store *s, int *made, struct err *e)
{
	struct versions v;
	*made = 0;
	if (versions(s, &v, e) != 0)
		return -1;
	if (v.log == LOG_VERSION && v.state == STATE_VERSION &&
	    v.views == VIEWS_VERSION)
		return 0;
	if (store_begin(s, e) != 0)
		return -1;
	/* again under the lock: another process may have done it meanwhile */
	if (versions(s, &v, e) != 0 || create_missing(s, &v, e) != 0 ||
	    store_commit(s, e) != 0) {
		store_rollback(s);
		return err_prefix(e, "create tables");
	}
	*made = 1;
	return 0;
}

static int
check_versions(struct store *s, struct err *e)
{
	struct versions v;
	if (versions(s, &v, e) != 0)
		return -1;
	if (v.log != LOG_VERSION || v.state != STATE_VERSION)
		return err_set(e, ERR_ABSENT,
		    "the database has no tables of this version; 'gatepost "
		    "migrate' makes them");
	return 0;
}

/* NULL: a URL that nothing is built in for. */
static const struct db_driver *
find_driver(const char *where)
{
	static const struct db_driver *const urls[] = {
#ifdef HAVE_LIBPQ
		&db_postgresql,
#endif
		NULL
	};
	if (!store_is_url(where))
		return &db_sqlite;
	for (size_t i = 0; urls[i] != NULL; i++)
		if (str_starts(str_from(where), str_from(urls[i]->scheme)))
			return urls[i];
	return NULL;
}

static int
not_built(struct err *e)
{
	return err_set(e, ERR_CONFIG,
	    "this build has no PostgreSQL: set database to a file path");
}

int
store_environment(const char *where, struct err *e)
{
	const struct db_driver *driver = find_driver(where);
	return driver == NULL		  ? not_built(e)
	    : driver->environment == NULL ? 0
					  : driver->environment(where, e);
}

enum store_tls
store_tls(const char *where)
{
	const struct db_driver *driver = find_driver(where);
	return driver == NULL || driver->tls == NULL ? STORE_TLS_LOCAL
						     : driver->tls(where);
}

int
store_is_url(const char *where)
{
	return strstr(where, "://") != NULL;
}

int
store_is_words(const char *where)
{
	static const char *const words[] = { "host", "hostaddr", "port",
		"dbname", "user", "password", "passfile", "service" };
	if (store_is_url(where))
		return 0;
	for (const char *p = where; (p = strchr(p, '=')) != NULL; p++)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			size_t n = strlen(words[i]), end = (size_t)(p - where);
			while (end > 0 && where[end - 1] == ' ')
				end--;
			if (end >= n &&
			    memcmp(where + end - n, words[i], n) == 0 &&
			    (end == n || where[end - n - 1] == ' '))
				return 1;
		}
	return 0;
}

/* As libpq cuts it (https://www.postgresql.org/docs/15/libpq-connect.html);
 * where an @ or a / of a password was not written as %40 or %2F, less. */
const char *
store_shown(const char *where, char out[STORE_SHOWN_MAX])
{
	if (!store_is_url(where))
		return where;
	const char *rest = strstr(where, "://") + strlen("://");
	int scheme = (int)(rest - where);
	const char *at = strrchr(rest, '@');
	if (at != NULL && at < rest + strcspn(rest, "/"))
		rest = at + 1;
	else if (at != NULL)
		rest = "…";
	snprintf(out, STORE_SHOWN_MAX, "%.*s%.*s", scheme, where,
	    (int)strcspn(rest, "?"), rest);
	return out;
}

int
store_open(
    const char *where, enum store_mode mode, struct store **out, struct err *e)
{
	return store_open_within(where, mode, OPEN_MS, out, e);
}

int
store_open_within(const char *where, enum store_mode mode, int ms,
    struct store **out, struct err *e)
{
	static const enum db_mode modes[] = { [STORE_READ] = DB_READ,
		[STORE_WRITE] = DB_WRITE,
		[STORE_STANDBY] = DB_STANDBY,
		[STORE_CREATE] = DB_CREATE };
	const struct db_driver *driver = find_driver(where);
	if (driver == NULL)
		return not_built(e);
	if (store_is_words(where))
		return err_set(e, ERR_CONFIG,
		    "a PostgreSQL database is named by a URL, "
		    "postgresql://user@host/name, not by host=… dbname=…");
	struct store *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	s->driver = driver;
	int made;
	if (s->driver->open(where, modes[mode], ms, &s->db, e) != 0 ||
	    (mode == STORE_CREATE ? store_migrate(s, &made, e)
				  : check_versions(s, e)) != 0) {
		char shown[STORE_SHOWN_MAX];
		const char *name = store_shown(where, shown);
		store_close(s);
		/* the driver's own messages begin with the path */
		if (e != NULL && strstr(e->text, name) == NULL)
			err_prefix(e, "%s", name);
		return -1;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->driver->close(s->db);
	free(s);
}

void
store_brief(struct store *s)
{
	if (s->driver->brief != NULL)
		s->driver->brief(s->db);
}

void
store_patience(struct store *s, int ms)
{
	s->driver->patience(s->db, ms);
}

int
store_lost(struct store *s)
{
	return s->driver->lost(s->db);
}

int
store_listen(struct store *s, struct err *e)
{
	if (s->driver->listen == NULL)
		return err_set(e, ERR_CONFIG, "a file tells nobody of changes");
	return s->driver->listen(s->db, e);
}

int
store_heard(struct store *s, int ms, int *heard, struct err *e)
{
	return s->driver->heard(s->db, ms, heard, e);
}

int
store_begin(struct store *s, struct err *e)
{
	return store_run(s, QUERY_BEGIN, NULL, 0, NULL, NULL, e);
}

int
store_begin_claim(struct store *s, struct err *e)
{
	return store_run(s, QUERY_BEGIN_CLAIM, NULL, 0, NULL, NULL, e);
}

int
store_begin_read(struct store *s, struct err *e)
{
	return store_run(s, QUERY_BEGIN_READ, NULL, 0, NULL, NULL, e);
}

int
store_commit(struct store *s, struct err *e)
{
	return store_run(s, QUERY_COMMIT, NULL, 0, NULL, NULL, e);
}

void
store_rollback(struct store *s)
{
	/* fails where the database has rolled back by itself: as well */
	store_run(s, QUERY_ROLLBACK, NULL, 0, NULL, NULL, NULL);
}

int
store_savepoint(struct store *s, struct err *e)
{
	return store_run(s, QUERY_SAVEPOINT, NULL, 0, NULL, NULL, e);
}

int
store_release(struct store *s, struct err *e)
{
	return store_run(s, QUERY_RELEASE, NULL, 0, NULL, NULL, e);
}

int
store_rollback_to(struct store *s, struct err *e)
{
	return store_run(s, QUERY_ROLLBACK_TO, NULL, 0, NULL, NULL, e);
}

int
store_age(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_STANDBY_AGE, NULL, 0, out, NULL, e);
}

int
store_beat(struct store *s, struct err *e)
{
	return store_run(s, QUERY_BEAT, NULL, 0, NULL, NULL, e);
}

int
store_is_moved(struct store *s, int *moved, struct err *e)
{
	int64_t n = 0;
	int rc = store_number(s, QUERY_MOVED, NULL, 0, &n, NULL, e);
	*moved = n > 0;
	return rc;
}

int
store_alive(struct store *s, struct err *e)
{
	return store_run(s, QUERY_ALIVE, NULL, 0, NULL, NULL, e);
}

static int
take_ok(void *arg, const struct db_value *row, size_t n)
{
	*(int *)arg = n > 0 && str_eq_z(row[0].s, "ok");
	return 1;
}

int
store_integrity(struct store *s, struct err *e)
{
	int ok = 0;
	if (store_run(s, QUERY_INTEGRITY, NULL, 0, take_ok, &ok, e) != 0)
		return -1;
	if (!ok)
		return err_set(e, ERR_DB,
		    "the database is damaged: keep the file, restore a backup "
		    "beside it and look at both");
	return 0;
}

/* Buyers' data: made for its owner alone, before anything is in it. */
static int
make_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int
sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int rc = fsync(fd);
	close(fd);
	return rc;
}

int
store_backup(struct store *s, const char *target, struct err *e)
{
	if (s->driver != &db_sqlite)
		return err_set(e, ERR_CONFIG,
		    "the database is PostgreSQL: pg_dump(1) copies it, and "
		    "pg_basebackup(1) its server");
	if (access(target, F_OK) == 0)
		return err_set(e, ERR_INPUT,
		    "%s is there already: name another file", target);
	size_t n = strlen(target) + sizeof(".part");
	char *part = malloc(n);
	if (part == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	snprintf(part, n, "%s.part", target);
	unlink(part);
	struct db_value arg = db_text(str_from(part));
	int rc = make_private(part) == 0
	    ? store_run(s, QUERY_BACKUP, &arg, 1, NULL, NULL, e)
	    : err_set(e, ERR_SYSTEM, "%s: %s", part, strerror(errno));
	if (rc == 0 && sync_file(part) != 0)
		rc = err_set(e, ERR_SYSTEM, "%s: cannot be synced", part);
	if (rc == 0 && rename(part, target) != 0)
		rc = err_set(e, ERR_SYSTEM, "%s: cannot be renamed from %s",
		    target, part);
	if (rc != 0)
		unlink(part);
	free(part);
	return rc;
}

#include "setup/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/template.h"

#define OUR_FOLDER SYSCONFDIR "/gatepost"
#define OUR_FILE OUR_FOLDER "/gatepost.conf"
#define OUR_DATA "/var/lib/gatepost" /* StateDirectory of gatepost.service */

/* ---- a new one ------------------------------------------------------------ */

int
settings_make(const char *path, const char *database, const char *public_url,
    const struct user *reader, struct err *e)
{
	const struct template_values values = { .database = database,
		.public_url = public_url };
	struct buf b;
	buf_init(&b, TEMPLATE_MAX);
	int rc = template_fill(&b, &values, NULL, e);
	if (rc == 0)
		rc = edit_write_new(path, buf_str(&b),
		    reader == NULL ? 0600 : 0640, geteuid(),
		    reader == NULL ? getegid() : reader->gid, e);
	buf_free(&b);
	return rc;
}

static int
make_folder(
    const char *path, mode_t mode, const struct user *owner, struct err *e)
{
	if (mkdir(path, mode) != 0)
		return errno == EEXIST
		    ? 0
		    : err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	return chmod(path, mode) == 0 &&
		(owner == NULL || chown(path, owner->uid, owner->gid) == 0)
	    ? 0
	    : err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

/* Where the package has it; the web program runs as a user of its own. */
static int
make_ours(struct setup *s, struct err *e)
{
	struct user ours;
	if (user_find(USER_OURS, &ours) != 0)
		return err_set(e, ERR_CONFIG,
		    "there is no user %s for the web program: install the "
		    "Debian package, or run: adduser --system --group "
		    "--no-create-home --home %s %s",
		    USER_OURS, OUR_DATA, USER_OURS);
	return make_folder(OUR_FOLDER, 0755, NULL, e) != 0 ||
		make_folder(OUR_DATA, 0700, &ours, e) != 0
	    ? -1
	    : settings_make(s->file, OUR_DATA "/gatepost.db", NULL, &ours, e);
}

/* ---- the one that is there ------------------------------------------------- */

static const char *
folder_of(struct setup *s)
{
	const char *slash = strrchr(s->file, '/');
	return slash == NULL ? "."
			     : arena_printf(s->arena, "%.*s",
				   (int)(slash - s->file) + 1, s->file);
}

/* Of the folder: the file is another one after each edit. */
static int
lock(struct setup *s, struct err *e)
{
	const char *folder = folder_of(s);
	s->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0)
		return err_set(
		    e, ERR_CONFIG, "%s: %s", folder, strerror(errno));
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK
	    ? err_set(e, ERR_CONFLICT,
		  "another gatepost setup is at work in %s: wait until it has "
		  "ended",
		  folder)
	    : err_set(e, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
}

static int
reload(struct setup *s, struct err *e)
{
	struct config *c = NULL;
	if (config_load(s->file, &c, e) != 0)
		return -1;
	/* texts of the one before are in use still */
	arena_defer(s->arena, (void (*)(void *))config_free, c);
	s->config = c;
	s->url = c->public_url.n > 0 ? c->public_url.p : "http://127.0.0.1";
	user_of_database(c->database, &s->user);
	return 0;
}

static int
find(struct setup *s)
{
	struct err none = { .code = ERR_NONE };
	s->file = config_locate(s->arena, s->opts->file, CONFIG_CLI, &none);
	if (s->file == NULL)
		s->file = geteuid() == 0 ? OUR_FILE : "./gatepost.conf";
	return access(s->file, F_OK) == 0;
}

static int
make(struct setup *s, struct err *e)
{
	int rc = strcmp(s->file, OUR_FILE) == 0
	    ? make_ours(s, e)
	    : settings_make(s->file, NULL, NULL, NULL, e);
	if (rc == 0)
		setup_say(s, "%s: made, with fresh secrets.", s->file);
	if (rc == 0)
		rc = edit_open(&s->edit, s->arena, s->file, e);
	/* what it was a moment ago nobody wants back */
	s->edit.has_backup = 1;
	return rc;
}

/* Both the file and its folder are written. */
static int
may_write(struct setup *s, struct err *e)
{
	const char *folder = folder_of(s);
	if (access(folder, F_OK) == 0 && access(folder, W_OK) != 0)
		return err_set(e, ERR_CONFIG,
		    "%s cannot be written by you: run sudo gatepost setup, or "
		    "name settings of your own with -c",
		    folder);
	if (access(s->file, F_OK) == 0 && access(s->file, R_OK | W_OK) != 0)
		return err_set(e, ERR_CONFIG,
		    "%s is somebody else's: run it as that user, or as root",
		    s->file);
	return 0;
}

int
settings_open(struct setup *s, struct err *e)
{
	int is_there = find(s);
	if (!s->opts->dry_run && may_write(s, e) != 0)
		return -1;
	if (!is_there && s->opts->dry_run)
		return err_set(e, ERR_CONFIG,
		    "%s is not there yet and would be made: --dry-run shows "
		    "the rest only of what is there",
		    s->file);
	if (!is_there && strcmp(s->file, OUR_FILE) == 0 &&
	    make_folder(OUR_FOLDER, 0755, NULL, e) != 0)
		return -1;
	if (lock(s, e) != 0 ||
	    (is_there ? edit_open(&s->edit, s->arena, s->file, e)
		      : make(s, e)) != 0 ||
	    reload(s, e) != 0)
		return -1;
	if (s->asks)
		setup_say(s,
		    "Settings: %s\nEnter takes what stands in [ ]. Each answer "
		    "is written there at once: Ctrl-C\nbreaks off, and "
		    "'gatepost setup' goes on from there.",
		    s->file);
	return 0;
}

int
settings_save(struct setup *s, struct err *e)
{
	if (!s->edit.is_changed || s->opts->dry_run)
		return 0;
	int first = !s->edit.has_backup;
	if (edit_save(&s->edit, e) != 0)
		return -1;
	if (first)
		setup_say(s, "%s: changed; the old one is %s.", s->edit.path,
		    s->edit.backup);
	s->is_changed = 1;
	return reload(s, e);
}

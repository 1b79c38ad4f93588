#include "setup/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "config/config.h"
#include "config/config_reader.h"
#include "setup/edit_find.h"

/* ---- files ---------------------------------------------------------------- */

int
edit_write_new(const char *path, struct str text, mode_t mode, uid_t uid,
    gid_t gid, struct err *e)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_CONFLICT,
		    "%s is there already: another program writes there now, or "
		    "it is left over from one that was killed; take it away",
		    path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	int rc = file_write(fd, text);
	if (rc == 0 && geteuid() == 0)
		rc = fchown(fd, uid, gid);
	if (rc == 0)
		rc = fchmod(fd, mode);
	if (rc == 0)
		rc = fsync(fd);
	int why = errno;
	if (close(fd) != 0 && rc == 0) {
		rc = -1;
		why = errno;
	}
	if (rc == 0)
		return 0;
	unlink(path);
	return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(why));
}

static int
move(const char *from, const char *to, struct err *e)
{
	if (rename(from, to) != 0) {
		err_set(e, ERR_SYSTEM, "%s: %s", to, strerror(errno));
		unlink(from);
		return -1;
	}
	file_sync_folder(to);
	return 0;
}

int
edit_write(const char *path, struct str text, mode_t mode, uid_t uid, gid_t gid,
    struct err *e)
{
	char new[PATH_MAX];
	snprintf(new, sizeof(new), "%s.new", path);
	return edit_write_new(new, text, mode, uid, gid, e) != 0 ||
		move(new, path, e) != 0
	    ? -1
	    : 0;
}

/* ---- the text ------------------------------------------------------------- */

int
edit_open(struct edit *d, struct arena *a, const char *path, struct err *e)
{
	char real[PATH_MAX];
	unsigned mode;
	struct err why = { .code = ERR_NONE };
	*d = (struct edit){ .arena = a };
	if (realpath(path, real) == NULL || stat(real, &d->st) != 0)
		return err_set(e, ERR_CONFIG, "%s: cannot be read: %s", path,
		    strerror(errno));
	d->path = str_z(a, str_from(real));
	if (config_slurp(a, d->path, EDIT_BYTES_MAX, &d->text, &mode, &why) !=
	    0)
		return err_set(
		    e, ERR_CONFIG, "%s: cannot be read: %s", path, why.text);
	d->saved = d->text;
	return crypto_sha256(d->text, d->digest);
}

static int
is_dos(struct str text)
{
	const char *end = memchr(text.p, '\n', text.n);
	return end != NULL && end > text.p && end[-1] == '\r';
}

static void
put(struct edit *d, size_t from, size_t to, const char *new)
{
	d->text = str_from(arena_printf(d->arena, "%.*s%s%.*s", (int)from,
	    d->text.p, new, (int)(d->text.n - to), d->text.p + to));
	d->is_changed = 1;
}

/* In quotes; "${" is no name of the environment's in double ones behind a
 * backslash. */
static void
add_quoted(struct buf *b, struct str value)
{
	int dollar = memmem(value.p, value.n, "${", 2) != NULL;
	char quote = dollar ? '"' : '\'';
	buf_addc(b, quote);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == quote || c == '\\' || (dollar && c == '$'))
			buf_addc(b, '\\');
		buf_addc(b, c);
	}
	buf_addc(b, quote);
}

/* The new value: "'v'", "{ 'v' }", or "{ 'v', " and what stood there. */
static const char *
new_value(struct edit *d, const struct edit_found *f, struct str value,
    enum edit_how how)
{
	struct buf b;
	struct str old = f->has_value
	    ? str_trim((struct str){ d->text.p + f->from, f->to - f->from })
	    : STR("");
	if (f->is_list)
		old = str_trim((struct str){ old.p + 1, old.n - 2 });
	buf_init(&b, EDIT_BYTES_MAX);
	buf_addz(&b, how == EDIT_LIST ? "{ " : "");
	add_quoted(&b, value);
	if (how == EDIT_LIST && f->n_values > 0)
		buf_addf(&b, ", %.*s", STR_ARG(old));
	buf_addz(&b, how == EDIT_LIST ? " }" : "");
	return buf_take(&b, d->arena).p;
}

/* The place behind the line that begins a section; 0: more stands on it. */
static size_t
line_behind(struct str text, size_t at, size_t end)
{
	for (; at < end; at++) {
		if (text.p[at] == '\n')
			return at + 1;
		if (text.p[at] == '#') {
			const char *stop = memchr(text.p + at, '\n', end - at);
			return stop == NULL ? 0 : (size_t)(stop - text.p) + 1;
		}
		if (strchr(" \t\r", text.p[at]) == NULL)
			return 0;
	}
	return 0;
}

static void
add_entry(struct edit *d, const struct edit_found *f, const char *section,
    const char *key, const char *value)
{
	const char *eol = is_dos(d->text) ? "\r\n" : "\n";
	size_t at = f->has_section ? line_behind(d->text, f->body, f->end) : 0;
	struct arena *a = d->arena;
	if (section == NULL)
		edit_append(
		    d, str_from(arena_printf(a, "%s = %s\n", key, value)));
	else if (!f->has_section)
		edit_append(d,
		    str_from(arena_printf(
			a, "\n%s {\n\t%s = %s\n}\n", section, key, value)));
	else if (at > 0)
		put(d, at, at, arena_printf(a, "\t%s = %s%s", key, value, eol));
	else
		put(d, f->body, f->body,
		    arena_printf(a, " %s = %s", key, value));
}

int
edit_set(struct edit *d, const char *section, const char *key, struct str value,
    enum edit_how how, struct err *e)
{
	struct edit_found f;
	struct str before = d->text;
	int was_changed = d->is_changed;
	if (edit_find(d->arena, d->text, section, key, value, &f, e) != 0)
		return -1;
	if (f.has_wanted && (how == EDIT_LIST || f.n_values == 1))
		return 0;
	const char *text = new_value(d, &f, value, how);
	if (f.has_value) {
		put(d, f.from, f.to, arena_printf(d->arena, " %s", text));
		return 0;
	}
	if (f.has_comment) {
		put(d, f.comment_from, f.comment_to,
		    arena_printf(d->arena, "%s = %s", key, text));
		/* the line may stand in a comment of several lines */
		if (edit_find(d->arena, d->text, section, key, value, &f, e) !=
		    0)
			return -1;
		if (f.has_wanted)
			return 0;
		d->text = before;
		d->is_changed = was_changed;
		if (edit_find(d->arena, d->text, section, key, value, &f, e) !=
		    0)
			return -1;
	}
	add_entry(d, &f, section, key, text);
	return 0;
}

int
edit_get(struct edit *d, const char *section, const char *key,
    struct str *value, struct err *e)
{
	struct edit_found f;
	if (edit_find(d->arena, d->text, section, key, STR_NONE, &f, e) != 0)
		return -1;
	*value = f.value;
	return 0;
}

void
edit_append(struct edit *d, struct str lines)
{
	int dos = is_dos(d->text);
	struct buf b;
	struct str line;
	buf_init(&b, EDIT_BYTES_MAX);
	if (d->text.n > 0 && d->text.p[d->text.n - 1] != '\n')
		buf_addz(&b, dos ? "\r\n" : "\n");
	while (str_cut(lines, '\n', &line, &lines))
		buf_addf(&b, "%.*s%s", STR_ARG(line), dos ? "\r\n" : "\n");
	put(d, d->text.n, d->text.n, buf_take(&b, d->arena).p);
}

/* ---- saving --------------------------------------------------------------- */

static int
is_same(struct edit *d, struct err *e)
{
	struct edit now;
	if (edit_open(&now, d->arena, d->path, e) != 0)
		return -1;
	return crypto_equal(now.digest, d->digest, sizeof(d->digest))
	    ? 0
	    : err_set(e, ERR_CONFLICT,
		  "%s was changed by somebody else meanwhile, and stays as it "
		  "is now: begin again",
		  d->path);
}

/* config_load names the new file, which is about to go. */
static void
rename_in(char *text, const char *new, const char *path)
{
	size_t n = strlen(path);
	char *at = strstr(text, new);
	if (at != NULL)
		memmove(at + n, at + strlen(new), strlen(at + strlen(new)) + 1);
}

static int
does_load(struct edit *d, const char *new, struct err *e)
{
	struct config *c = NULL;
	struct err why = { .code = ERR_NONE };
	int rc = config_load(new, &c, &why);
	config_free(c);
	if (rc == 0)
		return 0;
	rename_in(why.text, new, d->path);
	return err_set(e, ERR_CONFIG, "nothing was changed: %s", why.text);
}

static int
keep_old(struct edit *d, struct err *e)
{
	struct edit old;
	if (d->has_backup)
		return 0;
	d->backup = arena_printf(d->arena, "%s.bak", d->path);
	if (edit_open(&old, d->arena, d->path, e) != 0 ||
	    edit_write(
		d->backup, old.text, 0600, d->st.st_uid, d->st.st_gid, e) != 0)
		return -1;
	d->has_backup = 1;
	return 0;
}

static int
save(struct edit *d, struct err *e)
{
	const char *new = arena_printf(d->arena, "%s.new", d->path);
	if (is_same(d, e) != 0 ||
	    edit_write_new(new, d->text, d->st.st_mode & 07777, d->st.st_uid,
		d->st.st_gid, e) != 0)
		return -1;
	if (does_load(d, new, e) != 0 || keep_old(d, e) != 0 ||
	    is_same(d, e) != 0) {
		unlink(new);
		return -1;
	}
	return move(new, d->path, e);
}

int
edit_save(struct edit *d, struct err *e)
{
	int rc = d->is_changed ? save(d, e) : 0;
	if (rc == 0)
		d->saved = d->text;
	d->text = d->saved;
	d->is_changed = 0;
	return rc == 0 ? crypto_sha256(d->text, d->digest) : -1;
}

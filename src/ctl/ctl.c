#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "access/access.h"

/* CSV and bodies go to a file as they are. On a terminal nothing that a buyer
 * typed may move it. */
static int
show(struct str s)
{
	struct buf b;
	struct str line;
	buf_init(&b, 5 * s.n);
	while (s.n > 0) {
		int more = str_cut(s, '\n', &line, &s);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_add_visible(&b, line);
		if (more)
			buf_addc(&b, '\n');
	}
	int rc = buf_ok(&b) ? file_write(STDOUT_FILENO, buf_str(&b)) : -1;
	buf_free(&b);
	return rc;
}

int
ctl_flush(struct ctl *ctl, struct err *e)
{
	struct str out = buf_str(&ctl->out);
	if (!buf_ok(&ctl->out))
		return err_set(e, ERR_MEMORY, "out of memory");
	if ((isatty(STDOUT_FILENO) ? show(out)
				   : file_write(STDOUT_FILENO, out)) != 0)
		return errno == EPIPE
		    ? -1
		    : err_set(e, ERR_SYSTEM, "standard output: %s",
			  strerror(errno));
	buf_reset(&ctl->out);
	return 0;
}

const struct ctl_option *
ctl_options(const struct ctl_command *c)
{
	return c->options_of != NULL ? c->options_of() : c->options;
}

const char *
ctl_nth(const struct ctl *ctl, const char *option, size_t n)
{
	for (size_t i = 0; i < ctl->n_given; i++) {
		const struct ctl_option *o =
		    &ctl_options(ctl->command)[ctl->given[i].option];
		if (strcmp(o->name, option) == 0 && n-- == 0)
			return ctl->given[i].value;
	}
	return NULL;
}

const char *
ctl_get(const struct ctl *ctl, const char *option)
{
	const char *value = NULL, *next;
	for (size_t n = 0; (next = ctl_nth(ctl, option, n)) != NULL; n++)
		value = next;
	return value;
}

int
ctl_number(const struct ctl *ctl, const char *option, int64_t min, int64_t max,
    int64_t fallback, int64_t *out, struct err *e)
{
	const char *text = ctl_get(ctl, option);
	*out = fallback;
	if (text == NULL)
		return 0;
	if (str_int64(str_from(text), min, max, out) != 0)
		return err_set(e, ERR_USAGE,
		    "--%s takes a whole number from %lld to %lld", option,
		    (long long)min, (long long)max);
	return 0;
}

int
ctl_one_of(const struct ctl *ctl, const char *option, const char *const *words,
    struct err *e)
{
	const char *value = ctl_get(ctl, option);
	char list[256] = "";
	size_t n = 0;
	if (value == NULL)
		return 0;
	for (; *words != NULL; words++) {
		if (strcmp(value, *words) == 0)
			return 0;
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
		    n > 0 ? ", " : "", *words);
	}
	return err_set(e, ERR_USAGE, "--%s is one of %s", option, list);
}

enum ctl_exit
ctl_fail(const struct err *e)
{
	switch (e->code) {
	case ERR_USAGE:
		return CTL_USAGE;
	case ERR_ABSENT:
	case ERR_AUTH:
		return CTL_NO;
	default:
		return CTL_SYSTEM;
	}
}

const char *
ctl_owner(struct ctl *ctl, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	if (slash != NULL && (stat(path, &st) != 0 || st.st_uid == 0))
		path = str_z(ctl->arena,
		    (struct str){ path, (size_t)(slash - path) + 1 });
	if (path == NULL || stat(path, &st) != 0 || st.st_uid == 0)
		return "gatepost";
	const struct passwd *who = getpwuid(st.st_uid);
	return who == NULL
	    ? arena_printf(ctl->arena, "'#%u'", (unsigned)st.st_uid)
	    : str_z(ctl->arena, str_from(who->pw_name));
}

const char *
ctl_as_whom(struct ctl *ctl, const struct err *e)
{
	const char *closed = NULL, *env = getenv("GATEPOST_CONFIG");
	if (ctl->config == NULL && ctl->file != NULL &&
	    strstr(e->text, strerror(EACCES)) != NULL)
		closed = ctl->file;
	else if (ctl->config != NULL && !store_is_url(ctl->config->database) &&
	    (e->code == ERR_DB || e->code == ERR_SYSTEM) &&
	    access(ctl->config->database, R_OK | W_OK) != 0 && errno == EACCES)
		closed = ctl->config->database;
	if (closed == NULL)
		return NULL;
	int named = ctl->config_option != NULL || (env != NULL && *env != '\0');
	return arena_printf(ctl->arena, "sudo -u %s %s%s%s %s%s",
	    ctl_owner(ctl, closed), ctl->program, named ? " -c " : "",
	    named ? ctl->file : "", ctl->command->name,
	    ctl->n_given + ctl->n_rest > 0 ? " …" : "");
}

const char *
ctl_stamp(struct ctl *ctl, int64_t t)
{
	char text[TIME_TEXT_MAX], plain[TIME_TEXT_MAX];
	size_t n = 0;
	time_text(t, text);
	for (size_t i = 0; text[i] != '\0'; i++)
		if (text[i] != '-' && text[i] != ':')
			plain[n++] = text[i];
	return str_z(ctl->arena, (struct str){ plain, n });
}

const struct config *
ctl_config(struct ctl *ctl, struct err *e)
{
	if (ctl->config != NULL)
		return ctl->config;
	ctl->file =
	    config_locate(ctl->arena, ctl->config_option, CONFIG_CLI, e);
	if (ctl->file == NULL || config_load(ctl->file, &ctl->config, e) != 0)
		return NULL;
	return ctl->config;
}

struct store *
ctl_store(struct ctl *ctl, enum store_mode mode, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return NULL;
	if (ctl->store == NULL &&
	    store_open(c->database, mode, &ctl->store, e) != 0) {
		/* an absent database is no answer to the question asked */
		if (e->code == ERR_ABSENT)
			e->code = ERR_DB;
		return NULL;
	}
	return ctl->store;
}

int
ctl_read(struct ctl *ctl, const char *file, size_t max, struct str *out,
    struct err *e)
{
	int is_stdin = file == NULL || strcmp(file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	const char *name = is_stdin ? "standard input" : file;
	struct buf b;
	buf_init(&b, max + 1);
	int rc = -1;
	if (fd < 0) {
		err_set(e, ERR_SYSTEM, "%s: %s", name, strerror(errno));
		goto out;
	}
	for (;;) {
		char piece[16384];
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set(e, ERR_SYSTEM, "%s: %s", name, strerror(errno));
			goto out;
		}
		if (n == 0)
			break;
		buf_add(&b, piece, (size_t)n);
		if (!buf_ok(&b) || b.n > max) {
			err_set(
			    e, ERR_LIMIT, "%s: more than %zu bytes", name, max);
			goto out;
		}
	}
	out->p = arena_dup(ctl->arena, b.p == NULL ? "" : b.p, b.n);
	out->n = b.n;
	rc = out->p != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
out:
	if (fd >= 0 && !is_stdin)
		close(fd);
	buf_free(&b);
	return rc;
}

int
ctl_key(struct ctl *ctl, struct access_key *out, struct err *e)
{
	int found = -1, count = 0;
	for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++) {
		if (ctl_get(ctl, access_words[by]) != NULL) {
			found = by;
			count++;
		}
	}
	if (count != 1)
		return err_set(e, ERR_USAGE,
		    "give one of --user, --email, --buyer, --license");
	if (access_key_parse((enum store_by)found,
		str_from(ctl_get(ctl, access_words[found])), ctl->arena, out,
		e) != 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	return 0;
}

#include "config/config_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "config/config_token.h"

int
config_no_memory(const struct config_reader *r)
{
	return err_set(r->e, ERR_MEMORY, "out of memory");
}

int
config_line(const struct config_reader *r, const char *key, size_t n)
{
	const struct config_entry *e =
	    key == NULL ? NULL : config_tree_find(r->in, key);
	if (e == NULL)
		return r->in->line > 0 ? r->in->line : 1;
	return n < e->n ? e->values[n].line : e->line;
}

int
config_refuse(struct config_reader *r, const char *key, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return config_bad(r->e, r->file, config_line(r, key, 0), "%s", text);
}

const struct config_section *
config_section(const struct config_reader *r, const char *name)
{
	return config_tree_next(r->root->sections, name);
}

struct str
config_text(const struct config_reader *r, const char *key)
{
	const struct config_entry *e = config_tree_find(r->in, key);
	return e != NULL ? e->values->text
			 : str_from(config_key_find(r->in->keys, key)->preset);
}

const struct config_entry *
config_values(const struct config_reader *r, const char *key)
{
	static const struct config_entry none = { .n = 0 };
	const struct config_entry *e = config_tree_find(r->in, key);
	return e != NULL ? e : &none;
}

struct str *
config_texts(struct config_reader *r, const struct config_entry *list)
{
	struct str *v = arena_alloc(r->arena, (list->n + 1) * sizeof(*v));
	for (size_t i = 0; v != NULL && i < list->n; i++)
		v[i] = list->values[i].text;
	return v;
}

int
config_has_only(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(more, c) == NULL))
			return 0;
	}
	return s.n > 0;
}

int
config_is_digits(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    (s.p[i] == '\0' || strchr(more, s.p[i]) == NULL))
			return 0;
	return s.n > 0;
}

int
config_is_path(struct str s, size_t max)
{
	struct str name, rest = { s.p + 1, s.n - 1 };
	if (s.n < 2 || s.n > max || s.p[0] != '/')
		return 0;
	while (rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		if (!beneath_is_name(name))
			return 0;
	}
	return 1;
}

const char *
config_path(struct config_reader *r, const char *path)
{
	if (path[0] == '/')
		return str_z(r->arena, str_from(path));
	return arena_printf(r->arena, "%s/%s",
	    strcmp(r->folder, "/") == 0 ? "" : r->folder, path);
}

_Static_assert(CONFIG_WARNINGS_MAX <= 32, "a bit each in config.problems");

__attribute__((format(printf, 4, 0))) static void
add_warning(struct config_reader *r, uint32_t is_problem, int line,
    const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];
	struct config *c = r->config;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (c->n_warnings == CONFIG_WARNINGS_MAX)
		return;
	const char **list =
	    arena_alloc(r->arena, (c->n_warnings + 1) * sizeof(*list));
	char *z = line == 0
	    ? str_z(r->arena, str_from(text))
	    : arena_printf(r->arena, "%s:%d: %s", r->file, line, text);
	if (list == NULL || z == NULL)
		return;
	for (size_t i = 0; i < c->n_warnings; i++)
		list[i] = c->warnings[i];
	c->problems |= is_problem << c->n_warnings;
	list[c->n_warnings++] = z;
	c->warnings = list;
}

void
config_warn(struct config_reader *r, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_warning(r, 0, line, fmt, ap);
	va_end(ap);
}

void
config_problem(struct config_reader *r, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_warning(r, 1, line, fmt, ap);
	va_end(ap);
}

void
config_warn_program(
    struct config_reader *r, int line, const char *key, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		config_warn(r, line, "%s: %s: %s", key, path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		config_warn(
		    r, line, "%s: %s: not a program you may run", key, path);
}

/* ---- files -------------------------------------------------------------- */

static int
slurp_fd(struct arena *a, int fd, size_t max, struct str *text, unsigned *mode,
    struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(e, ERR_CONFIG, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "not a regular file");
	if (st.st_size > (off_t)max)
		return err_set(e, ERR_CONFIG, "larger than %zu bytes", max);
	*mode = (unsigned)st.st_mode;
	/* one byte more than the size shows a file that grew meanwhile */
	size_t size = (size_t)st.st_size, n = 0;
	char *p = arena_alloc(a, size + 1);
	if (p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	while (n <= size) {
		ssize_t got = read(fd, p + n, size + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, ERR_CONFIG, "%s", strerror(errno));
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n > size)
		return err_set(e, ERR_CONFIG, "it changed while being read");
	*text = (struct str){ p, n };
	return 0;
}

int
config_slurp(struct arena *a, const char *path, size_t max, struct str *text,
    unsigned *mode, struct err *e)
{
	/* a FIFO of that name would block without O_NONBLOCK */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(e, ERR_CONFIG, "%s", strerror(errno));
	int failed = slurp_fd(a, fd, max, text, mode, e);
	close(fd);
	return failed;
}

#include "health/nginx.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum {
	FILE_MAX = 1 << 20, /* bytes */
	FILES_MAX = 4096, /* with all that is included, as often as it is */
	WORDS_MAX = 64, /* of a directive, more are left out */
};

struct reader {
	struct arena *arena;
	const char *folder; /* relative names begin there */
	int files;
	const char *now; /* the file being read */
	struct nginx *out;
	struct nginx_wanted *wanted; /* NULL: nothing is */
	int depth, server; /* braces that are open; with that of server { */
	int has_host, has_path; /* that server */
};

static void read_file(struct reader *r, const char *path);

static struct str
slurp(struct arena *a, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = NULL;
	size_t size = 0, n = 0;
	ssize_t got = 1;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= FILE_MAX) {
		size = (size_t)st.st_size;
		text = arena_alloc(a, size + 1);
	}
	while (text != NULL && n < size && got > 0) {
		got = read(fd, text + n, size - n);
		n += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	return text == NULL || got < 0 ? STR_NONE : (struct str){ text, n };
}

/* ---- words --------------------------------------------------------------- */

static size_t
skip(struct str s, size_t at)
{
	while (
	    at < s.n && (strchr(" \t\r\n", s.p[at]) != NULL || s.p[at] == '#'))
		if (s.p[at++] == '#')
			while (at < s.n && s.p[at] != '\n')
				at++;
	return at;
}

/* The word at *at, which is moved behind it; n 0: one of ; { } is there, or
 * the end. */
static struct str
take_word(struct str s, size_t *at)
{
	size_t from = *at, n = *at;
	char quote =
	    from < s.n && strchr("'\"", s.p[from]) != NULL ? s.p[from] : '\0';
	if (quote != '\0') {
		for (n++; n < s.n && s.p[n] != quote; n++)
			n += s.p[n] == '\\';
		if (n > s.n)
			n = s.n;
		*at = n < s.n ? n + 1 : n;
		return (struct str){ s.p + from + 1, n - from - 1 };
	}
	while (n < s.n && strchr(" \t\r\n;{}", s.p[n]) == NULL)
		n++;
	*at = n;
	return (struct str){ s.p + from, n - from };
}

/* ---- directives ---------------------------------------------------------- */

static void
include(struct reader *r, struct str pattern)
{
	glob_t found;
	const char *path = arena_printf(r->arena, "%s%s%.*s",
	    pattern.n > 0 && pattern.p[0] == '/' ? "" : r->folder,
	    pattern.n > 0 && pattern.p[0] == '/' ? "" : "/", STR_ARG(pattern));
	if (path == NULL || glob(path, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_file(r, found.gl_pathv[i]);
	globfree(&found);
}

static int
names_us(struct str word)
{
	static const char us[] = "gatepost";
	return memmem(word.p, word.n, us, sizeof(us) - 1) != NULL;
}

static void
look_for_host(struct reader *r, const struct str *names, size_t n)
{
	struct nginx_wanted *w = r->wanted;
	if (w == NULL || (w->except != NULL && strcmp(w->except, r->now) == 0))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!str_eq_fold(names[i], str_from(w->host)))
			continue;
		r->has_host = 1;
		if (w->host_in == NULL)
			w->host_in = r->now;
	}
}

static void
open_brace(struct reader *r, const struct str *words, size_t n)
{
	r->depth++;
	if (n != 1 || !str_eq_z(words[0], "server"))
		return;
	r->server = r->depth;
	r->has_host = r->has_path = 0;
}

static void
close_brace(struct reader *r)
{
	if (r->depth-- != r->server)
		return;
	r->server = 0;
	if (r->wanted != NULL)
		r->wanted->is_included |= r->has_host && r->has_path;
}

static void
take(struct reader *r, const struct str *words, size_t n)
{
	if (n < 2)
		return;
	if (str_eq_z(words[0], "server_name"))
		look_for_host(r, words + 1, n - 1);
	if (str_eq_z(words[0], "include"))
		include(r, words[1]);
	else if (str_eq_z(words[0], "worker_connections"))
		str_int64(words[1], 1, INT64_MAX, &r->out->connections);
	else if (str_eq_z(words[0], "worker_rlimit_nofile"))
		str_int64(words[1], 1, INT64_MAX, &r->out->files);
	else if (str_eq_z(words[0], "fastcgi_pass") ||
	    str_eq_z(words[0], "upstream"))
		r->out->is_ours |= names_us(words[1]);
}

static void
read_file(struct reader *r, const char *path)
{
	struct str words[WORDS_MAX];
	size_t n = 0;
	const char *above = r->now;
	struct str s =
	    r->files++ < FILES_MAX ? slurp(r->arena, path) : STR_NONE;
	if (r->wanted != NULL && r->server > 0)
		r->has_path |= strcmp(r->wanted->path, path) == 0;
	r->now = str_z(r->arena, str_from(path));
	for (size_t at = skip(s, 0); at < s.n; at = skip(s, at)) {
		struct str word = take_word(s, &at);
		if (word.n == 0 && at < s.n && strchr(";{}", s.p[at]) != NULL) {
			take(r, words, n);
			if (s.p[at] == '{')
				open_brace(r, words, n);
			else if (s.p[at] == '}')
				close_brace(r);
			n = 0;
			at++;
		} else if (n < WORDS_MAX) {
			words[n++] = word;
		}
	}
	r->now = above;
}

static int
read_from(const char *file, struct arena *a, struct nginx *out,
    struct nginx_wanted *wanted)
{
	const char *slash = strrchr(file, '/');
	struct reader r = { .arena = a,
		.folder = slash == NULL
		    ? "."
		    : str_z(a, (struct str){ file, (size_t)(slash - file) }),
		.out = out,
		.wanted = wanted };
	*out = (struct nginx){ .connections = 512 };
	if (r.folder == NULL || access(file, R_OK) != 0)
		return -1;
	read_file(&r, file);
	return 0;
}

int
nginx_read(const char *file, struct arena *a, struct nginx *out)
{
	return read_from(file, a, out, NULL);
}

int
nginx_look(const char *file, struct arena *a, struct nginx_wanted *w)
{
	struct nginx all;
	w->host_in = NULL;
	w->is_included = 0;
	return read_from(file, a, &all, w);
}

int64_t
nginx_needed(int streams)
{
	return 2 * (int64_t)streams + 2600;
}

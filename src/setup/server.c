#include "setup/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/address.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "config/config_reader.h"
#include "platform/platform.h"
#include "setup/edit.h"

enum { TEXT_MAX = 256 * 1024 };

#define HEAD "# Made by gatepost setup. Changed by hand it stays as it is. "

static const struct server_kind *const kinds[] = { &server_nginx,
	&server_apache };
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- which ------------------------------------------------------------------ */

int
server_runs(const struct server_kind *k)
{
	DIR *all = opendir("/proc");
	struct dirent *d;
	int found = 0;
	while (all != NULL && !found && (d = readdir(all)) != NULL) {
		char path[300], name[64] = "";
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		FILE *f = d->d_name[0] >= '1' && d->d_name[0] <= '9'
		    ? fopen(path, "re")
		    : NULL;
		if (f == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
		found = strcmp(name, k->process) == 0;
	}
	if (all != NULL)
		closedir(all);
	return found;
}

const char *
server_guess(void)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (server_runs(kinds[i]))
			return kinds[i]->name;
	for (size_t i = 0; i < N_KINDS; i++)
		if (access(kinds[i]->program, X_OK) == 0)
			return kinds[i]->name;
	return NULL;
}

/* ---- a file ------------------------------------------------------------------- */

struct str
server_part(const char *text, const char *name)
{
	struct str line, rest = str_from(text);
	const char *begin = NULL, *end = NULL;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "# [%s]", name);
	while (str_cut(rest, '\n', &line, &rest) && end == NULL) {
		int is_name = str_starts(str_trim(line), STR("# ["));
		if (begin == NULL && str_eq_z(str_trim(line), wanted))
			begin = rest.p;
		else if (begin != NULL && (is_name || rest.n == 0))
			end = is_name ? line.p : rest.p;
	}
	return begin == NULL ? STR("")
			     : (struct str){ begin, (size_t)(end - begin) };
}

struct str
server_replace(
    const struct server *v, struct str line, const struct server_pair *pairs)
{
	for (; pairs->from != NULL; pairs++) {
		size_t n = strlen(pairs->from);
		const char *at = memmem(line.p, line.n, pairs->from, n);
		if (at != NULL)
			return str_from(arena_printf(v->arena, "%.*s%s%.*s",
			    (int)(at - line.p), line.p, pairs->to,
			    (int)(line.n - n) - (int)(at - line.p), at + n));
	}
	return line;
}

static const char *
digest_of(struct arena *a, struct str text)
{
	return platform_digest(a, text).p;
}

/* Does the first line tell the digest of all others? */
static int
is_ours(struct arena *a, struct str text)
{
	struct str first, rest;
	if (!str_starts(text, STR(HEAD)) || !str_cut(text, '\n', &first, &rest))
		return 0;
	first.p += sizeof(HEAD) - 1;
	first.n -= sizeof(HEAD) - 1;
	return str_eq_z(first, digest_of(a, rest));
}

void
server_add(
    struct server *v, const char *path, const char *what, const char *text)
{
	struct server_file *f = &v->files[v->n_files++];
	struct err e = { .code = ERR_NONE };
	unsigned mode;
	*f = (struct server_file){ .what = what };
	f->path = arena_printf(v->arena, "%s/%s", v->folder, path);
	f->text = str_from(arena_printf(v->arena, HEAD "%s\n%s",
	    digest_of(v->arena, str_from(text)), text));
	if (access(f->path, F_OK) != 0)
		return;
	if (config_slurp(v->arena, f->path, TEXT_MAX, &f->old, &mode, &e) !=
		0 ||
	    !is_ours(v->arena, f->old))
		f->state = FILE_THEIRS;
	else
		f->state = str_eq(f->old, f->text) ? FILE_SAME : FILE_OLDER;
}

/* ---- all of them --------------------------------------------------------------- */

int
server_plan(struct server *v, const char *url, struct err *e)
{
	const char *path = strchr(strstr(url, "://") + 3, '/');
	struct str host = address_host(url, &v->port);
	v->is_https = strncmp(url, "https:", 6) == 0;
	v->has_port = v->port != (v->is_https ? 443 : 80);
	v->host = str_z(v->arena, host);
	v->certificates =
	    arena_printf(v->arena, "/etc/letsencrypt/live/%s", v->host);
	v->has_certificate = v->is_https &&
	    access(arena_printf(v->arena, "%s/fullchain.pem", v->certificates),
		R_OK) == 0;
	if (path != NULL)
		return err_set(e, ERR_CONFIG,
		    "%s is below a path of the site: its locations are written "
		    "by hand, as gatepost-servers(7) says; run setup with "
		    "--server none",
		    url);
	v->kind->make(v);
	return 0;
}

static int
make_folders(const char *path, struct err *e)
{
	char folder[4096];
	snprintf(folder, sizeof(folder), "%s", path);
	for (char *p = folder + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(folder, 0755) == 0)
			chmod(folder, 0755);
		else if (errno != EEXIST)
			return err_set(
			    e, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
		*p = '/';
	}
	return 0;
}

int
server_write(struct server *v, struct err *e)
{
	for (size_t i = 0; i < v->n_files; i++) {
		struct server_file *f = &v->files[i];
		if (f->state == FILE_SAME || f->state == FILE_THEIRS)
			continue;
		if (make_folders(f->path, e) != 0 ||
		    edit_write(
			f->path, f->text, 0644, geteuid(), getegid(), e) != 0) {
			server_undo(v);
			return -1;
		}
		f->is_written = 1;
	}
	return 0;
}

void
server_undo(struct server *v)
{
	struct err e = { .code = ERR_NONE };
	for (size_t i = 0; i < v->n_files; i++) {
		struct server_file *f = &v->files[i];
		if (!f->is_written)
			continue;
		if (f->old.p == NULL)
			unlink(f->path);
		else
			edit_write(
			    f->path, f->old, 0644, geteuid(), getegid(), &e);
		f->is_written = 0;
	}
}

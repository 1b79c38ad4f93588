#include "ctl/ctl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

/* Copies the database while programs write to it: to a file, or into a folder
 * under a name made of the time, where the newest ones are kept. */
enum { KEEP_MAX = 10000 };

/* gatepost-20261130T214500Z.db */
static int
is_backup(const char *name)
{
	static const char like[] = "gatepost-00000000T000000Z.db";
	if (strlen(name) != strlen(like))
		return 0;
	for (size_t i = 0; like[i] != '\0'; i++)
		if (like[i] == '0' ? !isdigit((unsigned char)name[i])
				   : name[i] != like[i])
			return 0;
	return 1;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* Removes all but the newest. */
static int
remove_old(struct ctl *ctl, const char *folder, size_t keep, struct err *e)
{
	const char **names = arena_alloc(ctl->arena, KEEP_MAX * sizeof(*names));
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;
	int rc = 0;
	if (names == NULL || dir == NULL) {
		rc = err_set(e, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
		goto out;
	}
	while (n < KEEP_MAX && (entry = readdir(dir)) != NULL)
		if (is_backup(entry->d_name))
			names[n++] = str_z(ctl->arena, str_from(entry->d_name));
	if (n > 0)
		qsort(names, n, sizeof(*names), compare);
	for (size_t i = keep; rc == 0 && i < n; i++)
		if (unlinkat(dirfd(dir), names[i], 0) != 0)
			rc = err_set(e, ERR_SYSTEM, "%s/%s: %s", folder,
			    names[i], strerror(errno));
out:
	if (dir != NULL)
		closedir(dir);
	return rc;
}

/* This one and the one before, for `gatepost check`. On a full disk the backup counts, not the note. */
static void
remember(struct ctl *ctl, struct store *s, int64_t now)
{
	struct err e = { .code = ERR_NONE };
	const char *text = arena_printf(ctl->arena, "%lld", (long long)now);
	struct str before = STR_NONE;
	if (store_meta_text(s, STR("backup_at"), ctl->arena, &before, &e) !=
		0 ||
	    (before.p != NULL &&
		store_meta_put(s, STR("backup_before"), before, &e) != 0) ||
	    store_meta_put(s, STR("backup_at"), str_from(text), &e) != 0)
		buf_addf(&ctl->out,
		    "note: that it was made could not be noted: %s\n", e.text);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const char *target = ctl->rest[0];
	struct stat st;
	int64_t keep, now = time_now();
	int is_folder = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
	if (ctl_number(ctl, "keep", 1, KEEP_MAX, 0, &keep, e) != 0)
		return CTL_USAGE;
	if (keep > 0 && !is_folder) {
		err_set(e, ERR_USAGE, "--keep is for a folder, and %s is none",
		    target);
		return CTL_USAGE;
	}
	struct store *s = ctl_store(ctl, STORE_WRITE, e);
	if (is_folder)
		target = arena_printf(ctl->arena, "%s/gatepost-%s.db", target,
		    ctl_stamp(ctl, now));
	if (s == NULL || store_backup(s, target, e) != 0)
		return CTL_SYSTEM;
	buf_addf(&ctl->out, "%s written\n", target);
	remember(ctl, s, now);
	if (keep > 0)
		remove_old(ctl, ctl->rest[0], (size_t)keep, e);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "keep", "N", "in a folder: remove all but the newest N" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_backup = {
	.name = "backup",
	.args = "FILE|FOLDER",
	.help = "copy the database to a new file while the server runs",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run,
};

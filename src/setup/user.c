#include "setup/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

static void
take(const struct passwd *who, struct user *out)
{
	snprintf(out->name, sizeof(out->name), "%s", who->pw_name);
	out->uid = who->pw_uid;
	out->gid = who->pw_gid;
	out->is_other = who->pw_uid != geteuid();
}

int
user_find(const char *name, struct user *out)
{
	const struct passwd *who = getpwnam(name);
	if (who == NULL)
		return -1;
	take(who, out);
	return 0;
}

void
user_of_database(const char *database, struct user *out)
{
	char folder[4096];
	struct stat st;
	const struct passwd *who = NULL;
	*out = (struct user){ .uid = geteuid(), .gid = getegid() };
	if (geteuid() != 0)
		return;
	if (store_is_url(database)) {
		user_find(USER_OURS, out);
		return;
	}
	const char *slash = strrchr(database, '/');
	snprintf(folder, sizeof(folder), "%.*s",
	    slash == NULL ? 1 : (int)(slash - database) + 1,
	    slash == NULL ? "." : database);
	if (stat(database, &st) == 0 || stat(folder, &st) == 0)
		who = getpwuid(st.st_uid);
	if (who != NULL)
		take(who, out);
}

struct report {
	int rc;
	struct err e;
};

static int
send_all(int fd, const void *p, size_t n)
{
	for (const char *at = p; n > 0;) {
		ssize_t sent = write(fd, at, n);
		if (sent < 0 && errno != EINTR)
			return -1;
		at += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

static int
receive_all(int fd, void *p, size_t n)
{
	for (char *at = p; n > 0;) {
		ssize_t got = read(fd, at, n);
		if (got == 0 || (got < 0 && errno != EINTR))
			return -1;
		at += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* In the new process. */
static void
run_there(const struct user *u, user_fn *fn, void *arg, const void *result,
    size_t n, int to)
{
	struct report r = { .rc = -1, .e = { .code = ERR_NONE } };
	if (initgroups(u->name, u->gid) != 0 || setgid(u->gid) != 0 ||
	    setuid(u->uid) != 0)
		err_set(&r.e, ERR_SYSTEM, "cannot become the user %s: %s",
		    u->name, strerror(errno));
	else
		r.rc = fn(arg, &r.e);
	fflush(NULL);
	send_all(to, &r, sizeof(r));
	send_all(to, result, n);
	_exit(0);
}

int
user_run(const struct user *u, user_fn *fn, void *arg, void *result, size_t n,
    struct err *e)
{
	struct report r;
	int ends[2];
	if (!u->is_other)
		return fn(arg, e);
	fflush(NULL);
	if (pipe(ends) != 0)
		return err_set(e, ERR_SYSTEM, "pipe: %s", strerror(errno));
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		run_there(u, fn, arg, result, n, ends[1]);
	}
	close(ends[1]);
	int rc = child < 0 || receive_all(ends[0], &r, sizeof(r)) != 0 ||
		receive_all(ends[0], result, n) != 0
	    ? -1
	    : 0;
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (rc != 0)
		return err_set(e, ERR_SYSTEM,
		    "what was done as the user %s was broken off", u->name);
	if (r.rc != 0)
		*e = r.e;
	return r.rc;
}

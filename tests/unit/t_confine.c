#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgi/server/confine.h"

/* What a confined process can do, and cannot: each in a child of its own. */

static char folder[] = "/tmp/t_confine.XXXXXX";
static struct config config;
static struct listener listeners[LISTEN_MAX];
static struct config_files files;
static struct confined confined;

static const char *
path(const char *name)
{
	static char text[8][128];
	static int i;
	i = (i + 1) % 8;
	snprintf(text[i], sizeof(text[i]), "%s/%s", folder, name);
	return text[i];
}

static int
opens(const char *name, int flags)
{
	int fd = open(path(name), flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
put(const char *name)
{
	OK(opens(name, O_WRONLY | O_CREAT), "put %s", name);
}

static void *
thread(void *arg)
{
	(void)arg;
	return opens("away/secret", O_RDONLY) ? &config : NULL;
}

/* Bits of what went wrong. */
static int
check_files(void)
{
	int bad = 0;
	bad |= !opens("data/db", O_RDWR) << 0;
	bad |= (!opens("data/db-wal", O_RDWR | O_CREAT) ||
		   unlink(path("data/db-wal")) != 0)
	    << 1;
	bad |= (truncate(path("data/db"), 0) != 0) << 2;
	bad |= !opens("web/guides/a", O_RDONLY) << 3;
	bad |= opens("web/guides/a", O_WRONLY) << 4;
	bad |= opens("away/secret", O_RDONLY) << 5;
	bad |= opens("away/new", O_WRONLY | O_CREAT) << 6;
	bad |= (unlink(path("away/secret")) == 0) << 7;
	bad |= (unlink(path("run/s")) != 0) << 8;
	bad |= opens("run/new", O_WRONLY | O_CREAT) << 9;
	bad |= (mkdir(path("data/sub"), 0700) == 0) << 10;
	pthread_t t;
	void *seen = NULL;
	bad |= (pthread_create(&t, NULL, thread, NULL) != 0 ||
		   pthread_join(t, &seen) != 0 || seen != NULL)
	    << 11;
	return bad;
}

static int
check_calls(void)
{
	char *const argv[] = { NULL };
	int bad = 0, fd = memfd_create("m", MFD_CLOEXEC);
	bad |= (fd < 0 || ftruncate(fd, 10) != 0 || ftruncate(fd, 0) != 0) << 0;
	bad |= (execv("/bin/true", argv) == 0 || errno != EPERM) << 1;
	bad |= (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 || errno != EPERM) << 2;
	bad |= (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) << 3;
	bad |= (prctl(PR_GET_SECCOMP) != 2) << 4;
	bad |= (prctl(PR_GET_DUMPABLE) != 0) << 5;
	return bad;
}

/* fn in a confined child; -1: it did not come to that. */
static int
confined_child(int (*fn)(void), int is_open)
{
	int pair[2], bad = -1;
	if (pipe(pair) != 0)
		return -1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		confine_begin(&config, &confined);
		confine(&config, listeners, is_open, &confined);
		bad = fn();
		_exit(write(pair[1], &bad, sizeof(bad)) < 0);
	}
	close(pair[1]);
	if (read(pair[0], &bad, sizeof(bad)) != sizeof(bad))
		bad = -1;
	close(pair[0]);
	waitpid(pid, NULL, 0);
	return bad;
}

static int
what(void)
{
	return confined.landlock << 8 | confined.calls << 1 |
	    confined.privileges;
}

static void
test_text(void)
{
	char text[CONFINED_TEXT_MAX];
	struct confined c = { .privileges = 0 };
	test_group("text");
	IS(str_from(confined_text(&c, text)), "nothing", "of nothing");
	c = (struct confined){ 1, 1, 1, 7 };
	IS(str_from(confined_text(&c, text)),
	    "no new privileges, no core dumps, system calls, files "
	    "(Landlock 7)",
	    "of all");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	test_group("confine");
	const char *folders[] = { "data", "away", "run", "web", "web/guides" };
	for (size_t i = 0; i < 5; i++)
		OK(mkdir(path(folders[i]), 0700) == 0, "%s", folders[i]);
	const char *names[] = { "data/db", "away/secret", "run/s",
		"web/guides/a" };
	for (size_t i = 0; i < 4; i++)
		put(names[i]);
	char database[128], root[128];
	snprintf(database, sizeof(database), "%s", path("data/db"));
	snprintf(root, sizeof(root), "%s", path("web/guides"));
	config.database = database;
	files.root = root;
	config.files = &files;
	config.n_files = 1;
	listeners[0].owned = 1;
	snprintf(
	    listeners[0].path, sizeof(listeners[0].path), "%s", path("run/s"));
	int is = confined_child(what, 1);
	OK(is > 0 && (is & 1) != 0, "no new privileges");
	OK(confined_child(what, 0) >> 8 == 0,
	    "without a database no file is closed off");
	/* sanitizers need what is given up here; old kernels have no such
	 * thing */
	int bad = (is & 2) != 0 ? confined_child(check_calls, 1) : 0;
	OK(bad == 0, "system calls: %x%s", (unsigned)bad,
	    (is & 2) != 0 ? "" : " # SKIP");
	bad = is >> 8 >= 3 ? confined_child(check_files, 1) : 0;
	OK(bad == 0, "files: %x%s", (unsigned)bad,
	    is >> 8 >= 3 ? "" : " # SKIP");
	test_text();
	for (size_t i = 0; i < 4; i++)
		unlink(path(names[i]));
	for (size_t i = 5; i-- > 0;)
		rmdir(path(folders[i]));
	rmdir(folder);
	return test_end();
}

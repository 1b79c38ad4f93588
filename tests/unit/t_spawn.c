#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "action/spawn.h"
#include "base/time.h"
#include "tests/unit/test.h"

enum { LONG_MS = 20000, SHORT_MS = 300, THREADS = 4, ROUNDS = 8 };

static int
shell(const char *script, struct spawn_opts o, struct spawn_result *r)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "X=1", NULL };
	struct err e;
	o.argv = argv;
	o.env = env;
	if (o.timeout_ms == 0)
		o.timeout_ms = LONG_MS;
	return spawn_run(&o, r, &e);
}

static const struct spawn_opts plain = { .in = { "", 0 } };

static void
test_plain(void)
{
	struct spawn_result r;
	struct err e = { 0 };
	char line[40];
	test_group("spawn");
	struct spawn_opts o = { .in = STR("one\ntwo\n") };
	OK(shell("cat; echo bad >&2; exit 75", o, &r) == 0 && r.code == 75 &&
		r.signal == 0 && !r.late,
	    "exit code");
	IS(((struct str){ r.said, r.n_said }), "one\ntwo\nbad\n", "in and out");
	IS(str_from(spawn_said(&r, STR_NONE, line, sizeof(line))),
	    "one; two; bad", "on one line");
	OK(shell("kill -TERM $$", plain, &r) == 0 && r.code == -1 &&
		r.signal == SIGTERM,
	    "signal");
	OK(shell("printf 'x\\033[31m\\377 \\303\\251\\n\\n'", plain, &r) == 0,
	    "output");
	IS(str_from(spawn_said(&r, STR_NONE, line, sizeof(line))),
	    "x\\x1B[31m\\xFF \xC3\xA9", "made visible");
	OK(shell("echo user A@b.co: no such user", plain, &r) == 0, "told");
	IS(str_from(spawn_said(&r, STR("a@b.co"), line, sizeof(line))),
	    "user (hidden): no such user", "without the address");
	OK(shell("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); "
		 "done",
	       plain, &r) == 0 &&
		r.n_said == SPAWN_SAID_MAX,
	    "much output");
	IS(str_from(spawn_said(&r, STR_NONE, line, 10)), "line 1999",
	    "its end is kept");
	IS(str_from(spawn_said(&r, STR_NONE, line, 5)), "1999", "cut in front");
	const char *absent[] = { "/nowhere/at/all", NULL };
	o.argv = o.env = absent;
	o.timeout_ms = LONG_MS;
	OK(spawn_run(&o, &r, &e) != 0 && e.code == ERR_ABSENT, "absent");
	absent[0] = "/etc/passwd";
	OK(spawn_run(&o, &r, &e) != 0 && e.code == ERR_SYSTEM,
	    "not a program: %s", e.text);
}

static void
test_clean(void)
{
	struct spawn_result r;
	test_group("clean");
	int fd = open("/dev/null", O_RDONLY);
	int high = fcntl(fd, F_DUPFD, 200);
	signal(SIGPIPE, SIG_IGN);
	setenv("SECRET", "of the parent", 1);
	OK(shell("ls /proc/$$/fd; env; grep SigIgn /proc/$$/status", plain,
	       &r) == 0,
	    "ran");
	OK(strstr(r.said, "SECRET") == NULL, "no environment of the parent's");
	OK(strncmp(r.said, "0\n1\n2\n", 6) == 0 &&
		strchr("PX", r.said[6]) != NULL,
	    "no descriptors");
	/* glibc keeps 32 and 33 to itself, and its posix_spawn leaves them
	 * ignored in what it starts: make(1), for one */
	OK(strstr(r.said, "SigIgn:\t0000000000000000") != NULL ||
		strstr(r.said, "SigIgn:\t0000000180000000") != NULL,
	    "no signal ignored");
	close(fd);
	close(high);
	struct spawn_opts o = plain;
	o.limits = 1;
	OK(shell("ulimit -c; ulimit -n; ulimit -t; ulimit -d", o, &r) == 0,
	    "ran");
	IS(((struct str){ r.said, r.n_said }), "0\n256\n60\n1048576\n",
	    "limits");
}

static int
is_gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		char path[64], state[256] = "";
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		FILE *f = fopen(path, "r");
		if (f == NULL)
			return 1;
		size_t n = fread(state, 1, sizeof(state) - 1, f);
		fclose(f);
		/* dead, and whoever adopted it takes his time */
		if (n == 0 || strstr(state, ") Z ") != NULL)
			return 1;
		usleep(10000);
	}
	return 0;
}

static void
test_late(void)
{
	struct spawn_result r;
	struct spawn_opts o = plain;
	int64_t pid = 0, begun = time_ticks();
	test_group("time-out");
	o.timeout_ms = SHORT_MS;
	OK(shell("trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60", o,
	       &r) == 0 &&
		r.late && r.signal == SIGKILL,
	    "killed");
	OK(time_ticks() - begun < LONG_MS, "at once");
	OK(str_int64(str_trim((struct str){ r.said, r.n_said }), 1, INT32_MAX,
	       &pid) == 0 &&
		is_gone((pid_t)pid),
	    "and its children");
	OK(shell("while :; do echo yes; done", o, &r) == 0 && r.late,
	    "one that writes without end");
	OK(shell("exec >/dev/null 2>&1; exec sleep 60", o, &r) == 0 && r.late,
	    "one that has closed its output");
	begun = time_ticks();
	o.timeout_ms = LONG_MS;
	OK(shell("sleep 60 & echo $!", o, &r) == 0 && r.code == 0 && !r.late &&
		time_ticks() - begun < LONG_MS / 2,
	    "what it leaves is not waited for");
	OK(str_int64(str_trim((struct str){ r.said, r.n_said }), 1, INT32_MAX,
	       &pid) == 0 &&
		is_gone((pid_t)pid),
	    "and is killed");
	o.linger = 1;
	OK(shell("sleep 60 & echo $!", o, &r) == 0 &&
		str_int64(str_trim((struct str){ r.said, r.n_said }), 1,
		    INT32_MAX, &pid) == 0 &&
		kill((pid_t)pid, 0) == 0,
	    "a lingering one is left alone");
	kill((pid_t)pid, SIGKILL);
	char *big = calloc(1, 1 << 20);
	o.in = (struct str){ big, 1 << 20 };
	signal(SIGPIPE, SIG_DFL);
	OK(shell("exec <&-; exit 0", o, &r) == 0 && r.code == 0,
	    "input that is not read");
	free(big);
}

static void *
many(void *arg)
{
	int *bad = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct spawn_result r;
		struct spawn_opts o = { .in = STR("x") };
		if (shell("cat; exit 3", o, &r) != 0 || r.code != 3 ||
		    r.n_said != 1)
			(*bad)++;
	}
	return NULL;
}

static void
test_threads(void)
{
	pthread_t t[THREADS];
	int bad[THREADS] = { 0 }, all = 0;
	test_group("threads");
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, many, &bad[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all += bad[i];
	}
	OK(all == 0, "several at once");
}

int
main(void)
{
	test_plain();
	test_clean();
	test_late();
	test_threads();
	return test_end();
}

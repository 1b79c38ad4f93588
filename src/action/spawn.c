#include "action/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

enum {
	FD_FAILED = 3, /* in the child: tells why exec failed */
	FD_ABOVE = 10, /* descriptors made here stand clear of 0 to 3 */
	FD_CLOSE_MAX = 65536, /* without close_range: up to here */
	TICK_MS = 20, /* without pidfd_open: how often to look */
	READS_MAX = 256, /* pieces read between two looks at the clock */
	IN_MAX = 1 << 24, /* bytes */
	NOT_TOLD = 126, /* exit codes of a child without a program */
	NOT_RUN = 127,
};

/* What the child needs, made ready before the fork. */
struct child {
	const struct spawn_opts *o;
	int in, out, failed;
	struct sigaction standard;
	sigset_t none;
};

struct run {
	pid_t pid;
	int out; /* read end; -1: closed */
	int failed; /* read end */
	int pidfd; /* -1: the kernel has none */
	int64_t end; /* time_ticks() */
};

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Moves a descriptor above those the child uses. */
static int
lift(int fd)
{
	if (fd < 0)
		return -1;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
	int saved = errno;
	close(fd);
	errno = saved;
	return high;
}

static int
make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return ends[0] = ends[1] = -1;
	ends[0] = lift(ends[0]);
	ends[1] = lift(ends[1]);
	return ends[0] >= 0 && ends[1] >= 0 ? 0 : -1;
}

/* A file rather than a pipe: who does not read it to the end stops nobody. */
static int
input_file(struct str in)
{
	char name[] = "/tmp/gatepost-XXXXXX";
	int fd = memfd_create("gatepost", MFD_CLOEXEC);
	if (fd < 0 && (fd = mkostemp(name, O_CLOEXEC)) >= 0)
		unlink(name);
	for (size_t at = 0; fd >= 0 && at < in.n;) {
		ssize_t n = pwrite(fd, in.p + at, in.n - at, (off_t)at);
		if (n > 0) {
			at += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			close(fd);
			return -1;
		}
	}
	return lift(fd);
}

/* ---- in the child -------------------------------------------------------- */

static struct rlimit *
lower(struct rlimit *l, rlim_t most)
{
	if (l->rlim_max == RLIM_INFINITY || l->rlim_max > most)
		l->rlim_max = most;
	l->rlim_cur = l->rlim_max;
	return l;
}

static void
set_limits(int all)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_CORE, &l) == 0)
		setrlimit(RLIMIT_CORE, lower(&l, 0));
	if (all && getrlimit(RLIMIT_CPU, &l) == 0)
		setrlimit(RLIMIT_CPU, lower(&l, SPAWN_CPU));
	if (all && getrlimit(RLIMIT_DATA, &l) == 0)
		setrlimit(RLIMIT_DATA, lower(&l, SPAWN_DATA));
	if (all && getrlimit(RLIMIT_NOFILE, &l) == 0)
		setrlimit(RLIMIT_NOFILE, lower(&l, SPAWN_FILES));
}

static void
close_others(void)
{
	struct rlimit l;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, FD_FAILED + 1, ~0U, 0U) == 0)
		return;
#endif
	int most = FD_CLOSE_MAX;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < (rlim_t)most)
		most = (int)l.rlim_cur;
	for (int fd = FD_FAILED + 1; fd < most; fd++)
		close(fd);
}

/* execve takes what it does not change without const. */
union words {
	const char *const *mine;
	char *const *theirs;
};

static _Noreturn void
become(const struct child *c)
{
	const union words argv = { .mine = c->o->argv },
			  env = { .mine = c->o->env };
	setsid();
	for (int s = 1; s < NSIG; s++)
		sigaction(s, &c->standard, NULL);
	sigprocmask(SIG_SETMASK, &c->none, NULL);
	int bad = dup2(c->in, 0) < 0 || dup2(c->out, 1) < 0 ||
	    dup2(c->out, 2) < 0 || dup3(c->failed, FD_FAILED, O_CLOEXEC) < 0 ||
	    chdir("/") != 0;
	if (!bad) {
		close_others();
		set_limits(c->o->limits);
		execve(argv.theirs[0], argv.theirs, env.theirs);
	}
	int why = errno;
	ssize_t n = write(bad ? c->failed : FD_FAILED, &why, sizeof(why));
	_exit(n < 0 ? NOT_TOLD : NOT_RUN);
}

/* ---- in the parent ------------------------------------------------------- */

/* No signal may come between fork and exec: its handler would be ours. */
static pid_t
fork_quietly(const struct child *c)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(c);
	int saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

static void
keep(struct spawn_result *r, const char *p, size_t n)
{
	if (n >= SPAWN_SAID_MAX) {
		p += n - SPAWN_SAID_MAX;
		n = SPAWN_SAID_MAX;
	}
	size_t left = SPAWN_SAID_MAX - n;
	if (r->n_said > left) {
		memmove(r->said, r->said + r->n_said - left, left);
		r->n_said = left;
	}
	memcpy(r->said + r->n_said, p, n);
	r->n_said += n;
}

/* All that is in the pipe now, within bounds. */
static void
read_output(struct run *run, struct spawn_result *r)
{
	char piece[4096];
	for (int i = 0; run->out >= 0 && i < READS_MAX; i++) {
		ssize_t n = read(run->out, piece, sizeof(piece));
		if (n > 0)
			keep(r, piece, (size_t)n);
		else if (n == 0)
			shut(&run->out);
		else if (errno != EINTR)
			return;
	}
}

/* Has it ended? It stays there to be waited for: its number is not given to
 * another process before. -1: somebody else has waited for it. */
static int
has_ended(const struct run *run)
{
	siginfo_t info = { .si_pid = 0 };
	if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
	    0)
		return errno == EINTR ? 0 : -1;
	return info.si_pid != 0;
}

static int
left_ms(const struct run *run, int most)
{
	int64_t left = run->end - time_ticks();
	return left < 0 ? 0 : left < most ? (int)left : most;
}

/* Waits for the exec: the pipe closes by it. 0, or the errno of the child. */
static int
wait_started(const struct run *run)
{
	int why = 0;
	struct pollfd p = { .fd = run->failed, .events = POLLIN };
	int n;
	do
		n = poll(&p, 1, left_ms(run, INT32_MAX));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ETIMEDOUT;
	return read(run->failed, &why, sizeof(why)) == sizeof(why) ? why : 0;
}

static void
wait_ended(struct run *run, struct spawn_result *r)
{
	struct pollfd p[2] = { { .events = POLLIN },
		{ .fd = run->pidfd, .events = POLLIN } };
	while (has_ended(run) == 0) {
		int wait =
		    left_ms(run, run->pidfd >= 0 ? SPAWN_CPU * 1000 : TICK_MS);
		if (wait == 0) {
			r->late = 1;
			break;
		}
		p[0].fd = run->out;
		poll(p, 2, wait);
		read_output(run, r);
	}
	read_output(run, r);
}

/* Ends what is left, and takes its status. */
static int
reap(const struct run *run, const struct spawn_opts *o, int kill_all,
    struct spawn_result *r)
{
	int status;
	pid_t pid;
	if (kill_all || r->late || !o->linger) {
		kill(-run->pid, SIGKILL);
		if (kill_all || r->late)
			kill(run->pid, SIGKILL);
	}
	do
		pid = waitpid(run->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid != run->pid)
		return -1;
	if (WIFEXITED(status))
		r->code = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		r->signal = WTERMSIG(status);
	return 0;
}

static int
follow(struct run *run, const struct spawn_opts *o, struct spawn_result *r,
    struct err *e)
{
	int why = wait_started(run);
#ifdef SYS_pidfd_open
	if (why == 0)
		run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
#endif
	fcntl(run->out, F_SETFL, O_NONBLOCK);
	if (why == 0)
		wait_ended(run, r);
	int lost = reap(run, o, why != 0, r);
	shut(&run->pidfd);
	if (why != 0)
		return err_set(e,
		    why == ENOENT || why == ENOTDIR ? ERR_ABSENT : ERR_SYSTEM,
		    "%s cannot be run: %s", o->argv[0], strerror(why));
	if (lost)
		return err_set(e, ERR_SYSTEM,
		    "%s has run; how it ended is not known: SIGCHLD is ignored",
		    o->argv[0]);
	return 0;
}

int
spawn_run(
    const struct spawn_opts *o, struct spawn_result *result, struct err *e)
{
	struct child c = { .o = o, .in = -1, .out = -1, .failed = -1 };
	struct run run = { .pid = -1, .out = -1, .failed = -1, .pidfd = -1 };
	int out[2] = { -1, -1 }, failed[2] = { -1, -1 };
	int rc = -1;
	*result = (struct spawn_result){ .code = -1 };
	run.end = time_ticks() + o->timeout_ms;
	if (o->in.n > IN_MAX)
		return err_set(e, ERR_LIMIT, "more than %d bytes", IN_MAX);
	c.standard.sa_handler = SIG_DFL;
	sigemptyset(&c.standard.sa_mask);
	sigemptyset(&c.none);
	c.in = input_file(o->in);
	if (c.in >= 0 && make_pipe(out) == 0 && make_pipe(failed) == 0) {
		c.out = out[1];
		c.failed = failed[1];
		run.pid = fork_quietly(&c);
	}
	if (run.pid < 0)
		err_set(e, ERR_SYSTEM, "%s cannot be run: %s", o->argv[0],
		    strerror(errno));
	shut(&c.in);
	shut(&out[1]);
	shut(&failed[1]);
	run.out = out[0];
	run.failed = failed[0];
	if (run.pid > 0)
		rc = follow(&run, o, result, e);
	shut(&run.out);
	shut(&run.failed);
	return rc;
}

/* Appends one line, without what is to be hidden, upper case or lower. */
static void
add_line(struct buf *b, struct str s, struct str hide)
{
	if (b->n > 0 && s.n > 0)
		buf_addz(b, "; ");
	while (s.n > 0) {
		struct str head = { s.p, hide.n };
		size_t n = 1;
		if (hide.n > 0 && s.n >= hide.n && str_eq_fold(head, hide)) {
			buf_addz(b, "(hidden)");
			n = hide.n;
		} else {
			buf_addc(b, s.p[0]);
		}
		s.p += n;
		s.n -= n;
	}
}

/* The end of s that fits, and does not begin inside a character. */
static struct str
tail(struct str s, size_t most)
{
	if (s.n > most) {
		s.p += s.n - most;
		s.n = most;
		while (s.n > 0 && ((unsigned char)*s.p & 0xC0) == 0x80) {
			s.p++;
			s.n--;
		}
	}
	return s;
}

const char *
spawn_said(
    const struct spawn_result *result, struct str hide, char *line, size_t size)
{
	struct buf shown, seen;
	struct str one, rest = { result->said, result->n_said }, end = STR_NONE;
	buf_init(&shown, (size_t)8 * SPAWN_SAID_MAX);
	buf_init(&seen, (size_t)32 * SPAWN_SAID_MAX);
	while (rest.n > 0) {
		struct str next;
		str_cut(rest, '\n', &one, &next);
		add_line(&shown, str_trim(one), hide);
		rest = next;
	}
	buf_add_visible(&seen, buf_str(&shown));
	if (buf_ok(&shown) && buf_ok(&seen))
		end = tail(buf_str(&seen), size - 1);
	if (end.n > 0)
		memcpy(line, end.p, end.n);
	line[end.n] = '\0';
	buf_free(&shown);
	buf_free(&seen);
	return line;
}

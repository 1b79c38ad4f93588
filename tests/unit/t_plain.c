#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "cgi/server/plain.h"
#include "fcgi.h"

/* Plain CGI in this process over descriptors, then the program itself:
 * ./gatepost.fcgi, or what GATEPOST_FCGI names. */
enum { BODY_MAX = 1000, LIMIT_MS = 10000, OUT_MAX = 64 * 1024 };

static struct buf out;

static void
echo(const void *ctx, struct request *r, struct reply *p)
{
	(void)ctx;
	struct buf *b = reply_text(p, 200);
	buf_addf(b, "%s%s%zu:", r->body_too_large ? "large " : "",
	    r->body_cut ? "cut " : "", r->body.n);
	buf_adds(b, r->body);
}

/* Serves with n bytes on the descriptor that stays open when so wanted. What
 * the echo said is in out. 0, or how many ms too long it took. */
static int
serve(const char *method, const char *length, size_t n, int stays_open)
{
	const char *const params[] = { method, length, "PATH_INFO=/x", NULL };
	int in[2], file = memfd_create("out", MFD_CLOEXEC);
	static char bytes[2 * BODY_MAX];
	memset(bytes, 'x', sizeof(bytes));
	buf_reset(&out);
	if (pipe2(in, O_CLOEXEC) != 0 || write(in[1], bytes, n) != (ssize_t)n)
		return -1;
	if (!stays_open)
		close(in[1]);
	struct plain_opts o = { .in = in[0],
		.out = file,
		.params = params,
		.body_max = BODY_MAX,
		.read_ms = 200,
		.handle = echo };
	int64_t begun = time_ticks();
	int rc = plain_serve(&o, NULL);
	int took = (int)(time_ticks() - begun);
	char text[OUT_MAX];
	ssize_t k = pread(file, text, sizeof(text), 0);
	const char *body =
	    k > 0 ? memmem(text, (size_t)k, "\r\n\r\n", 4) : NULL;
	if (body != NULL) {
		body += 4;
		/* the echo's own words are enough */
		size_t left = (size_t)k - (size_t)(body - text);
		const char *colon = memchr(body, ':', left);
		if (colon != NULL)
			buf_add(&out, body, (size_t)(colon - body));
	}
	close(in[0]);
	if (stays_open)
		close(in[1]);
	close(file);
	return rc != 0 ? -1 : took;
}

#define POST "REQUEST_METHOD=POST"
#define GET "REQUEST_METHOD=GET"

static void
test_body(void)
{
	test_group("body");
	int took = serve(POST, "CONTENT_LENGTH=5", 5, 1);
	IS(buf_str(&out), "5", "read to CONTENT_LENGTH");
	OK(took >= 0 && took < 200, "and not further");
	serve(POST, "CONTENT_LENGTH=5", 9, 1);
	IS(buf_str(&out), "5", "bytes beyond it are not read");
	serve(POST, "X=", 7, 0);
	IS(buf_str(&out), "7", "without it to the end");
	serve(POST, "CONTENT_LENGTH=", 7, 0);
	IS(buf_str(&out), "7", "empty is none");
	serve(POST, "CONTENT_LENGTH=9", 5, 0);
	IS(buf_str(&out), "cut 5", "shorter than it said");
	took = serve(POST, "CONTENT_LENGTH=9", 5, 1);
	IS(buf_str(&out), "cut 5", "the rest does not come");
	OK(took >= 200 && took < LIMIT_MS, "for that long");
	took = serve(GET, "X=", 0, 1);
	IS(buf_str(&out), "0", "GET has none");
	OK(took >= 0 && took < 200, "and waits for none");
	serve(POST, "CONTENT_LENGTH=1000", BODY_MAX, 0);
	IS(buf_str(&out), "1000", "up to the limit");
	serve(POST, "X=", BODY_MAX + 1, 1);
	IS(buf_str(&out), "large 0", "one more");
	serve(POST, "CONTENT_LENGTH=1001", BODY_MAX + 1, 0);
	OK(out.n > 5 && memcmp(out.p, "large", 5) == 0, "one more, told");
}

/* ---- the program --------------------------------------------------------- */

static const char *program;
static char folder[64], config[96], path[96], address[128];
static char setting[128];

/* argv and environment end with NULL. The exit status, or -1; what it wrote to
 * both its outputs is in out. in: its descriptor 0, -1: /dev/null. */
static pid_t
spawn(char *const *argv, char *const *env, int in, int *from)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		if (in < 0)
			in = open("/dev/null", O_RDONLY);
		dup2(in, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execve(program, argv, env);
		_exit(127);
	}
	close(fds[1]);
	*from = fds[0];
	return pid;
}

static int
reap(pid_t pid, int from)
{
	char text[4096];
	int status;
	ssize_t k;
	buf_reset(&out);
	while ((k = read(from, text, sizeof(text))) > 0)
		buf_add(&out, text, (size_t)k);
	close(from);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int
run(char *const *argv, char *const *env)
{
	int from;
	pid_t pid = spawn(argv, env, -1, &from);
	return pid < 0 ? -1 : reap(pid, from);
}

static int
says(const char *z)
{
	int ok = memmem(buf_str(&out).p, out.n, z, strlen(z)) != NULL;
	if (!ok)
		printf("# no '%s' in: %.*s\n", z, STR_ARG(buf_str(&out)));
	return ok;
}

#define ARGS(...) ((char *[]){ name, __VA_ARGS__, NULL })
static char name[] = "gatepost.fcgi";
static char *no_env[] = { NULL };

static void
test_options(void)
{
	static char v[] = "-V", h[] = "--help", x[] = "-x", word[] = "word",
		    t[] = "-t", c[] = "-c", none[] = "/nonexistent/file",
		    listen_[] = "--listen", any[] = "0.0.0.0:9000";
	char *by_env[] = { setting, NULL };
	test_group("options");
	OK(run(ARGS(v), no_env) == 0 && says("gatepost.fcgi "), "-V");
	OK(run(ARGS(h), no_env) == 0 && says("--listen ADDRESS"), "--help");
	OK(run(ARGS(x), no_env) == 2 && says("--help"), "unknown option");
	OK(run(ARGS(word), no_env) == 2 && says("--help"), "an argument");
	OK(run(ARGS(NULL), no_env) == 2 && says("--listen"), "no socket");
	OK(run(ARGS(t, c, none), no_env) == 1 && says("/nonexistent/file"),
	    "-t of no file");
	OK(run(ARGS(t), by_env) == 0 && says("good"), "-t of a good one");
	OK(run(ARGS(listen_, any), by_env) == 2 && says("authentication"),
	    "an address for all");
}

static void
test_cgi(void)
{
	static char gateway[] = "GATEWAY_INTERFACE=CGI/1.1",
		    get[] = "REQUEST_METHOD=GET",
		    post[] = "REQUEST_METHOD=POST",
		    healthz[] = "PATH_INFO=/healthz",
		    hook[] = "PATH_INFO=/hooks/gumroad/secret-token",
		    none[] = "GATEPOST_CONFIG=/nonexistent/file", v[] = "-V",
		    length[] = "CONTENT_LENGTH=0", other[] = "PATH_INFO=/";
	test_group("CGI");
	char *good[] = { gateway, get, healthz, setting, NULL };
	OK(run(ARGS(v), good) == 0 && says("Status: 200 OK\r\n") &&
		says("\r\n\r\nok"),
	    "healthz; arguments are not read");
	char *bad[] = { gateway, get, healthz, none, NULL };
	OK(run(ARGS(NULL), bad) == 0 && says("Status: 503 ") &&
		says("\r\n\r\nunavailable"),
	    "healthz without a configuration");
	char *lost[] = { gateway, post, hook, none, length, NULL };
	OK(run(ARGS(NULL), lost) == 0 && says("Status: 503 ") &&
		says("Retry-After: 60\r\n") &&
		says("Content-Type: application/json\r\n") &&
		says("{\"error\":\"not_configured\",\"detail\":"),
	    "a hook without a configuration");
	OK(says("error: /nonexistent/file"), "the log says why");
	const char *body = memmem(out.p, out.n, "{\"error", 7);
	OK(body != NULL &&
		memmem(body, out.n - (size_t)(body - out.p), "nonexistent",
		    11) == NULL,
	    "the answer does not");
	OK(memmem(out.p, out.n, "secret-token", 12) == NULL,
	    "the token is nowhere");
	char *root[] = { gateway, get, other, setting, NULL };
	OK(run(ARGS(NULL), root) == 0 && says("Status: 404 "), "no such path");
}

static int
socket_at(const char *where, int listening)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const struct sockaddr *any = (const struct sockaddr *)(const void *)&sa;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", where);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int rc = listening ? bind(fd, any, sizeof(sa))
			   : connect(fd, any, sizeof(sa));
	if (rc == 0 && listening)
		rc = listen(fd, 8);
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

/* GET /healthz over the socket, as soon as it is there. */
static int
healthy(void)
{
	int64_t until = time_ticks() + LIMIT_MS;
	int fd = -1;
	while ((fd = socket_at(path, 0)) < 0 && time_ticks() < until)
		poll(NULL, 0, 5);
	const struct timeval limit = { LIMIT_MS / 1000, 0 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	struct buf b;
	char text[1024];
	size_t n = 0;
	buf_init(&b, T_BUF_MAX);
	t_request(&b, 1, 0, "GET", "/healthz", "", 0);
	int ok = write(fd, b.p, b.n) == (ssize_t)b.n;
	ssize_t k;
	while (
	    n < sizeof(text) && (k = read(fd, text + n, sizeof(text) - n)) > 0)
		n += (size_t)k;
	ok = ok && memmem(text, n, "Status: 200 OK", 14) != NULL;
	close(fd);
	buf_free(&b);
	return ok;
}

static int
end(pid_t pid, int from, int sig)
{
	int64_t begun = time_ticks();
	kill(pid, sig);
	int rc = reap(pid, from);
	return rc == 0 && time_ticks() - begun < 5000;
}

static void
test_daemon(void)
{
	static char option[] = "--listen";
	char *env[] = { setting, NULL };
	int from;
	test_group("FastCGI");
	pid_t pid = spawn(ARGS(option, address), env, -1, &from);
	OK(healthy(), "--listen");
	OK(run(ARGS(option, address), env) == 1 && says("another program"),
	    "a second one");
	OK(healthy(), "takes nothing from the first");
	OK(end(pid, from, SIGTERM) && says("stopped"), "SIGTERM: 0");
	OK(access(path, F_OK) != 0, "its socket is gone");
	int fd = socket_at(path, 1);
	pid = spawn(ARGS(NULL), env, fd, &from);
	OK(healthy() && end(pid, from, SIGINT) && access(path, F_OK) == 0,
	    "a listening descriptor 0, left as it was");
	/* a listening descriptor 0 is FastCGI whatever the environment holds */
	static char gateway[] = "GATEWAY_INTERFACE=CGI/1.1";
	char *both[] = { setting, gateway, NULL };
	pid = spawn(ARGS(NULL), both, fd, &from);
	OK(healthy() && end(pid, from, SIGUSR1), "also from a CGI server");
	close(fd);
	unlink(path);
}

int
main(void)
{
	buf_init(&out, OUT_MAX);
	test_body();
	static char built[4096];
	const char *top = getenv("top_builddir");
	snprintf(
	    built, sizeof(built), "%s/gatepost.fcgi", top == NULL ? "." : top);
	program = built;
	if (access(program, X_OK) != 0) {
		printf("1..0\n# %s is not built\n", program);
		return 1;
	}
	snprintf(folder, sizeof(folder), "/tmp/t_plain.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(config, sizeof(config), "%s/gatepost.conf", folder);
	snprintf(setting, sizeof(setting), "GATEPOST_CONFIG=%s", config);
	FILE *f = fopen(config, "w");
	if (f != NULL) {
		fputs("database = 'gatepost.db'\n", f);
		fclose(f);
	}
	test_options();
	test_cgi();
	test_daemon();
	unlink(config);
	rmdir(folder);
	buf_free(&out);
	return test_end();
}

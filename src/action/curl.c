#include "action/curl.h"

#ifndef HAVE_LIBCURL

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/address.h"
#include "base/time.h"

enum {
	OPTIONS_MAX = 2 * 1024 * 1024, /* bytes; a body is escaped in it */
	LOOKUP_MS = 5000,
	LOOKUP_MAX = 16 * 1024,
	HEAD_MAX = 64 * 1024, /* of headers, before the body */
	SLACK_MS = 1000, /* curl ends by itself: this is for when it does not */
};

/* Programs of the host are looked for where hosts have them. */
static char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin:"
					       "/usr/local/bin" },
	(char[]){ "LC_ALL=C" }, NULL };

struct child {
	pid_t pid;
	int in, out; /* our ends */
};

static int
start(const char *path, char *const argv[], struct child *c)
{
	int in[2], out[2], rc;
	posix_spawn_file_actions_t fa;
	if (pipe2(in, O_CLOEXEC) != 0)
		return errno;
	if (pipe2(out, O_CLOEXEC) != 0) {
		rc = errno;
		close(in[0]);
		close(in[1]);
		return rc;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fa, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&c->pid, path, &fa, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&fa);
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	if (rc != 0) {
		close(c->in);
		close(c->out);
	}
	return rc;
}

/* Hands in its input and takes its output up to the end, or the time. Returns
 * its exit code, -1 when it was killed. */
static int
converse(struct child *c, struct str in, struct buf *out, int ms)
{
	int64_t end = time_ticks() + ms;
	char piece[16384];
	int status = 0, open = 1;
	while (open) {
		int64_t left = end - time_ticks();
		struct pollfd p[2] = { { c->out, POLLIN, 0 },
			{ c->in, POLLOUT, 0 } };
		if (left <= 0 ||
		    (poll(p, c->in >= 0 ? 2 : 1, (int)left) < 0 &&
			errno != EINTR))
			break;
		if (c->in >= 0 && p[1].revents != 0) {
			ssize_t n = in.n == 0 ? -1 : write(c->in, in.p, in.n);
			if (n > 0)
				in = (struct str){ in.p + n, in.n - (size_t)n };
			if (in.n == 0 || (n < 0 && errno != EAGAIN)) {
				close(c->in);
				c->in = -1;
			}
		}
		if (p[0].revents != 0) {
			ssize_t n = read(c->out, piece, sizeof(piece));
			if (n > 0 && out->n + (size_t)n <= out->max)
				buf_add(out, piece, (size_t)n);
			open = n > 0 || (n < 0 && errno == EAGAIN);
		}
	}
	if (c->in >= 0)
		close(c->in);
	close(c->out);
	if (open)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- where to ------------------------------------------------------------ */

static int
may_use(const char *url, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return address_may_connect(url, (struct sockaddr *)&in);
	return inet_pton(AF_INET6, text, &in6.sin6_addr) == 1 &&
	    address_may_connect(url, (struct sockaddr *)&in6);
}

/* The first line of getent ahosts that may be connected to, into the text of
 * curl's option resolve. */
static int
look_up(const char *url, struct buf *options, struct err *e)
{
	int port;
	struct str host = address_host(url, &port), line, word, rest, tail;
	char name[256],
	    *const argv[] = { (char[]){ "getent" }, (char[]){ "ahosts" }, name,
		    NULL };
	struct child c;
	struct buf out;
	int found = 0;
	if (host.n == 0 || host.n >= sizeof(name) || host.p[0] == '-')
		return err_set(e, ERR_SYSTEM, "no host in the url");
	snprintf(name, sizeof(name), "%.*s", STR_ARG(host));
	int rc = start("/usr/bin/getent", argv, &c);
	if (rc != 0)
		return err_set(e, ERR_SYSTEM,
		    "getent(1) cannot be run, which looks names up: %s",
		    strerror(rc));
	buf_init(&out, LOOKUP_MAX);
	converse(&c, STR(""), &out, LOOKUP_MS);
	rest = buf_str(&out);
	int any = rest.n > 0;
	while (!found && rest.n > 0) {
		char text[64];
		str_cut(rest, '\n', &line, &tail);
		rest = tail;
		str_cut(line, ' ', &word, &tail);
		snprintf(text, sizeof(text), "%.*s", STR_ARG(word));
		found = may_use(url, text);
		if (found)
			buf_addf(options, "resolve = \"%s%s%s:%d:%s%s%s\"\n",
			    strchr(name, ':') != NULL ? "[" : "", name,
			    strchr(name, ':') != NULL ? "]" : "", port,
			    strchr(text, ':') != NULL ? "[" : "", text,
			    strchr(text, ':') != NULL ? "]" : "");
	}
	buf_free(&out);
	if (found)
		return 0;
	return err_set(e, ERR_SYSTEM,
	    any ? "the name leads to a private address; where that is meant, "
		  "write the address itself into the url"
		: "no answer: the host's name is not known");
}

/* ---- the request --------------------------------------------------------- */

/* A quoted value of curl's config file (curl(1), --config). */
static void
option(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%s = \"", name);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\n')
			buf_addz(b, "\\n");
		else if (c == '\r')
			buf_addz(b, "\\r");
		else if (c == '\t')
			buf_addz(b, "\\t");
		else {
			if (c == '"' || c == '\\')
				buf_addc(b, '\\');
			buf_addc(b, c);
		}
	}
	buf_addz(b, "\"\n");
}

static void
write_options(const struct http_request *post, struct buf *b)
{
	option(b, "url", str_from(post->url));
	buf_addf(b, "request = \"%s\"\n",
	    post->method == NULL ? "POST" : post->method);
	buf_addz(b,
	    "silent\ninclude\ngloboff\n"
	    "path-as-is\nproto = \"=http,https\"\nuser-agent = \"gatepost\"\n"
	    "header = \"Expect:\"\n");
	buf_addf(b, "max-time = %d.%03d\n", post->timeout_ms / 1000,
	    post->timeout_ms % 1000);
	if (post->guard)
		buf_addz(b, "noproxy = \"*\"\n");
	for (size_t i = 0; post->headers != NULL && post->headers[i] != NULL;
	     i++)
		option(b, "header", str_from(post->headers[i]));
	if (post->user != NULL) {
		char pair[1024];
		snprintf(
		    pair, sizeof(pair), "%s:%s", post->user, post->password);
		option(b, "user", str_from(pair));
	}
	if (post->method == NULL || post->body.n > 0)
		option(b, "data-raw", post->body);
}

/* The last head that curl printed, and what follows it. */
static int
read_answer(struct str out, struct http_answer *answer, struct buf *body)
{
	struct str line, rest = out;
	int64_t number;
	do {
		if (rest.n < 12 || !str_starts(rest, STR("HTTP/")))
			return -1;
		str_cut(rest, ' ', &line, &rest);
		if (rest.n < 3 ||
		    str_int64((struct str){ rest.p, 3 }, 100, 599, &number) !=
			0)
			return -1;
		answer->status = (long)number;
		for (;;) {
			if (!str_cut(rest, '\n', &line, &rest))
				return 0;
			line = str_trim(line);
			if (line.n == 0)
				break;
			if (line.n > 12 &&
			    strncasecmp(line.p, "retry-after:", 12) == 0 &&
			    str_int64(str_trim((struct str){
					  line.p + 12, line.n - 12 }),
				1, INT32_MAX, &number) == 0)
				answer->retry_after = number;
		}
	} while (answer->status < 200);
	if (body != NULL)
		buf_adds(body, rest);
	return 0;
}

static const char *
find_curl(void)
{
	static const char *const paths[] = { "/usr/bin/curl", "/bin/curl",
		"/usr/local/bin/curl" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

int
curl_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	const char *path = find_curl();
	/* -q first: no file of the user's adds an option */
	char *const argv[] = { (char[]){ "curl" }, (char[]){ "-q" },
		(char[]){ "-K" }, (char[]){ "-" }, NULL };
	struct child c;
	struct buf options, out;
	int rc = -1, code = 0;
	*answer = (struct http_answer){ .retry_after = -1 };
	if (path == NULL)
		return err_set(e, ERR_SYSTEM,
		    "this gatepost has no libcurl and the host no curl(1)");
	buf_init(&options, OPTIONS_MAX);
	size_t max = post->answer_max > 0 ? post->answer_max : HTTP_ANSWER_MAX;
	buf_init(&out, HEAD_MAX + max);
	if (post->guard && look_up(post->url, &options, e) != 0)
		goto out;
	write_options(post, &options);
	if (!buf_ok(&options)) {
		err_set(e, ERR_LIMIT, "too long for curl");
		goto out;
	}
	code = start(path, argv, &c);
	if (code != 0) {
		err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(code));
		goto out;
	}
	code =
	    converse(&c, buf_str(&options), &out, post->timeout_ms + SLACK_MS);
	/* cut off for its length, an answer is still one */
	rc = read_answer(buf_str(&out), answer, body);
	answer->cut = body != NULL && body->n >= max;
	if (rc != 0)
		err_set(e, ERR_SYSTEM, "no answer: curl ended with %d%s", code,
		    code == 28	     ? ": too late"
			: code == 7  ? ": nobody listens there"
			: code == 60 ? ": its certificate is not good"
				     : "");
out:
	buf_free(&options);
	buf_free(&out);
	return rc;
}

#else

/* One of the two is in a build. */
typedef int curl_is_not_needed;

#endif

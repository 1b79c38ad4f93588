#include "action/curl.h"

#ifndef HAVE_LIBCURL

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/address.h"
#include "action/http_seen.h"
#include "base/time.h"

enum {
	OPTIONS_MAX = 2 * 1024 * 1024, /* bytes; a body is escaped in it */
	LOOKUP_MS = 5000,
	LOOKUP_MAX = 16 * 1024,
	SLACK_MS = 1000, /* curl ends by itself: this is for when it does not */
	TRAILER_MAX = 32 * 1024, /* what curl tells behind an answer */
	LINE_MAX_LEN = 32 * 1024, /* curl 7.77 and later take no line of its
				     options over 100 kB, escapes counted */
	BODY_FD = 3, /* of the child: a body that is longer */
};

/* Begins what option write-out adds, for struct http_seen. */
#define TRAILER "\n@@gatepost "

/* Programs of the host are looked for where hosts have them. */
static char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin:"
					       "/usr/local/bin" },
	(char[]){ "LC_ALL=C" }, NULL };

struct child {
	pid_t pid;
	int in, out; /* our ends */
};

/* more: becomes BODY_FD; -1: none. */
static int
start(const char *path, char *const argv[], int more, struct child *c)
{
	int in[2], out[2], rc;
	posix_spawn_file_actions_t fa;
	/* a socket: to write to a child that has ended is no signal then */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
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
	if (more >= 0)
		posix_spawn_file_actions_adddup2(&fa, more, BODY_FD);
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

/* Where the body begins in what curl printed; 0: not yet. */
static size_t
find_body(struct str out)
{
	for (struct str s = out; s.n > 12 && str_starts(s, STR("HTTP/"));) {
		const char *end = memmem(s.p, s.n, "\r\n\r\n", 4);
		const char *blank = memchr(s.p, ' ', s.n);
		if (end == NULL || blank == NULL)
			return 0;
		end += 4;
		if (blank[1] != '1') /* no 1xx */
			return (size_t)(end - out.p);
		s = (struct str){ end, (size_t)(out.p + out.n - end) };
	}
	return 0;
}

/* When the body's first byte came, and when there is enough of it. */
struct pace {
	struct http_seen *seen;
	int64_t began;
	size_t body, enough;
};

static int
has_enough(struct pace *p, struct str out)
{
	if (p->seen == NULL)
		return 0;
	if (p->body == 0)
		p->body = find_body(out);
	if (p->body == 0 || out.n <= p->body)
		return 0;
	if (p->seen->first_ms < 0)
		p->seen->first_ms = (int)(time_ticks() - p->began);
	return out.n - p->body > p->enough &&
	    memmem(out.p, out.n, TRAILER, sizeof(TRAILER) - 1) == NULL;
}

/* Hands in its input and takes its output up to the end, the time or until
 * there is enough. Returns its exit code, -1 when it was killed. */
static int
converse(
    struct child *c, struct str in, struct buf *out, int ms, struct pace *pace)
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
			ssize_t n = in.n == 0
			    ? -1
			    : send(c->in, in.p, in.n, MSG_NOSIGNAL);
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
			if (open && has_enough(pace, buf_str(out)))
				break;
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

enum { NAME_SIZE = 256 };

/* What getent ahosts prints of the url's host. 0 or -1. */
static int
ask_getent(const char *url, char name[NAME_SIZE], int *port, struct buf *out,
    struct err *e)
{
	struct str host = address_host(url, port);
	char *const argv[] = { (char[]){ "getent" }, (char[]){ "ahosts" }, name,
		NULL };
	struct child c;
	struct pace none = { .seen = NULL };
	if (host.n == 0 || host.n >= NAME_SIZE || host.p[0] == '-')
		return err_set(e, ERR_SYSTEM, "no host in the url");
	snprintf(name, NAME_SIZE, "%.*s", STR_ARG(host));
	int rc = start("/usr/bin/getent", argv, -1, &c);
	if (rc != 0)
		return err_set(e, ERR_SYSTEM,
		    "getent(1) cannot be run, which looks names up: %s",
		    strerror(rc));
	converse(&c, STR(""), out, LOOKUP_MS, &none);
	return 0;
}

size_t
curl_addresses(const char *url, struct sockaddr_storage *found)
{
	char name[NAME_SIZE], text[64];
	int port;
	struct buf out;
	struct err e;
	struct str line, word, rest, tail;
	size_t n = 0;
	buf_init(&out, LOOKUP_MAX);
	rest = ask_getent(url, name, &port, &out, &e) == 0 ? buf_str(&out)
							   : STR_NONE;
	while (rest.n > 0 && n < HTTP_ADDRESSES_MAX) {
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		str_cut(rest, '\n', &line, &rest);
		/* each address has a line for each kind of socket */
		if (memmem(line.p, line.n, "STREAM", 6) == NULL)
			continue;
		str_cut(line, ' ', &word, &tail);
		snprintf(text, sizeof(text), "%.*s", STR_ARG(word));
		if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
			memcpy(&found[n++], &in, sizeof(in));
		else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
			memcpy(&found[n++], &in6, sizeof(in6));
	}
	buf_free(&out);
	return n;
}

/* The first line of getent ahosts that may be connected to, into the text of
 * curl's option resolve. */
static int
look_up(const char *url, struct buf *options, struct err *e)
{
	int port, found = 0;
	struct str line, word, rest, tail;
	char name[NAME_SIZE];
	struct buf out;
	buf_init(&out, LOOKUP_MAX);
	if (ask_getent(url, name, &port, &out, e) != 0) {
		buf_free(&out);
		return -1;
	}
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
	if (post->guard || post->seen != NULL)
		buf_addz(b, "noproxy = \"*\"\n");
	if (http_ca_file() != NULL)
		option(b, "cacert", str_from(http_ca_file()));
	if (post->seen != NULL) {
		buf_addz(b, "no-buffer\n");
		option(b, "write-out",
		    STR(TRAILER "%{exitcode} %{time_connect} %{remote_ip}\n"
				"%{errormsg}\n%{certs}"));
	}
	for (size_t i = 0; post->headers != NULL && post->headers[i] != NULL;
	     i++)
		option(b, "header", str_from(post->headers[i]));
	if (post->user != NULL) {
		char pair[1024];
		snprintf(
		    pair, sizeof(pair), "%s:%s", post->user, post->password);
		option(b, "user", str_from(pair));
	}
	if (post->body.n > LINE_MAX_LEN)
		buf_addf(b, "data-binary = \"@/dev/fd/%d\"\n", BODY_FD);
	else if (post->method == NULL || post->body.n > 0)
		option(b, "data-raw", post->body);
}

/* A file in memory with the body, for BODY_FD. -1: not needed, or no room. */
static int
long_body(struct str body)
{
	int fd;
	if (body.n <= LINE_MAX_LEN ||
	    (fd = memfd_create("body", MFD_CLOEXEC)) < 0)
		return -1;
	while (body.n > 0) {
		ssize_t n = write(fd, body.p, body.n);
		if (n <= 0) {
			close(fd);
			return -1;
		}
		body = (struct str){ body.p + n, body.n - (size_t)n };
	}
	return fd;
}

/* Cuts off what write-out added, and reads it. */
static void
read_trailer(struct str *out, int code, struct http_seen *seen)
{
	struct str line, key, value, rest, ip = STR_NONE, why = STR_NONE;
	const char *at = NULL, *next = out->p;
	/* ended here once there was enough, or for its lateness */
	int64_t number = code >= 0 ? code : find_body(*out) > 0 ? 0 : 28;
	seen->cert_ends = 0;
	while (out->n > 0 &&
	    (next = memmem(next, (size_t)(out->p + out->n - next), TRAILER,
		 sizeof(TRAILER) - 1)) != NULL)
		at = next++;
	rest = at == NULL
	    ? STR_NONE
	    : (struct str){ at + sizeof(TRAILER) - 1,
		      (size_t)(out->p + out->n - at) - (sizeof(TRAILER) - 1) };
	if (at != NULL)
		out->n = (size_t)(at - out->p);
	if (str_cut(rest, '\n', &line, &rest)) {
		str_cut(rest, '\n', &why, &rest);
		str_cut(line, ' ', &value, &line);
		str_int64(value, 0, 255, &number);
		str_cut(line, ' ', &value, &ip);
		if (strspn(value.p, "0.") >= value.n) /* not connected */
			ip = STR_NONE;
	}
	seen->why = arena_printf(seen->arena, "%.*s", STR_ARG(why));
	seen->address = arena_printf(seen->arena, "%.*s", STR_ARG(ip));
	seen->fault = http_fault_of((int)number, seen->why, ip.n > 0);
	while (rest.n > 0 && seen->cert_ends == 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_cut(line, ':', &key, &value) &&
		    str_eq_z(key, "Expire date"))
			http_date(value, &seen->cert_ends);
	}
}

static void
read_seen(struct str *out, int code, struct http_seen *seen)
{
	struct str line, rest;
	struct buf head;
	size_t body = find_body(*out);
	read_trailer(out, code, seen);
	buf_init(&head, HTTP_HEAD_MAX);
	rest = (struct str){ out->p, body <= out->n ? body : out->n };
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		line.p = rest.p;
		line.n = end == NULL ? rest.n : (size_t)(end + 1 - rest.p);
		http_head_line(&head, line);
		rest = (struct str){ rest.p + line.n, rest.n - line.n };
	}
	seen->head = arena_printf(seen->arena, "%.*s", STR_ARG(buf_str(&head)));
	buf_free(&head);
	/* the one byte that is the trailer's own */
	if (body >= out->n)
		seen->first_ms = -1;
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
	buf_init(&out, HTTP_HEAD_MAX + max + TRAILER_MAX);
	if (post->guard && look_up(post->url, &options, e) != 0)
		goto out;
	write_options(post, &options);
	if (!buf_ok(&options)) {
		err_set(e, ERR_LIMIT, "too long for curl");
		goto out;
	}
	int more = long_body(post->body);
	code = start(path, argv, more, &c);
	if (more >= 0)
		close(more);
	if (code != 0) {
		err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(code));
		goto out;
	}
	struct pace pace = { post->seen, time_ticks(), 0, max };
	if (post->seen != NULL)
		post->seen->first_ms = -1;
	code = converse(
	    &c, buf_str(&options), &out, post->timeout_ms + SLACK_MS, &pace);
	struct str got = buf_str(&out);
	if (post->seen != NULL)
		read_seen(&got, code, post->seen);
	/* cut off for its length, an answer is still one */
	rc = read_answer(got, answer, body);
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

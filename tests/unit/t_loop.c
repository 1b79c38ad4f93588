#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/time.h"
#include "cgi/server/io.h"
#include "cgi/server/listen.h"
#include "cgi/server/loop.h"
#include "cgi/server/writer.h"
#include "fcgi.h"

/* A loop in this process, with an echo for a handler, over a unix socket. */
enum {
	LIMIT_MS = 10000, /* no test waits longer for anything */
	BODY_MAX = 1024 * 1024,
	THREADS = 4,
};

static char folder[64], path[96], address[128];
static struct listener listener;
static struct loop *loop;
static _Atomic int gate; /* handlers of /wait wait for it */
static _Atomic int inside; /* how many do */
static _Atomic int handled;
static struct writers writers; /* places for /write */
static _Atomic int put_off; /* how often there was none */
static char order[64]; /* bodies of those that had one */
static _Atomic int n_order;

static void
pause_ms(int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	nanosleep(&t, NULL);
}

/* Waits for a condition and sweeps meanwhile; its value in the end. */
#define WAIT(condition) \
	do { \
		int64_t until_ = time_ticks() + LIMIT_MS; \
		while (!(condition) && time_ticks() < until_) { \
			loop_sweep(loop); \
			pause_ms(5); \
		} \
	} while (0)

static void
wait_at_gate(void)
{
	int64_t until = time_ticks() + LIMIT_MS;
	atomic_fetch_add(&inside, 1);
	while (!atomic_load(&gate) && time_ticks() < until)
		pause_ms(1);
	atomic_fetch_sub(&inside, 1);
}

/* Until the one that has the place has left and looked into the line. */
static void
dawdle(void)
{
	int64_t until = time_ticks() + LIMIT_MS;
	atomic_store(&gate, 1);
	while (atomic_load(&writers.taken) > 0 && time_ticks() < until)
		pause_ms(1);
	pause_ms(50);
}

/* 0: put off */
static int
do_write(struct request *r, struct reply *p)
{
	if (!writer_enter(&writers, r, p)) {
		atomic_fetch_add(&put_off, 1);
		if (r->body.n > 0 && r->body.p[0] == '!')
			dawdle();
		return 0;
	}
	int at = atomic_fetch_add(&n_order, 1);
	if (at < (int)sizeof(order) && r->body.n > 0)
		order[at] = r->body.p[0];
	wait_at_gate();
	usleep(1); /* or there would be no line */
	writer_leave(&writers, r);
	return 1;
}

static void
echo(const void *ctx, struct request *r, struct reply *p)
{
	(void)ctx;
	int one = r->n_segments == 1;
	if (one && str_eq_z(r->segments[0], "wait"))
		wait_at_gate();
	if (one && str_eq_z(r->segments[0], "write") && !do_write(r, p))
		return;
	atomic_fetch_add(&handled, 1);
	if (r->body_too_large) {
		reply_error(p, 413, "too_large", "less");
		return;
	}
	struct buf *b = reply_text(p, 200);
	buf_adds(b, r->method);
	buf_addc(b, ' ');
	if (r->n_segments > 0)
		buf_adds(b, r->segments[0]);
	buf_addc(b, ' ');
	if (r->is_authorizer)
		buf_addz(b, "authorizer");
	buf_adds(b, r->body);
}

static struct loop_opts
options(void)
{
	return (struct loop_opts){ .threads = THREADS,
		.body_max = BODY_MAX,
		.drain = 1,
		.handle = echo };
}

static int
start(const struct loop_opts *o)
{
	struct err e = { .code = ERR_NONE };
	atomic_store(&gate, 0);
	atomic_store(&handled, 0);
	int ok = listen_open(address, NULL, &listener, &e) == 0 &&
	    loop_start(o, listener.fd, &loop, &e) == 0;
	if (!ok)
		printf("# %s\n", e.text);
	return OK(ok, "started");
}

static int
stop(void)
{
	listen_retire(&listener);
	int rc = loop_stop(loop);
	listen_close(&listener);
	return rc;
}

static int
dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)(const void *)&sa,
		sizeof(sa)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
push(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* n bytes. 0, or -1 at the end of the stream or of the time. */
static int
pull(int fd, char *p, size_t n)
{
	while (n > 0) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		if (poll(&pf, 1, LIMIT_MS) != 1)
			return -1;
		ssize_t k = recv(fd, p, n, 0);
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* One whole answer into out, head and body. 0, or -1. */
static int
get_answer(int fd, struct buf *out)
{
	buf_reset(out);
	for (;;) {
		unsigned char h[8];
		static char content[T_RECORD_MAX + 255];
		if (pull(fd, (char *)h, sizeof(h)) != 0)
			return -1;
		size_t n = (size_t)h[4] << 8 | h[5];
		if (pull(fd, content, n + h[6]) != 0)
			return -1;
		if (h[1] == T_STDOUT)
			buf_add(out, content, n);
		if (h[1] == T_END)
			return 0;
	}
}

/* Is this the end of the stream, within the time? */
static int
is_closed(int fd)
{
	char c;
	int64_t until = time_ticks() + LIMIT_MS;
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	while (time_ticks() < until) {
		if (poll(&pf, 1, 20) == 1)
			return recv(fd, &c, 1, 0) <= 0;
		if (loop != NULL)
			loop_sweep(loop);
	}
	return 0;
}

static int
ends_with(const struct buf *b, const char *z)
{
	size_t n = strlen(z);
	return b->n >= n && memcmp(b->p + b->n - n, z, n) == 0;
}

static int
ask(int fd, int keep, const char *body, size_t n)
{
	struct buf b;
	buf_init(&b, T_BUF_MAX);
	t_request(&b, 1, keep, "POST", "/echo", body, n);
	int rc = push(fd, b.p, b.n);
	buf_free(&b);
	return rc;
}

static int
ask_at(int fd, const char *where, char body)
{
	struct buf b;
	buf_init(&b, T_BUF_MAX);
	t_request(&b, 1, 1, "POST", where, &body, 1);
	int rc = push(fd, b.p, b.n);
	buf_free(&b);
	return rc;
}

static int
ask_wait(int fd)
{
	return ask_at(fd, "/wait", 'w');
}

/* A request and its echo. */
static int
exchange(int fd, int keep)
{
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	int ok = ask(fd, keep, "hello", 5) == 0 && get_answer(fd, &out) == 0 &&
	    ends_with(&out, "POST echo hello");
	buf_free(&out);
	return ok;
}

/* The same on a connection that is not accepted before a sweep. */
static int
exchange_later(int fd)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	int ok = ask(fd, 1, "hello", 5) == 0;
	WAIT(poll(&pf, 1, 0) == 1);
	ok = ok && get_answer(fd, &out) == 0 &&
	    ends_with(&out, "POST echo hello");
	buf_free(&out);
	return ok;
}

static void
test_kept(void)
{
	enum { CONNS = 16 * THREADS };
	int fds[CONNS], ok = 1;
	test_group("kept connections");
	struct loop_opts o = options();
	if (!start(&o))
		return;
	struct stat st;
	OK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		(st.st_mode & 07777) == 0660,
	    "mode 0660");
	for (int i = 0; i < CONNS; i++)
		ok = ok && (fds[i] = dial()) >= 0;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < CONNS; i++)
			ok = ok && exchange(fds[i], 1);
	OK(ok, "64 connections, 4 threads, three requests each");
	OK(loop_count(loop) == CONNS, "all kept");
	OK(exchange(fds[0], 0) && is_closed(fds[0]),
	    "closed when not asked to keep");
	for (int i = 0; i < CONNS; i++)
		close(fds[i]);
	WAIT(loop_count(loop) == 0);
	OK(loop_count(loop) == 0, "closed with their peers");
	OK(stop() == 0, "stopped");
	OK(access(path, F_OK) != 0, "the socket is removed");
}

static void
test_pieces(void)
{
	struct buf b, out;
	static char body[BODY_MAX + 1];
	test_group("pieces");
	struct loop_opts o = options();
	if (!start(&o))
		return;
	buf_init(&b, T_BUF_MAX);
	buf_init(&out, T_BUF_MAX);
	int fd = dial(), ok = 1;
	t_request(&b, 1, 1, "POST", "/echo", "bytes", 5);
	for (size_t i = 0; i < b.n; i++)
		ok = ok && push(fd, b.p + i, 1) == 0;
	OK(ok && get_answer(fd, &out) == 0 && ends_with(&out, "echo bytes"),
	    "byte by byte");
	/* three requests in one write, the last one in two */
	buf_reset(&b);
	t_request(&b, 1, 1, "POST", "/echo", "one", 3);
	t_request(&b, 2, 1, "POST", "/echo", "two", 3);
	t_request(&b, 3, 1, "POST", "/echo", "three", 5);
	OK(push(fd, b.p, b.n - 20) == 0 && get_answer(fd, &out) == 0 &&
		ends_with(&out, " one") && get_answer(fd, &out) == 0 &&
		ends_with(&out, " two"),
	    "pipelined");
	OK(push(fd, b.p + b.n - 20, 20) == 0 && get_answer(fd, &out) == 0 &&
		ends_with(&out, " three"),
	    "and the rest of the third");
	memset(body, 'b', sizeof(body));
	OK(ask(fd, 1, body, 200000) == 0 && get_answer(fd, &out) == 0 &&
		out.n > 200000 &&
		memcmp(out.p + out.n - 200000, body, 200000) == 0,
	    "200 kB there and back");
	OK(ask(fd, 1, body, BODY_MAX) == 0 && get_answer(fd, &out) == 0 &&
		out.n > BODY_MAX,
	    "1 MiB there and back");
	OK(exchange(fd, 1), "the next one on the same connection");
	OK(ask(fd, 1, body, BODY_MAX + 1) == 0 && get_answer(fd, &out) == 0 &&
		memcmp(out.p, "Status: 413", 11) == 0,
	    "1 MiB and a byte: 413");
	OK(is_closed(fd), "and the connection is closed");
	close(fd);
	fd = dial();
	buf_reset(&b);
	t_begin(&b, 1, 2, 0);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	OK(push(fd, b.p, b.n) == 0 && get_answer(fd, &out) == 0 &&
		memmem(out.p, out.n, "authorizer", 10) != NULL,
	    "an authorizer's request, known as one");
	close(fd);
	OK(stop() == 0, "stopped");
	buf_free(&b);
	buf_free(&out);
}

static void
test_wrong(void)
{
	struct buf b;
	test_group("wrong");
	struct loop_opts o = options();
	if (!start(&o))
		return;
	buf_init(&b, T_BUF_MAX);
	int fd = dial();
	t_record(&b, T_GET_VALUES, 0, "", 0, 0);
	OK(push(fd, b.p, b.n) == 0 && is_closed(fd), "a management record");
	close(fd);
	buf_reset(&b);
	t_request(&b, 1, 1, "GET", "/echo", "", 0);
	t_record(&b, T_GET_VALUES, 0, "", 0, 0);
	fd = dial();
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	OK(push(fd, b.p, b.n) == 0 && get_answer(fd, &out) == 0 &&
		is_closed(fd),
	    "after a good request, which is answered");
	close(fd);
	buf_reset(&b);
	t_begin(&b, 1, 1, 1);
	t_record(&b, T_ABORT, 1, "", 0, 0);
	fd = dial();
	OK(push(fd, b.p, b.n) == 0 && is_closed(fd), "aborted");
	close(fd);
	/* a body that carries a request: one handler call, not two */
	struct buf inner;
	buf_init(&inner, T_BUF_MAX);
	t_request(&inner, 1, 1, "POST", "/echo", "smuggled", 8);
	atomic_store(&handled, 0);
	fd = dial();
	OK(ask(fd, 1, inner.p, inner.n) == 0 && get_answer(fd, &out) == 0 &&
		exchange(fd, 1) && atomic_load(&handled) == 2,
	    "records in a body are not a request");
	close(fd);
	/* the peer is gone before the answer */
	fd = dial();
	ask_wait(fd);
	WAIT(atomic_load(&inside) == 1);
	close(fd);
	atomic_store(&gate, 1);
	WAIT(loop_count(loop) == 0);
	OK(loop_count(loop) == 0, "a peer that left");
	fd = dial();
	OK(exchange(fd, 1), "others are served");
	close(fd);
	OK(stop() == 0, "stopped");
	buf_free(&b);
	buf_free(&out);
	buf_free(&inner);
}

static void
test_slow(void)
{
	struct buf b;
	test_group("slow");
	struct loop_opts o = options();
	o.request_ms = 300;
	o.send_ms = 300;
	if (!start(&o))
		return;
	buf_init(&b, T_BUF_MAX);
	t_request(&b, 1, 1, "POST", "/echo", "slow", 4);
	int slow[2 * THREADS];
	for (int i = 0; i < 2 * THREADS; i++) {
		slow[i] = dial();
		push(slow[i], b.p, 1);
	}
	int fd = dial();
	OK(exchange(fd, 1), "more slow ones than threads hold up nobody");
	/* a byte now and then is not progress */
	int64_t begun = time_ticks();
	size_t sent = 1;
	while (sent < b.n && time_ticks() - begun < LIMIT_MS &&
	    push(slow[0], b.p + sent, 1) == 0) {
		sent++;
		loop_sweep(loop);
		pause_ms(20);
	}
	OK(sent < b.n && time_ticks() - begun >= 200,
	    "cut at its time, %zu of %zu bytes", sent, b.n);
	WAIT(loop_count(loop) == 1);
	OK(loop_count(loop) == 1 && exchange(fd, 1),
	    "the idle connection is still there");
	for (int i = 0; i < 2 * THREADS; i++)
		close(slow[i]);
	/* an answer nobody reads */
	static char body[BODY_MAX];
	int deaf = dial();
	int size = 4096;
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ask(deaf, 1, body, sizeof(body));
	WAIT(atomic_load(&handled) == 3);
	WAIT(loop_count(loop) == 1);
	OK(loop_count(loop) == 1, "who does not read is cut as well");
	close(deaf);
	/* one that reads a little now and then: every write gets through */
	int drip = dial();
	ask(drip, 1, body, sizeof(body));
	size_t got = 0;
	ssize_t k;
	static char some[16 * 1024];
	while (
	    got < sizeof(body) && (k = recv(drip, some, sizeof(some), 0)) > 0) {
		got += (size_t)k;
		loop_sweep(loop);
		pause_ms(20);
	}
	OK(got > 0 && got < sizeof(body), "nor who reads too slowly, %zu bytes",
	    got);
	close(drip);
	close(fd);
	OK(stop() == 0, "stopped");
	buf_free(&b);
}

static void *
stopper(void *arg)
{
	int *rc = arg;
	*rc = stop();
	return NULL;
}

static void
test_stop(void)
{
	struct buf out;
	pthread_t t;
	int rc = -1;
	test_group("stop");
	struct loop_opts o = options();
	o.stop_ms = 2000;
	if (!start(&o))
		return;
	buf_init(&out, T_BUF_MAX);
	int idle = dial(), busy = dial(), part = dial();
	OK(exchange(idle, 1), "an idle connection");
	ask_wait(busy);
	WAIT(atomic_load(&inside) == 1);
	push(part, "\1", 1);
	WAIT(loop_count(loop) == 3);
	int64_t begun = time_ticks();
	pthread_create(&t, NULL, stopper, &rc);
	while (access(path, F_OK) == 0 && time_ticks() - begun < LIMIT_MS)
		pause_ms(2);
	OK(dial() < 0, "nobody new");
	atomic_store(&gate, 1);
	OK(get_answer(busy, &out) == 0 && ends_with(&out, "POST wait w"),
	    "what was in flight is answered");
	pthread_join(t, NULL);
	loop = NULL;
	int64_t took = time_ticks() - begun;
	OK(rc == 0 && took < 4000, "stopped after %d ms", (int)took);
	OK(is_closed(idle) && is_closed(busy) && is_closed(part),
	    "all are closed");
	close(idle);
	close(busy);
	close(part);

	/* what waits to be accepted is ours to answer */
	o.threads = 1;
	if (!start(&o))
		return;
	int first = dial();
	ask_wait(first);
	WAIT(atomic_load(&inside) == 1);
	int second = dial();
	ask(second, 1, "late", 4);
	pthread_create(&t, NULL, stopper, &rc);
	begun = time_ticks();
	while (access(path, F_OK) == 0 && time_ticks() - begun < LIMIT_MS)
		pause_ms(2);
	atomic_store(&gate, 1);
	OK(get_answer(first, &out) == 0 && get_answer(second, &out) == 0 &&
		ends_with(&out, " late"),
	    "a connection in the backlog is served");
	pthread_join(t, NULL);
	loop = NULL;
	OK(rc == 0, "stopped");
	close(first);
	close(second);

	/* a handler that does not return */
	o.stop_ms = 100;
	if (!start(&o))
		return;
	int stuck = dial();
	ask_wait(stuck);
	WAIT(atomic_load(&inside) == 1);
	struct loop *again = loop;
	begun = time_ticks();
	OK(loop_stop(loop) == -1 && time_ticks() - begun < 2000,
	    "a handler that stays is given up");
	atomic_store(&gate, 1);
	OK(loop_stop(again) == 0, "it can be stopped once it returns");
	loop = NULL;
	listen_close(&listener);
	close(stuck);
	buf_free(&out);
}

static int
highest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(fd);
	return fd;
}

static void
test_limits(void)
{
	struct rlimit old, low;
	test_group("limits");
	struct loop_opts o = options();
	o.pause_ms = 20;
	if (!start(&o))
		return;
	int a = dial();
	OK(exchange(a, 1), "before");
	int b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = (rlim_t)highest_fd();
	setrlimit(RLIMIT_NOFILE, &low);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	OK(connect(b, (const struct sockaddr *)(const void *)&sa, sizeof(sa)) ==
		    0 &&
		ask(b, 1, "hello", 5) == 0,
	    "connected, cannot be accepted");
	for (int i = 0; i < 20; i++)
		OK(exchange(a, 1), "others are served meanwhile");
	OK(loop_count(loop) == 1, "not accepted");
	setrlimit(RLIMIT_NOFILE, &old);
	WAIT(atomic_load(&handled) == 22);
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	OK(get_answer(b, &out) == 0 && ends_with(&out, "hello"),
	    "served once there are descriptors");
	close(a);
	close(b);
	OK(stop() == 0, "stopped");

	o.conns_max = 2;
	o.idle_ms = 100;
	if (!start(&o))
		return;
	a = dial();
	b = dial();
	OK(exchange(a, 1) && exchange(b, 1), "as many as there may be");
	int c = dial();
	ask(c, 0, "third", 5);
	WAIT(atomic_load(&handled) == 3);
	OK(get_answer(c, &out) == 0 && ends_with(&out, "third"),
	    "an idle one makes room");
	close(a);
	close(b);
	close(c);
	OK(stop() == 0, "stopped");
	buf_free(&out);
}

static int
refused(const char *where, const char *group, const char *words)
{
	struct listener l;
	struct err e = { .code = ERR_NONE };
	int rc = listen_open(where, group, &l, &e);
	int ok = rc != 0 && strstr(e.text, words) != NULL;
	if (!ok)
		printf("# %s: %d %s\n", where, rc, e.text);
	if (rc == 0)
		listen_close(&l);
	return ok;
}

static void
test_listen(void)
{
	struct listener one, two;
	struct err e = { .code = ERR_NONE };
	struct stat st;
	test_group("listen");
	OK(listen_open(address, NULL, &one, &e) == 0, "opened");
	OK(refused(address, NULL, "another program"), "a live one stays");
	OK(stat(path, &st) == 0, "it is still there");
	/* as after a crash: the file stays, nobody listens */
	close(one.fd);
	one = (struct listener){ .fd = -1 };
	OK(listen_open(address, NULL, &two, &e) == 0, "a dead one is replaced");
	const struct group *g = getgrgid(getgid());
	char name[64];
	snprintf(name, sizeof(name), "%s", g == NULL ? "root" : g->gr_name);
	listen_close(&two);
	OK(access(path, F_OK) != 0, "removed");
	/* our socket was taken away and another program put its own there */
	OK(listen_open(address, NULL, &one, &e) == 0 && unlink(path) == 0 &&
		listen_open(address, NULL, &two, &e) == 0,
	    "a second one in its place");
	listen_close(&one);
	OK(stat(path, &st) == 0, "the first one leaves it alone");
	listen_close(&two);
	OK(listen_open(address, name, &two, &e) == 0, "with a group");
	listen_close(&two);
	OK(refused(address, "no-such-group", "no group no-such-group"),
	    "an unknown group");
	OK(access(path, F_OK) != 0, "nothing is left of it");
	fclose(fopen(path, "w"));
	OK(refused(address, NULL, "no socket"), "a file stays");
	unlink(path);
	char longer[300];
	snprintf(longer, sizeof(longer), "unix:/%0200d", 0);
	OK(refused(longer, NULL, "shorter"), "too long a path");
	OK(refused("unix:relative", NULL, "whole path"), "a relative path");
	OK(refused("unix:/nowhere/at/all", NULL, "create it"), "no folder");
	OK(refused("0.0.0.0:9000", NULL, "authentication"), "all addresses");
	OK(refused("192.0.2.1:9000", NULL, "authentication"), "a public one");
	OK(refused("[::]:9000", NULL, "authentication"), "all IPv6");
	OK(refused("9000", NULL, "write"), "a port alone");
	OK(refused("127.0.0.1:0", NULL, "write"), "port 0");
	OK(refused("127.0.0.1:65536", NULL, "write"), "port 65536");
}

/* ---- those that write ----------------------------------------------------- */

enum { IN_LINE = 12 };

static int
start_writers(int places, int (*may_write)(struct str))
{
	struct loop_opts o = options();
	writers = (struct writers){ .places = places };
	o.may_write = may_write;
	atomic_store(&put_off, 0);
	atomic_store(&n_order, 0);
	return start(&o);
}

/* The first has the place, the others come one after the other. */
static int
line_up(int fds[IN_LINE])
{
	for (int i = 0; i < IN_LINE; i++) {
		fds[i] = dial();
		if (ask_at(fds[i], "/write", (char)('a' + i)) != 0)
			return 0;
		WAIT(atomic_load(&inside) == 1 && atomic_load(&put_off) == i);
		if (atomic_load(&put_off) != i)
			return 0;
	}
	return 1;
}

static int
all_answered(const int fds[IN_LINE])
{
	int ok = 1;
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	for (int i = 0; i < IN_LINE; i++) {
		ok = ok && get_answer(fds[i], &out) == 0 &&
		    ends_with(&out, (char[]){ (char)('a' + i), '\0' });
		close(fds[i]);
	}
	buf_free(&out);
	return ok;
}

static void
test_line(void)
{
	int fds[IN_LINE];
	struct buf b, out;
	test_group("in line");
	buf_init(&b, T_BUF_MAX);
	buf_init(&out, T_BUF_MAX);
	if (!start_writers(1, NULL))
		return;
	OK(line_up(fds), "one writes, eleven are put off");
	int fd = dial();
	OK(exchange(fd, 1) && exchange(fd, 1) && atomic_load(&inside) == 1,
	    "others are served while none has been answered");
	/* in one piece: the second waits for the first, not the other way */
	t_request(&b, 1, 1, "POST", "/write", "z", 1);
	t_request(&b, 1, 1, "POST", "/echo", "after", 5);
	OK(push(fd, b.p, b.n) == 0, "two on one connection");
	WAIT(atomic_load(&put_off) == IN_LINE);
	atomic_store(&gate, 1);
	OK(all_answered(fds), "all are answered");
	OK(memcmp(order, "abcdefghijkl", IN_LINE) == 0,
	    "in the order they came: %.12s", order);
	OK(get_answer(fd, &out) == 0 && ends_with(&out, "write z") &&
		get_answer(fd, &out) == 0 && ends_with(&out, "echo after"),
	    "and what came after one of them");
	OK(exchange(fd, 0) && is_closed(fd), "its connection is as before");
	close(fd);
	OK(stop() == 0 && atomic_load(&writers.taken) == 0, "stopped");
	buf_free(&b);
	buf_free(&out);
}

static void
test_line_missed(void)
{
	struct buf out;
	test_group("missed");
	buf_init(&out, T_BUF_MAX);
	if (!start_writers(1, NULL))
		return;
	int one = dial(), two = dial();
	OK(ask_at(one, "/write", 'a') == 0, "one writes");
	WAIT(atomic_load(&inside) == 1);
	OK(ask_at(two, "/write", '!') == 0 && get_answer(one, &out) == 0,
	    "and ends while another is put off");
	OK(get_answer(two, &out) == 0 && ends_with(&out, "write !"),
	    "which is served all the same");
	close(one);
	close(two);
	OK(stop() == 0, "stopped");
	buf_free(&out);
}

static void *
open_gate(void *arg)
{
	(void)arg;
	pause_ms(300);
	atomic_store(&gate, 1);
	return NULL;
}

static void
test_line_stop(void)
{
	int fds[IN_LINE];
	pthread_t thread;
	test_group("stop with a line");
	if (!start_writers(1, NULL))
		return;
	OK(line_up(fds), "one writes, eleven are put off");
	pthread_create(&thread, NULL, open_gate, NULL);
	OK(stop() == 0, "stopped");
	pthread_join(thread, NULL);
	OK(all_answered(fds), "after all were answered");
}

static int
looks_like_write(struct str records)
{
	return memmem(records.p, records.n, "/write", 6) != NULL;
}

/* None is left in the line: more connections than places, each asks again as
 * soon as it has its answer. */
static void
test_line_moves(int (*may_write)(struct str))
{
	enum { CONNS = 24, ANSWERS = 2400 };
	struct pollfd pf[CONNS];
	int sent = 0, answers = 0, ok = 1;
	struct buf out;
	test_group("the line moves");
	buf_init(&out, T_BUF_MAX);
	if (!start_writers(1, may_write))
		return;
	atomic_store(&gate, 1);
	for (int i = 0; i < CONNS; i++) {
		pf[i] = (struct pollfd){ .fd = dial(), .events = POLLIN };
		sent++;
		ok = ok && ask_at(pf[i].fd, "/write", 'x') == 0;
	}
	while (ok && answers < ANSWERS && poll(pf, CONNS, LIMIT_MS) > 0)
		for (int i = 0; i < CONNS && ok; i++) {
			if (pf[i].revents == 0)
				continue;
			ok = get_answer(pf[i].fd, &out) == 0 &&
			    ends_with(&out, "write x");
			answers++;
			if (sent++ < ANSWERS)
				ok = ok && ask_at(pf[i].fd, "/write", 'x') == 0;
		}
	OK(answers == ANSWERS && atomic_load(&n_order) == answers,
	    "%d of %d answered, %d put off", answers, ANSWERS,
	    atomic_load(&put_off));
	for (int i = 0; i < CONNS; i++)
		close(pf[i].fd);
	OK(stop() == 0 && atomic_load(&writers.taken) == 0, "stopped");
	buf_free(&out);
}

static void
test_tcp(void)
{
	struct err e = { .code = ERR_NONE };
	char where[32];
	int port, rc = -1;
	test_group("tcp");
	for (port = 20000; port < 20050 && rc != 0; port++) {
		snprintf(where, sizeof(where), "127.0.0.1:%d", port);
		rc = listen_open(where, NULL, &listener, &e);
	}
	struct listener second;
	struct loop_opts o = options();
	o.conns_max = 2;
	if (!OK(rc == 0 && listen_open(address, NULL, &second, &e) == 0,
		"two sockets"))
		return;
	o.listen_too = second.fd;
	if (!OK(loop_start(&o, listener.fd, &loop, &e) == 0, "started"))
		return;
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)(port - 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(connect(fd, (const struct sockaddr *)(const void *)&sa,
	       sizeof(sa)) == 0 &&
		exchange(fd, 1) && exchange(fd, 1),
	    "served");
	int other = dial(), third = dial();
	OK(exchange(other, 1) && exchange(fd, 1) && exchange(other, 1),
	    "so is the second socket");
	/* full: both sockets pause, and both come back */
	close(fd);
	int64_t until = time_ticks() + LIMIT_MS;
	while (loop_count(loop) != 1 && time_ticks() < until)
		pause_ms(1);
	WAIT(loop_count(loop) == 2);
	OK(exchange_later(third), "also after a pause");
	OK(refused(where, NULL, "in use"), "a live one stays");
	OK(stop() == 0 && is_closed(other) && is_closed(third), "stopped");
	listen_close(&second);
	loop = NULL;
	close(other);
	close(third);
}

int
main(void)
{
	struct err e = { .code = ERR_NONE };
	sigset_t set;
	alarm(LIMIT_MS / 100); /* whatever happens, it ends */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	snprintf(folder, sizeof(folder), "/tmp/t_loop.XXXXXX");
	if (mkdtemp(folder) == NULL || io_init(&e) != 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	test_listen();
	test_kept();
	test_pieces();
	test_wrong();
	test_slow();
	test_limits();
	test_stop();
	test_line();
	test_line_missed();
	test_line_stop();
	test_line_moves(NULL);
	test_line_moves(looks_like_write);
	test_tcp();
	rmdir(folder);
	return test_end();
}

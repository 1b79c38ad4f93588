#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/time.h"
#include "cgi/server/io.h"
#include "cgi/server/listen.h"
#include "cgi/ask/publish.h"
#include "cgi/route.h"
#include "fcgi.h"

/* The router, a loop and a publisher in this process, over a unix socket and a
 * new database; changes are written by the test, as another process would. The
 * handler under /live trusts its path: passes are tested elsewhere. */
enum {
	LIMIT_MS = 10000,
	THREADS = 2,
	MANY = 400,
	HEARTBEAT_MS = 300,
	FULL_MS = 2000,
	POLL_MS = 50,
	NEVER_MS = 60000,
};

#define API_KEY "0123456789abcdef0123456789abcdef"

static char folder[64], path[96], address[128], database[96];
static struct listener listener;
static struct loop *loop;
static struct config config;
static struct app app;
static struct store *writer;
static const struct str api_key = { API_KEY, sizeof(API_KEY) - 1 };

static void
pause_ms(int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	nanosleep(&t, NULL);
}

#define WAIT(condition) \
	do { \
		int64_t until_ = time_ticks() + LIMIT_MS; \
		while (!(condition) && time_ticks() < until_) { \
			loop_sweep(loop); \
			pause_ms(5); \
		} \
	} while (0)

/* /USER/PASS: a stream of that user; /USER/PASS/big: with much to begin. */
static void
open_stream(struct request *r, struct reply *p)
{
	struct pass pass = { .made = time_now() };
	struct err e = { .code = ERR_NONE };
	const struct stream_opts o = { .kind = STREAM_LIVE,
		.sent = 0,
		.ends = time_now() + 3600,
		.passes = &pass,
		.n = 1,
		.token = r->segments[1],
		.peer = request_param(r, "REMOTE_ADDR"),
		.has_tier = request_param(r, "REMOTE_ADDR").n == 0 };
	if (access_key_parse(
		STORE_BY_USER, r->segments[0], r->arena, &pass.key, &e) != 0) {
		reply_error(p, 400, "user", e.text);
		return;
	}
	struct buf *b = reply_events(p);
	p->endless = 1;
	buf_addz(b, "retry: 1\n\n");
	for (int i = 0; r->n_segments > 2 && i < 80000; i++)
		buf_addz(b, ": 0123456789\n");
	publish_open(app.publish, &o, p);
}

static void
handle(const void *ctx, struct request *r, struct reply *p)
{
	if (r->n_segments >= 2 && !str_eq_z(r->segments[0], "v1"))
		open_stream(r, p);
	else
		route_serve(ctx, r, p);
}

static int
begin(int streams, int poll_ms)
{
	struct err e = { .code = ERR_NONE };
	config = (struct config){ .database = database,
		.threads = THREADS,
		.streams = streams,
		.api_keys = { &api_key, 1 } };
	app = (struct app){ .config = &config,
		.readers = readers_new(&config, THREADS + 1) };
	const struct publish_opts po = { .config = &config,
		.readers = app.readers,
		.reader = THREADS,
		.heartbeat_ms = HEARTBEAT_MS,
		.full_ms = FULL_MS,
		.poll_ms = poll_ms };
	const struct loop_opts lo = { .threads = THREADS,
		.body_max = 1024,
		.handle = handle,
		.ctx = &app,
		.park = publish_park };
	int ok = listen_open(address, NULL, &listener, &e) == 0 &&
	    publish_start(&po, &app.publish, &e) == 0 &&
	    loop_start(&lo, listener.fd, &loop, &e) == 0;
	return OK(ok, "started %s", e.text);
}

static void
end(void)
{
	listen_retire(&listener);
	publish_stop(app.publish);
	OK(loop_stop(loop) == 0, "the loop stops");
	listen_close(&listener);
	publish_free(app.publish);
	readers_free(app.readers);
	loop = NULL;
}

static int
dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)(const void *)&sa,
		sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A new connection with a request on its way; peer NULL: of somebody with a
 * tier. */
static int
ask_from(int fd, const char *to, const char *query, const char *peer)
{
	struct buf b, params;
	buf_init(&b, T_BUF_MAX);
	buf_init(&params, T_BUF_MAX);
	t_pair(&params, "REQUEST_METHOD", "GET");
	t_pair(&params, "PATH_INFO", to);
	t_pair(&params, "QUERY_STRING", query);
	t_pair(&params, "HTTP_AUTHORIZATION", "Bearer " API_KEY);
	if (peer != NULL)
		t_pair(&params, "REMOTE_ADDR", peer);
	t_begin(&b, 1, 1, 1);
	t_stream(&b, T_PARAMS, 1, params.p, params.n, T_RECORD_MAX);
	t_record(&b, T_STDIN, 1, "", 0, 0);
	ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);
	OK(n == (ssize_t)b.n, "asked %s", to);
	buf_free(&b);
	buf_free(&params);
	return fd;
}

static int
ask_on(int fd, const char *to, const char *query)
{
	return ask_from(fd, to, query, NULL);
}

static int
ask(const char *to)
{
	return ask_on(dial(), to, "");
}

static int
pull(int fd, char *p, size_t n, int ms)
{
	while (n > 0) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		if (poll(&pf, 1, ms) != 1)
			return -1;
		ssize_t k = recv(fd, p, n, 0);
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Reads records into out until a text stands there; T_END for the request's
 * end, -1 for the connection's or the time's. */
static int
read_until(int fd, struct buf *out, const char *text, int ms)
{
	static char content[T_RECORD_MAX + 255];
	for (;;) {
		unsigned char h[8];
		if (text != NULL && out->n > 0 && strstr(out->p, text) != NULL)
			return 0;
		if (pull(fd, (char *)h, sizeof(h), ms) != 0)
			return -1;
		size_t n = (size_t)h[4] << 8 | h[5];
		if (pull(fd, content, n + h[6], ms) != 0)
			return -1;
		if (h[1] == T_END)
			return T_END;
		buf_add(out, content, n);
	}
}

static int
gets_text(int fd, const char *text)
{
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	int rc = read_until(fd, &out, text, LIMIT_MS);
	buf_free(&out);
	return rc == 0;
}

/* The answer up to its END_REQUEST holds it. */
static int
ends_with_text(int fd, const char *text)
{
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	int rc = read_until(fd, &out, NULL, LIMIT_MS);
	int ok = rc == T_END && out.n > 0 && strstr(out.p, text) != NULL;
	if (!ok)
		printf("# %d: %.300s\n", rc, out.n > 0 ? out.p : "");
	buf_free(&out);
	return ok;
}

static void
change(const char *user)
{
	struct err e = { .code = ERR_NONE };
	const struct store_change c = {
		.at = 1, .user_ref = str_from(user), .event = STORE_NULL
	};
	OK(store_begin(writer, &e) == 0 &&
		store_change_add(writer, &c, &e) == 0 &&
		store_commit(writer, &e) == 0,
	    "a change of %s %s", user, e.text);
}

static void
test_many(void)
{
	static int fds[MANY];
	char to[64];
	test_group("many");
	if (!begin(MANY, POLL_MS))
		return;
	for (int i = 0; i < MANY; i++) {
		snprintf(to, sizeof(to), "/u%d/p%d", i, i);
		fds[i] = ask(to);
	}
	WAIT(publish_count(app.publish) == MANY);
	OK(publish_count(app.publish) == MANY, "all wait, on %d threads",
	    THREADS);
	int fd = ask("/one/more");
	OK(ends_with_text(fd, "503"), "one more is refused");
	OK(ends_with_text(ask_on(fd, "/v1/changes", "after=0"), "\"after\":"),
	    "its connection and the threads still serve");
	change("u7");
	publish_wake(app.publish);
	OK(gets_text(fds[7],
	       "id: 1\nevent: access\ndata: {\"key\":{\"user\":"
	       "\"u7\"}"),
	    "an event");
	change("u8");
	OK(gets_text(fds[8], "id: 2\n"), "without being woken too");
	OK(gets_text(fds[9], ":\n\n"), "a heartbeat");
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	read_until(fds[10], &out, "event", 2 * HEARTBEAT_MS / 3);
	OK(out.n > 0 && strstr(out.p, "event:") == NULL, "nothing of others");
	buf_free(&out);
	for (int i = 0; i < MANY / 2; i++)
		close(fds[i]);
	WAIT(publish_count(app.publish) == MANY / 2);
	OK(publish_count(app.publish) == MANY / 2, "who leaves is noticed");
	publish_stop(app.publish);
	OK(publish_count(app.publish) == 0, "stop: none is left");
	int ended = 0;
	for (int i = MANY / 2; i < MANY; i++) {
		ended += ends_with_text(fds[i], "retry: 1");
		close(fds[i]);
	}
	OK(ended == MANY / 2, "all were ended in order: %d", ended);
	OK(ends_with_text(ask_on(fd, "/late/p", ""), "retry: 1"),
	    "who comes later gets an answer that ends");
	close(fd);
	end();
}

static void
test_pass(void)
{
	int fds[PUBLISH_PER_PASS];
	test_group("one pass");
	if (!begin(MANY, POLL_MS))
		return;
	for (int i = 0; i < PUBLISH_PER_PASS; i++)
		fds[i] = ask("/u/same");
	WAIT(publish_count(app.publish) == PUBLISH_PER_PASS);
	int fd = ask("/u/same");
	OK(ends_with_text(fd, "\"streams\""), "one too many");
	close(fd);
	fd = ask("/u/other");
	OK(gets_text(fd, "retry"), "another pass");
	close(fd);
	change("u");
	for (int i = 0; i < PUBLISH_PER_PASS; i++) {
		OK(gets_text(fds[i], "event: access"), "each hears of it");
		close(fds[i]);
	}
	end();
}

enum { PLACES = 200, OPENED_MAX = 300 };
static int opened[OPENED_MAX];
static size_t n_opened;

/* One stream more, without a tier, from there: is there a place? */
static int
has_place(const char *peer)
{
	char to[32];
	int before = publish_count(app.publish);
	int fd = dial();
	snprintf(to, sizeof(to), "/v/p%zu", n_opened);
	ask_from(fd, to, "", peer);
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	read_until(fd, &out, "\r\n\r\n", LIMIT_MS);
	int got = out.n > 0 && strstr(out.p, "503") == NULL;
	buf_free(&out);
	opened[n_opened++] = fd;
	if (got)
		WAIT(publish_count(app.publish) > before);
	return got;
}

static int
count_places(const char *peer, int most)
{
	int n = 0;
	while (n < most && has_place(peer))
		n++;
	return n;
}

/* A twentieth of 200 is less than 16; 100 without a tier. */
static void
test_places(void)
{
	test_group("places");
	if (!begin(PLACES, POLL_MS))
		return;
	OK(count_places("192.0.2.1", 50) == 16, "16 from an address of IPv4");
	OK(has_place("192.0.2.2"), "another address");
	OK(count_places("2001:db8:1:1::1", 50) == 16, "16 of 64 bits");
	OK(!has_place("2001:db8:1:1:ffff::1"), "from all of them");
	OK(count_places("2001:db8:1:2::1", 50) == 16, "32 of 56 bits");
	OK(!has_place("2001:db8:1:ff::1"), "and no more");
	OK(count_places("2001:db8:1:100::1", 50) == 16 &&
		count_places("2001:db8:1:200::1", 50) == 16,
	    "64 of 48 bits");
	OK(!has_place("2001:db8:1:ffff::1"), "and no more");
	OK(count_places("2001:db8:2::1", 50) == 16, "another network");
	OK(count_places("192.0.2.3", 50) == 3, "100 without a tier in all");
	int members = 0, fd;
	for (; members < PLACES - 100; members++) {
		char to[32];
		snprintf(to, sizeof(to), "/m%d/p%d", members, members);
		opened[n_opened++] = ask(to);
	}
	WAIT(publish_count(app.publish) == PLACES);
	OK(publish_count(app.publish) == PLACES, "the rest is for who has one");
	fd = ask("/one/more");
	OK(ends_with_text(fd, "503"), "one more is refused");
	fd = ask_on(fd, "/v1/changes", "after=100&wait=30");
	WAIT(publish_count(app.publish) == PLACES + 1);
	OK(publish_count(app.publish) == PLACES + 1,
	    "a question for changes has a place of its own");
	close(fd);
	while (n_opened > 0)
		close(opened[--n_opened]);
	end();
}

static void
test_slow(void)
{
	test_group("slow");
	if (!begin(MANY, POLL_MS))
		return;
	int slow = ask("/slow/p/big"), quick = ask("/slow/q/big");
	WAIT(publish_count(app.publish) == 2);
	int64_t begun = time_ticks();
	struct buf out;
	buf_init(&out, T_BUF_MAX);
	OK(read_until(quick, &out, ":\n\n", LIMIT_MS) == 0 && out.n > 1000000,
	    "a megabyte to who takes it");
	buf_free(&out);
	WAIT(publish_count(app.publish) == 1);
	OK(publish_count(app.publish) == 1 &&
		time_ticks() - begun >= FULL_MS / 2,
	    "who takes nothing is closed");
	buf_init(&out, T_BUF_MAX);
	OK(read_until(slow, &out, NULL, LIMIT_MS) == -1 && out.n < 1000000,
	    "without the rest");
	buf_free(&out);
	change("slow");
	OK(gets_text(quick, "event: access"), "the other goes on");
	/* bytes that nobody may send now */
	OK(send(quick, "x", 1, MSG_NOSIGNAL) == 1, "a byte out of turn");
	WAIT(publish_count(app.publish) == 0);
	OK(publish_count(app.publish) == 0, "closes the connection");
	close(slow);
	close(quick);
	end();
}

static void
test_wake(void)
{
	test_group("wake");
	if (!begin(MANY, NEVER_MS))
		return;
	/* the publisher knows all changes by now; then comes one who knows
	 * none of u7's, as if there had been one since the handler looked */
	int other = ask("/other/p");
	OK(gets_text(other, "retry"), "one is open");
	pause_ms(POLL_MS);
	int fd = ask("/u7/p");
	OK(gets_text(fd, "id: 1\n"), "what came before it was parked");
	int64_t begun = time_ticks();
	change("u7");
	publish_wake(app.publish);
	OK(gets_text(fd, "event: access"), "woken, not by the clock");
	OK(time_ticks() - begun < LIMIT_MS / 2, "at once");
	close(fd);
	close(other);
	WAIT(publish_count(app.publish) == 0);
	OK(publish_count(app.publish) == 0, "closed");
	end();
}

static void
test_polls(void)
{
	char query[64];
	int64_t newest = 0;
	struct err e = { .code = ERR_NONE };
	test_group("long polls");
	if (!begin(MANY, POLL_MS))
		return;
	OK(store_change_max(writer, &newest, &e) == 0 && newest > 0, "some");
	snprintf(query, sizeof(query), "after=%lld&wait=1", (long long)newest);
	int fd = ask_on(dial(), "/v1/changes", query);
	int64_t begun = time_ticks();
	OK(ends_with_text(fd, "{\"changes\":[],\"after\":") &&
		time_ticks() - begun > 900,
	    "none within the time");
	for (int i = 0; i < 3; i++) {
		snprintf(query, sizeof(query), "after=%lld&wait=60",
		    (long long)newest + i);
		ask_on(fd, "/v1/changes", query);
		WAIT(publish_count(app.publish) == 1);
		OK(publish_count(app.publish) == 1, "waits");
		change("p");
		OK(ends_with_text(fd, "\"user\":\"p\""),
		    "answered on one and the same connection");
	}
	ask_on(fd, "/v1/changes", "after=999999&wait=60");
	WAIT(publish_count(app.publish) == 1);
	publish_stop(app.publish);
	OK(ends_with_text(fd, "{\"changes\":[],\"after\":999999}"),
	    "answered when it stops");
	close(fd);
	end();
}

int
main(void)
{
	struct err e = { .code = ERR_NONE };
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/t_publish.XXXXXX");
	OK(mkdtemp(folder) != NULL && crypto_init(&e) == 0 && io_init(&e) == 0,
	    "prepared");
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(database, sizeof(database), "%s/db", folder);
	OK(store_open(database, STORE_CREATE, &writer, &e) == 0, "%s", e.text);
	test_many();
	test_pass();
	test_places();
	test_slow();
	test_wake();
	test_polls();
	store_close(writer);
	for (int i = 0; i < 3; i++) {
		static const char *const ends[] = { "", "-wal", "-shm" };
		char name[128];
		snprintf(name, sizeof(name), "%s%s", database, ends[i]);
		unlink(name);
	}
	unlink(path);
	rmdir(folder);
	return test_end();
}

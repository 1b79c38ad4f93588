/*
 * Memory runs out: at the n-th allocation, of this code or of any library, once
 * or for a while, while one request is served as plain CGI serves it, in a
 * process of its own. A delivery is then answered 503 or is stored and applied,
 * a question is answered rightly or 503, the gate opens to nobody it would not
 * open to; or the process ends without an answer and says why. The next process
 * finds all that was acknowledged, and goes on.
 *
 *	t_memory [STEP]		1: each n; else up to so many further, by chance
 */
#include "deliveries.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/server/plain.h"
#include "cgi/server/reader.h"
#include "cgi/route.h"
#include "access/pass.h"
#include "platform/proof.h"

enum {
	PARAMS_MAX = 12,
	PARAM_MAX = 512,
	ANSWER_MAX = 65536,
	WHILE = 12, /* allocations */
	SUBJECT_SALES = 40, /* in one subscription */
};

#define TOKEN "0123456789abcdef0123456789abcdef"
#define SECRET "fedcba9876543210fedcba9876543210"
#define KEY "00112233445566778899aabbccddeeff"

/* ---- allocations --------------------------------------------------------- */

static int left; /* allocations until one fails; 0: none does */
static int lasting; /* allocations that fail after that one */
static int lasted;
static int *failed; /* shared with the process that serves */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t k, size_t n);
void *__libc_realloc(void *p, size_t n);

static int
no_memory(void)
{
	if (left == 0 || (left > 1 && left-- > 1))
		return 0;
	if (lasted++ == lasting)
		left = 0;
	++*failed;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return no_memory() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t k, size_t n)
{
	return no_memory() ? NULL : __libc_calloc(k, n);
}

void *
realloc(void *p, size_t n)
{
	return no_memory() ? NULL : __libc_realloc(p, n);
}

/* ---- one request --------------------------------------------------------- */

struct answer {
	int rc; /* of plain_serve */
	int status; /* 0: none */
	char text[ANSWER_MAX];
	char body[ANSWER_MAX];
};

struct server {
	struct deliveries d;
	struct app app;
	struct str tokens[1], secrets[1], keys[1], signers[1];
	int in, out;
	char params[PARAMS_MAX][PARAM_MAX];
	struct answer answer;
};

static void
handle(const void *ctx, struct request *r, struct reply *p)
{
	route_serve(ctx, r, p);
}

static void
server_open(struct server *s)
{
	struct err e = { 0 };
	s->app = (struct app){ .config = &s->d.config, .is_cgi = 1 };
	s->app.readers = readers_new(&s->d.config, 1);
	if (s->app.readers == NULL ||
	    commit_new(&s->d.config, &s->app.commit, &e) != 0)
		abort();
}

static void
server_close(struct server *s)
{
	readers_free(s->app.readers);
	commit_free(s->app.commit);
}

static void
configure(struct server *s)
{
	deliveries_open(&s->d);
	s->tokens[0] = STR(TOKEN);
	s->secrets[0] = STR(SECRET);
	s->keys[0] = STR(KEY);
	s->signers[0] = STR(SECRET);
	struct config *c = &s->d.config;
	c->public_url = STR("https://example.org");
	c->api_keys = (struct config_list){ s->keys, 1 };
	c->pass_secrets = (struct config_list){ s->signers, 1 };
	c->platforms[platform_index(&platform_gumroad)].secrets =
	    (struct config_list){ s->tokens, 1 };
	struct config_platform *gank =
	    &c->platforms[platform_index(&platform_gank)];
	gank->secrets = (struct config_list){ s->secrets, 1 };
	gank->tolerance = 300;
	s->in = memfd_create("in", MFD_CLOEXEC);
	s->out = memfd_create("out", MFD_CLOEXEC);
	if (s->in < 0 || s->out < 0)
		abort();
}

static void
rewind_files(struct server *s, struct str body)
{
	if (ftruncate(s->in, 0) != 0 || ftruncate(s->out, 0) != 0 ||
	    pwrite(s->in, body.p, body.n, 0) != (ssize_t)body.n ||
	    lseek(s->in, 0, SEEK_SET) != 0 || lseek(s->out, 0, SEEK_SET) != 0)
		abort();
}

static void
read_answer(struct server *s, int rc)
{
	struct answer *a = &s->answer;
	ssize_t n = pread(s->out, a->text, sizeof(a->text) - 1, 0);
	a->text[n > 0 ? n : 0] = '\0';
	a->rc = rc;
	a->body[0] = '\0';
	const char *status = strstr(a->text, "Status: ");
	const char *body = strstr(a->text, "\r\n\r\n");
	a->status = status != NULL ? (int)strtol(status + 8, NULL, 10)
	    : body != NULL	   ? 200
				   : 0;
	if (body != NULL)
		snprintf(a->body, sizeof(a->body), "%s", body + 4);
}

/* at: the allocation that fails; 0: none. */
static void
serve(struct server *s, const char *method, const char *uri, const char *header,
    struct str body, int at)
{
	const char *params[PARAMS_MAX + 1] = { NULL };
	const char *path_end = strchr(uri, '?');
	int path = path_end == NULL ? (int)strlen(uri) : (int)(path_end - uri);
	int n = 0;
	for (int i = 0; i < PARAMS_MAX; i++)
		params[i] = s->params[i];
	snprintf(s->params[n++], PARAM_MAX, "REQUEST_METHOD=%s", method);
	snprintf(s->params[n++], PARAM_MAX, "PATH_INFO=%.*s", path, uri);
	snprintf(s->params[n++], PARAM_MAX, "QUERY_STRING=%s",
	    path_end == NULL ? "" : path_end + 1);
	snprintf(s->params[n++], PARAM_MAX, "CONTENT_LENGTH=%zu", body.n);
	snprintf(s->params[n++], PARAM_MAX, "%s", header);
	params[n] = NULL;
	rewind_files(s, body);
	const struct plain_opts o = { .in = s->in,
		.out = s->out,
		.params = params,
		.body_max = route_body_max(),
		.handle = handle,
		.ctx = &s->app };
	struct err e = { 0 };
	left = at;
	lasted = 0;
	int rc = plain_serve(&o, &e);
	left = 0;
	if (rc != 0)
		log_line(LOG_ERROR, "%s", e.text);
	read_answer(s, rc);
}

/* ---- the kinds of requests ----------------------------------------------- */

static int sales; /* so many so far: each is new */

static void
post_gumroad(struct server *s, int at)
{
	serve(s, "POST", "/hooks/gumroad/" TOKEN,
	    "CONTENT_TYPE=application/x-www-form-urlencoded",
	    deliveries_body(s->d.arena, sales), at);
}

/* A charge of a subscription that has had many: all are read again. */
static void
post_renewal(struct server *s, int at)
{
	char *body = arena_printf(s->d.arena, "%s&subscription_id=m%d",
	    deliveries_body(s->d.arena, sales).p, sales / SUBJECT_SALES);
	serve(s, "POST", "/hooks/gumroad/" TOKEN,
	    "CONTENT_TYPE=application/x-www-form-urlencoded", str_from(body),
	    at);
}

static void
post_gank(struct server *s, int at)
{
	char header[PARAM_MAX];
	struct buf sign;
	struct str body = str_from(arena_printf(s->d.arena,
	    "{\"event\":\"USER_MEMBERSHIP.TX_SUCCEED\",\"data\":{\"human_id\":"
	    "\"UM-%d\",\"payment_status\":\"SUCCEED\",\"usecase_data\":{"
	    "\"usecase\":\"USER_MEMBERSHIP_RECURRING\",\"data\":{"
	    "\"billing_period\":1,\"is_fee_covered\":true,\"price_event_id\":"
	    "\"2f0f05c6-9760-41af-8201-1cec61aa2421\",\"creator_user_id\":"
	    "\"fba1aaba-ffb5-42ae-8571-6ec0eb337802\",\"membership_title\":"
	    "\"Gold\",\"subscriber_user_id\":\"4758a84f-c541-4e7a-b2b1-%012d\""
	    ",\"custom_reference_id\":null,\"creator_user_nickname\":\"n\","
	    "\"subscriber_user_email\":\"a@example.org\","
	    "\"is_fee_covered_forever\":true,"
	    "\"subscriber_user_nickname\":\"m\"}}}}",
	    sales, sales));
	buf_init(&sign, PARAM_MAX);
	if (proof_make_timed(&platform_gank, body, STR(SECRET), time_now(),
		&sign, NULL) != 0)
		abort();
	snprintf(header, sizeof(header), "HTTP_GANK_SIGNATURE=%.*s",
	    STR_ARG(buf_str(&sign)));
	buf_free(&sign);
	serve(s, "POST", "/hooks/gank", header, body, at);
}

static void
get_access(struct server *s, int at)
{
	serve(s, "GET", "/v1/access?user=u0", "HTTP_AUTHORIZATION=Bearer " KEY,
	    STR(""), at);
}

static void
get_gate(struct server *s, int at)
{
	char header[PARAM_MAX];
	struct buf pass;
	struct access_key key = { .by = STORE_BY_USER, .id = STR("u0") };
	buf_init(&pass, PARAM_MAX);
	if (pass_make(&s->d.config, &key, time_now(), 600, &pass, NULL) != 0)
		abort();
	snprintf(header, sizeof(header), "HTTP_COOKIE=gatepost=%.*s",
	    STR_ARG(buf_str(&pass)));
	buf_free(&pass);
	serve(s, "GET", "/gate?tier=app", header, STR(""), at);
}

static void
get_health(struct server *s, int at)
{
	serve(s, "GET", "/healthz", "HTTP_ACCEPT=*/*", STR(""), at);
}

static const struct kind {
	const char *name;
	void (*ask)(struct server *s, int at);
	int is_delivery;
	int status; /* when all is well */
	int or_status; /* when memory runs out */
	int or_else; /* a pass that cannot be read is none */
} kinds[] = {
	{ "a sale of Gumroad", post_gumroad, 1, 200, 503, 0 },
	{ "a renewal", post_renewal, 1, 200, 503, 0 },
	{ "a payment of Gank", post_gank, 1, 200, 503, 0 },
	{ "a lookup", get_access, 0, 200, 503, 0 },
	{ "the gate", get_gate, 0, 204, 403, 401 },
	{ "health", get_health, 0, 200, 503, 0 },
};

static const char *
check_delivery(struct server *s, const struct kind *kind)
{
	struct answer first = s->answer;
	if (first.status == 200 && strstr(first.body, "recorded") == NULL &&
	    strstr(first.body, "duplicate") == NULL)
		return "not applied";
	/* the sender comes again */
	kind->ask(s, 0);
	if (s->answer.status != 200)
		return "refused when there is memory again";
	if (strstr(s->answer.body, "kept") != NULL)
		return "kept when there is memory again";
	if (first.status == 200 && strstr(s->answer.body, "duplicate") == NULL)
		return "acknowledged and not there";
	return NULL;
}

/* What is wrong, or NULL. want: the body when all is well. */
static const char *
check(struct server *s, const struct kind *kind, const char *want)
{
	/* no answer at all, and exit 1, or 3 of base/memory.h: the web server
	 * says 500, after which Gumroad comes again, as after 503 */
	int none = (s->answer.rc == EXIT_FAILURE || s->answer.rc == 3) &&
	    s->answer.text[0] == '\0';
	if (!none && s->answer.status != kind->status &&
	    s->answer.status != kind->or_status &&
	    s->answer.status != kind->or_else)
		return "status";
	if (none && lseek(STDERR_FILENO, 0, SEEK_CUR) == 0)
		return "ended without a word";
	if (s->answer.status == 503 &&
	    strstr(s->answer.text, "Retry-After: ") == NULL)
		return "no Retry-After";
	if (kind->is_delivery)
		return check_delivery(s, kind);
	if (s->answer.status == kind->status &&
	    strcmp(s->answer.body, want) != 0)
		return "another answer";
	return NULL;
}

struct tally {
	int points, good, refused, none, bad;
};

/* Served in a process of its own, which may end. */
static void
ask_apart(struct server *s, const struct kind *kind, int at, int warm)
{
	int status = 0;
	*failed = 0;
	if (ftruncate(STDERR_FILENO, 0) != 0 ||
	    lseek(STDERR_FILENO, 0, SEEK_SET) != 0 || ftruncate(s->out, 0) != 0)
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		server_open(s);
		if (warm)
			kind->ask(s, 0);
		sales += 3;
		kind->ask(s, at);
		_exit(s->answer.rc == 0 ? 0 : EXIT_FAILURE);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	sales += 3;
	/* by a signal: neither of the two */
	read_answer(s, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void
one(struct server *s, const struct kind *kind, int at, int warm,
    struct tally *t)
{
	static char want[ANSWER_MAX];
	arena_reset(s->d.arena);
	sales += 3; /* the next that is no refund */
	if (!kind->is_delivery) {
		server_open(s);
		kind->ask(s, 0);
		snprintf(want, sizeof(want), "%s", s->answer.body);
		server_close(s);
	}
	ask_apart(s, kind, at, warm);
	t->points += *failed > 0;
	t->good += *failed > 0 && s->answer.status == kind->status;
	t->refused += *failed > 0 && s->answer.status == kind->or_status;
	t->none += *failed > 0 && s->answer.status == 0;
	struct answer got = s->answer;
	server_open(s);
	const char *wrong = check(s, kind, want);
	server_close(s);
	if (wrong != NULL && ++t->bad <= 5)
		printf("# %s, %s, allocation %d%s: %s: %d %.150s\n", kind->name,
		    warm ? "warm" : "cold", at, lasting ? " and more" : "",
		    wrong, got.status, got.body);
}

static void
each(struct server *s, const struct kind *kind, int warm, int step)
{
	struct tally t = { 0 };
	for (int at = 1;; at += 1 + (int)random() % step) {
		int before = t.points;
		one(s, kind, at, warm, &t);
		if (t.points == before)
			break;
	}
	OK(t.bad == 0,
	    "%s, %s, %s: %d points, %d as ever, %d refused, %d without answer",
	    kind->name, warm ? "warm" : "cold", lasting ? "a while" : "once",
	    t.points, t.good, t.refused, t.none);
}

static int
logs(int log)
{
	char line[PARAM_MAX] = "";
	int file = memfd_create("log", MFD_CLOEXEC);
	if (file < 0 || dup2(file, STDERR_FILENO) < 0)
		return 0;
	left = 1;
	lasting = WHILE;
	log_line(LOG_ERROR, "a\nb");
	left = lasting = 0;
	dup2(log, STDERR_FILENO);
	if (pread(file, line, sizeof(line) - 1, 0) < 0)
		line[0] = '\0';
	close(file);
	return strcmp(line, "gatepost: error: a?b\n") == 0;
}

int
main(int argc, char **argv)
{
	static struct server s;
	int step = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 40;
	struct err e = { 0 };
	unsigned seed = (unsigned)time_now();
	int log = memfd_create("log", MFD_CLOEXEC);
	failed = mmap(NULL, sizeof(*failed), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (step < 1 || crypto_init(&e) != 0 || log < 0 || failed == MAP_FAILED)
		return 2;
	printf("# seed %u\n", seed);
	fflush(stdout);
	/* each refusal is logged */
	dup2(log, STDERR_FILENO);
	srandom(seed);
	configure(&s);
	server_open(&s);
	post_gumroad(&s, 0);
	OK(s.answer.status == 200, "with memory: %s", s.answer.body);
	server_close(&s);
	test_group("memory runs out");
	OK(logs(log), "the log says so all the same");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (int k = 0; k < 4; k++) {
			lasting = k & 1 ? WHILE : 0;
			each(&s, &kinds[i], k < 2,
			    k < 2 ? (step + 3) / 4 : step);
		}
	const char *wrong = deliveries_wrong(&s.d, 0, NULL, 0);
	OK(wrong == NULL, "afterwards: %s", wrong == NULL ? "sound" : wrong);
	deliveries_close(&s.d);
	return test_end();
}

#include "test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/time.h"
#include "cgi/web/count.h"
#include "cgi/web/openmetrics.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"
#include "cgi/route.h"
#include "commit/commit.h"
#include "access/pass.h"

/* Histograms, the text they are written as, and /metrics through the router
 * while deliveries come. */
enum { THREADS = 4, EACH = 50, SCRAPES = 40, ADDS = 20000, PARAMS_MAX = 8 };

#define TOKEN "0123456789abcdef0123456789abcdef"

static const int64_t bounds[] = { 10, 100, 1000000 };
static struct histogram h;

static void
test_histogram(void)
{
	struct histogram_view view;
	test_group("histogram");
	histogram_init(&h, bounds, 3);
	histogram_read(&h, &view);
	OK(view.up_to[0] == 0 && view.up_to[3] == 0 && view.sum == 0, "empty");
	const int64_t values[] = { -5, 0, 10, 11, 100, 1000001 };
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		histogram_add(&h, values[i]);
	histogram_read(&h, &view);
	OK(view.up_to[0] == 3, "a bound belongs to its range");
	OK(view.up_to[1] == 5 && view.up_to[2] == 5, "up to each bound");
	OK(view.up_to[3] == 6, "the last is all of them");
	OK(view.sum == 10 + 11 + 100 + 1000001, "below 0 counts as 0");
	for (int i = 1; i < HISTOGRAM_TIMES; i++)
		if (histogram_times[i] <= histogram_times[i - 1])
			OK(0, "times ascend");
}

static void *
add_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < ADDS; i++)
		histogram_add(&h, i % 200);
	return NULL;
}

static void
test_together(void)
{
	pthread_t threads[THREADS];
	struct histogram_view view = { .sum = 0 };
	int bad = 0;
	test_group("histogram of several threads");
	histogram_init(&h, bounds, 3);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, add_many, NULL);
	for (int i = 0; i < SCRAPES; i++) {
		histogram_read(&h, &view);
		for (int k = 0; k < 3; k++)
			bad += view.up_to[k] > view.up_to[k + 1];
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	OK(bad == 0, "ascends while others add");
	histogram_read(&h, &view);
	OK(view.up_to[3] == (int64_t)THREADS * ADDS, "none is lost");
	OK(view.sum == (int64_t)THREADS * ADDS / 200 * (199 * 200 / 2), "sum");
}

static void
write_all(struct openmetrics *m)
{
	static const struct openmetrics_family counter = { "a_b", "counter", "",
		"x y", "How many." },
					       gauge = { "c_seconds", "gauge",
						       "seconds", "", "When." },
					       histogram = { "d_seconds",
						       "histogram", "seconds",
						       "", "How long." },
					       info = { "e", "info", "", "v",
						       "What." };
	static const char *const one[] = { "1", "2" };
	openmetrics_begin(m, &counter);
	openmetrics_add(m, one, 7);
	openmetrics_begin(m, &gauge);
	openmetrics_add_micros(m, NULL, 1000005);
	histogram_init(&h, bounds, 3);
	histogram_add(&h, 11);
	histogram_add(&h, 2000000);
	openmetrics_begin(m, &histogram);
	openmetrics_add_histogram(m, &h, 1000000);
	openmetrics_begin(m, &info);
	openmetrics_add(m, one, 1);
	openmetrics_end(m);
}

#define DURATION \
	"d_seconds_bucket{le=\"1e-05\"} 0\n" \
	"d_seconds_bucket{le=\"0.0001\"} 1\n" \
	"d_seconds_bucket{le=\"1.0\"} 1\n" \
	"d_seconds_bucket{le=\"+Inf\"} 2\n" \
	"d_seconds_count 2\n" \
	"d_seconds_sum 2.000011\n"

static void
test_text(void)
{
	struct buf b;
	test_group("text");
	buf_init(&b, 4096);
	struct openmetrics m = { .out = &b };
	write_all(&m);
	IS(buf_str(&b),
	    "# TYPE a_b counter\n# HELP a_b How many.\n"
	    "a_b_total{x=\"1\",y=\"2\"} 7\n"
	    "# TYPE c_seconds gauge\n# UNIT c_seconds seconds\n"
	    "# HELP c_seconds When.\nc_seconds 1.000005\n"
	    "# TYPE d_seconds histogram\n# UNIT d_seconds seconds\n"
	    "# HELP d_seconds How long.\n" DURATION
	    "# TYPE e info\n# HELP e What.\ne_info{v=\"1\"} 1\n# EOF\n",
	    "OpenMetrics");
	buf_reset(&b);
	m.is_classic = 1;
	write_all(&m);
	IS(buf_str(&b),
	    "# TYPE a_b_total counter\n# HELP a_b_total How many.\n"
	    "a_b_total{x=\"1\",y=\"2\"} 7\n"
	    "# TYPE c_seconds gauge\n# HELP c_seconds When.\n"
	    "c_seconds 1.000005\n"
	    "# TYPE d_seconds histogram\n# HELP d_seconds How long.\n" DURATION
	    "# TYPE e_info gauge\n# HELP e_info What.\ne_info{v=\"1\"} 1\n",
	    "0.0.4");
	buf_free(&b);
}

/* ---- /metrics ------------------------------------------------------------ */

static char folder[] = "/tmp/t_metrics.XXXXXX";
static char database[64];
static const struct str tokens[] = { { TOKEN, sizeof(TOKEN) - 1 } };
static struct config config = { .threads = THREADS + 1,
	.public_url = { "https://example.org", 19 },
	.pass_secrets = { tokens, 1 } };
static struct app app = { .config = &config };

/* The status; what was answered is in *p. */
static int
serve(int worker, struct arena *a, const char *const *params, const char *body,
    struct reply *p)
{
	struct request r;
	arena_reset(a);
	request_init(&r, a, params, str_from(body), 0);
	r.worker = worker;
	reply_reset(p, a);
	route_serve(&app, &r, p);
	return p->status;
}

static void *
deliver_many(void *arg)
{
	static const char *const params[] = { "REQUEST_METHOD=POST",
		"PATH_INFO=/hooks/gumroad/" TOKEN, NULL };
	static const char *const wrong[] = { "REQUEST_METHOD=POST",
		"PATH_INFO=/hooks/gank", NULL };
	const int *worker = arg;
	struct arena *a = arena_new(REQUEST_ARENA_MAX);
	struct reply p;
	reply_init(&p);
	for (int i = 0; i < EACH; i++) {
		char body[256];
		snprintf(body, sizeof(body),
		    "sale_id=s%d-%d&sale_timestamp=2026-01-31T10%%3A00%%3A00Z"
		    "&permalink=app&resource_name=sale&refunded=false",
		    *worker, i);
		serve(*worker, a, params, body, &p);
		if (i % 10 == 0)
			serve(*worker, a, wrong, "{}", &p);
	}
	reply_free(&p);
	arena_free(a);
	return NULL;
}

static const char *const local[] = { "REQUEST_METHOD=GET", "PATH_INFO=/metrics",
	"GATEPOST_LOCAL=1", NULL };

static void
watch(void *arg, const struct commit_mark *mark)
{
	int *bad = arg;
	*bad += mark->came == 0 || mark->committed < mark->came;
}

static void
test_load(void)
{
	pthread_t threads[THREADS];
	int workers[THREADS], bad = 0, marks = 0;
	struct arena *a = arena_new(REQUEST_ARENA_MAX);
	struct reply p;
	struct commit_queue queue;
	struct histogram_view view;
	test_group("while deliveries come");
	commit_watch(app.commit, watch, &marks);
	reply_init(&p);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = i;
		pthread_create(&threads[i], NULL, deliver_many, &workers[i]);
	}
	for (int i = 0; i < SCRAPES; i++)
		bad += serve(THREADS, a, local, "", &p) != 200;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	OK(bad == 0, "each is answered");
	OK(marks == 0, "deliveries come before their commit");
	OK(count_deliveries(0, FACT_SALE, COUNT_RECORDED) == THREADS * EACH,
	    "each delivery counts");
	OK(count_refusals_of(1, COUNT_NOT_CONFIGURED) == THREADS * EACH / 10,
	    "each refusal counts");
	histogram_read(&commit_stats(app.commit)->lag, &view);
	OK(view.up_to[HISTOGRAM_TIMES] == THREADS * EACH, "has its time");
	histogram_read(&commit_stats(app.commit)->batch, &view);
	OK(view.sum == THREADS * EACH, "is in one batch");
	commit_queue(app.commit, &queue);
	OK(queue.waiting == 0 && queue.oldest == 0, "and nothing waits");
	serve(THREADS, a, local, "", &p);
	OK(reply_ok(&p) &&
		memmem(p.body.p, p.body.n, "\ngatepost_events 200\n", 21) !=
		    NULL,
	    "the rows");
	reply_free(&p);
	arena_free(a);
}

static void
test_unreadable(void)
{
	struct arena *a = arena_new(REQUEST_ARENA_MAX);
	struct access_key key;
	struct buf pass;
	struct reply p;
	struct err e = { .code = ERR_NONE };
	test_group("database unreadable");
	reply_init(&p);
	buf_init(&pass, PASS_MAX);
	access_key_parse(STORE_BY_USER, STR("1"), a, &key, &e);
	OK(pass_make(&config, &key, time_now(), 100, &pass, &e) == 0, "pass");
	char cookie[PASS_MAX + 32];
	snprintf(cookie, sizeof(cookie), "HTTP_COOKIE=gatepost=%.*s",
	    STR_ARG(buf_str(&pass)));
	const char *const gate[] = { "REQUEST_METHOD=GET", "PATH_INFO=/gate",
		"QUERY_STRING=tier=app", cookie, NULL };
	config.database = "/nowhere/gatepost.db";
	readers_free(app.readers);
	app.readers = readers_new(&config, THREADS + 1);
	OK(serve(0, a, gate, "", &p) == 403, "the gate closes");
	OK(count_gate_answers(COUNT_GATE_ERROR_CLOSED) == 1, "counted so");
	config.gate_open_on_error = 1;
	OK(serve(0, a, gate, "", &p) == 204, "or opens");
	OK(count_gate_answers(COUNT_GATE_ERROR_OPEN) == 1, "counted so");
	OK(serve(0, a, local, "", &p) == 200, "what the process knows is told");
	OK(memmem(p.body.p, p.body.n, "\ngatepost_database_up 0\n", 24) != NULL,
	    "and that the database is not there");
	OK(memmem(p.body.p, p.body.n, "gatepost_events", 15) == NULL,
	    "no number that is not known");
	buf_free(&pass);
	reply_free(&p);
	arena_free(a);
}

int
main(void)
{
	struct err e = { .code = ERR_NONE };
	test_histogram();
	test_together();
	test_text();
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(database, sizeof(database), "%s/gatepost.db", folder);
	config.database = database;
	config.platforms[0].secrets = (struct config_list){ tokens, 1 };
	config.platforms[0].reference = STR("user_id");
	app.readers = readers_new(&config, THREADS + 1);
	OK(crypto_init(&e) == 0 && commit_new(&config, &app.commit, &e) == 0 &&
		commit_prepare(app.commit, &e) == 0,
	    "begin %s", e.text);
	test_load();
	test_unreadable();
	readers_free(app.readers);
	commit_free(app.commit);
	char path[96];
	static const char *const ends[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", database, ends[i]);
		unlink(path);
	}
	rmdir(folder);
	return test_end();
}

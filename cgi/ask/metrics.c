#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "cgi/web/apikey.h"
#include "cgi/ask/ask.h"
#include "cgi/web/count.h"
#include "cgi/web/openmetrics.h"
#include "cgi/ask/metrics_truth.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"
#include "cgi/web/app.h"
#include "cgi/server/send.h"
#include "commit/commit.h"
#include "commit/heard.h"
#include "store/db_sqlite_shrink.h"

/*
 * /metrics, for Prometheus and its relatives. What the process knows is read
 * from atomics, what the database knows by bounded queries: a scrape costs the
 * same with ten rows and with ten million. No value of a label comes from
 * outside.
 */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

enum family {
	DELIVERIES,
	REFUSED,
	WRONG_CLOCK,
	LAST_DELIVERY,
	QUEUE,
	QUEUE_OLDEST,
	BATCH,
	COMMIT_TIME,
	TO_COMMIT,
	COMMIT_TO_PUSH,
	TO_PUSH,
	GATE,
	STREAMS,
	STREAMS_MAX,
	DOWNLOADS,
	DATABASE_UP,
	EVENTS,
	EVENTS_KEPT,
	OUTBOX,
	OUTBOX_OVERDUE,
	WAL,
	BUILD,
	START_TIME,
	MEMORY,
	FILES,
	FAMILY__MAX
};

/* gatepost(7) has the same list; a lint compares them. */
static const struct openmetrics_family families[FAMILY__MAX] = {
	[DELIVERIES] = { "gatepost_deliveries", "counter", "",
	    "platform kind outcome", "Verified deliveries, answered 200." },
	[REFUSED] = { "gatepost_deliveries_refused", "counter", "",
	    "platform reason", "Deliveries that were not taken." },
	[WRONG_CLOCK] = { "gatepost_wrong_clock", "counter", "", "",
	    "Deliveries refused with the right signature and a wrong time." },
	[LAST_DELIVERY] = { "gatepost_last_delivery_timestamp_seconds", "gauge",
	    "seconds", "platform",
	    "When the newest verified delivery came, tests left out." },
	[QUEUE] = { "gatepost_queue_deliveries", "gauge", "", "",
	    "Deliveries that wait for their commit." },
	[QUEUE_OLDEST] = { "gatepost_queue_oldest_age_seconds", "gauge",
	    "seconds", "", "How long the first of them has waited." },
	[BATCH] = { "gatepost_commit_deliveries", "histogram", "", "",
	    "Deliveries in one commit." },
	[COMMIT_TIME] = { "gatepost_commit_seconds", "histogram", "seconds", "",
	    "From taking a batch off the queue to the end of its commit." },
	[TO_COMMIT] = { "gatepost_received_to_committed_seconds", "histogram",
	    "seconds", "", "From the whole request, taken up, to its commit." },
	[COMMIT_TO_PUSH] = { "gatepost_committed_to_pushed_seconds",
	    "histogram", "seconds", "",
	    "From a commit to what it changed written to a stream." },
	[TO_PUSH] = { "gatepost_received_to_pushed_seconds", "histogram",
	    "seconds", "",
	    "From the first request of a commit to its news on a stream." },
	[GATE] = { "gatepost_gate_answers", "counter", "", "answer",
	    "Answers of the gate." },
	[STREAMS] = { "gatepost_streams", "gauge", "", "kind",
	    "Open live streams, and waiting questions for changes." },
	[STREAMS_MAX] = { "gatepost_streams_limit", "gauge", "", "",
	    "The setting streams." },
	[DOWNLOADS] = { "gatepost_downloads", "gauge", "", "",
	    "Files being sent." },
	[DATABASE_UP] = { "gatepost_database_up", "gauge", "", "",
	    "Whether the database could be read for this answer." },
	[EVENTS] = { "gatepost_events", "gauge", "", "",
	    "Rows of the table events." },
	[EVENTS_KEPT] = { "gatepost_events_kept", "gauge", "", "",
	    "Of these, kept and not applied; counted up to 1000." },
	[OUTBOX] = { "gatepost_outbox_waiting", "gauge", "", "",
	    "Things to do elsewhere, of the newest 1000." },
	[OUTBOX_OVERDUE] = { "gatepost_outbox_oldest_age_seconds", "gauge",
	    "seconds", "", "How long the first of them has been due." },
	[WAL] = { "gatepost_wal_bytes", "gauge", "bytes", "",
	    "The database's write-ahead log." },
	[BUILD] = { "gatepost_build", "info", "", "version", "The program." },
	[START_TIME] = { "process_start_time_seconds", "gauge", "seconds", "",
	    "When the program started." },
	[MEMORY] = { "process_resident_memory_bytes", "gauge", "bytes", "",
	    "Resident memory." },
	[FILES] = { "process_open_fds", "gauge", "", "",
	    "Open file descriptors." },
};

static void
begin(struct openmetrics *m, enum family f)
{
	openmetrics_begin(m, &families[f]);
}

static void
add_one(struct openmetrics *m, enum family f, int64_t value)
{
	begin(m, f);
	openmetrics_add(m, NULL, value);
}

static void
add_times(struct openmetrics *m, enum family f, struct histogram *h)
{
	begin(m, f);
	openmetrics_add_histogram(m, h, 1000000);
}

/* ---- what the process knows ---------------------------------------------- */

/* A token of the URL, or another proof, never both. */
static int
can_refuse(const struct platform *p, enum count_refusal why)
{
	if (why == COUNT_TOKEN)
		return p->refused_status == 404;
	return p->refused_status != 404 || why > COUNT_MISMATCH;
}

static void
add_deliveries(struct openmetrics *m)
{
	begin(m, DELIVERIES);
	for (size_t p = 0; p < PLATFORM__MAX; p++)
		for (int k = 0; k < COUNT_KINDS; k++)
			for (int o = 0; o < COUNT_OUTCOME__MAX; o++) {
				const char *const values[] = {
					platforms[p]->name, count_kinds[k],
					count_outcomes[o]
				};
				openmetrics_add(m, values,
				    count_deliveries(p, (enum fact_kind)k,
					(enum count_outcome)o));
			}
	begin(m, REFUSED);
	for (size_t p = 0; p < PLATFORM__MAX; p++)
		for (int i = 0; i < COUNT_REFUSAL__MAX; i++) {
			if (!can_refuse(platforms[p], (enum count_refusal)i))
				continue;
			const char *const values[] = { platforms[p]->name,
				count_refusals[i] };
			openmetrics_add(m, values,
			    count_refusals_of(p, (enum count_refusal)i));
		}
	add_one(m, WRONG_CLOCK, count_get(COUNT_WRONG_CLOCK));
}

static void
add_commits(struct openmetrics *m, struct commit *c)
{
	struct commit_stats *stats = commit_stats(c);
	struct commit_queue queue;
	commit_queue(c, &queue);
	add_one(m, QUEUE, queue.waiting);
	begin(m, QUEUE_OLDEST);
	openmetrics_add_micros(m, NULL, queue.oldest);
	begin(m, BATCH);
	openmetrics_add_histogram(m, &stats->batch, 1);
	add_times(m, COMMIT_TIME, &stats->time);
	add_times(m, TO_COMMIT, &stats->lag);
}

static void
add_streams(struct openmetrics *m, struct publish *pub, struct send *send)
{
	static const char *const kinds[][1] = {
		[STREAM_LIVE] = { "live" },
		[STREAM_CHANGES] = { "changes" },
	};
	struct publish_stats *stats = publish_stats(pub);
	int n[STREAM_KIND__MAX];
	add_times(m, COMMIT_TO_PUSH, &stats->committed);
	add_times(m, TO_PUSH, &stats->came);
	publish_counts(pub, n);
	begin(m, STREAMS);
	for (int i = 0; i < STREAM_KIND__MAX; i++)
		openmetrics_add(m, kinds[i], n[i]);
	add_one(m, DOWNLOADS, send == NULL ? 0 : send_count(send));
}

static void
add_gate(struct openmetrics *m)
{
	begin(m, GATE);
	for (int i = 0; i < COUNT_GATE__MAX; i++)
		openmetrics_add(
		    m, &count_gates[i], count_gate_answers((enum count_gate)i));
}

/* Linux's; left out where there is none. */
static void
add_system(struct openmetrics *m)
{
	enum { FILES_MAX = 100000 };
	long long all, resident;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f != NULL) {
		if (fscanf(f, "%lld %lld", &all, &resident) == 2)
			add_one(m, MEMORY,
			    (int64_t)resident * sysconf(_SC_PAGESIZE));
		fclose(f);
	}
	DIR *d = opendir("/proc/self/fd");
	if (d == NULL)
		return;
	int64_t n = 0;
	for (const struct dirent *e; n < FILES_MAX && (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	/* but the one just read by */
	add_one(m, FILES, n - 1);
}

/* ---- what the database knows --------------------------------------------- */

struct known {
	struct store_watch watch;
	int64_t last[PLATFORM__MAX]; /* seconds; 0: not known */
};

/* 0, or -1 and *known as when there is nothing. */
static int
read_rows(const struct app *app, const struct request *r, struct known *known)
{
	struct err e = { .code = ERR_NONE };
	*known = (struct known){ .watch.outbox_due_at = STORE_NULL };
	struct store *s = readers_get(app->readers, r->worker, &e);
	if (s != NULL && store_watch(s, &known->watch, &e) == 0 &&
	    heard_last(s, app->config, NULL, STR_NONE, known->last, &e) == 0)
		return 0;
	log_line(LOG_ERROR, "metrics: %s", e.text);
	readers_drop(app->readers, r->worker);
	*known = (struct known){ .watch.outbox_due_at = STORE_NULL };
	return -1;
}

static void
add_rows(struct openmetrics *m, const struct app *app, const struct request *r)
{
	struct known known;
	const struct store_watch *w = &known.watch;
	int is_up = read_rows(app, r, &known) == 0;
	begin(m, LAST_DELIVERY);
	for (size_t p = 0; p < PLATFORM__MAX; p++) {
		int64_t at = count_last_delivery(p);
		if (at < known.last[p])
			at = known.last[p];
		if (at > 0)
			openmetrics_add(m, &platforms[p]->name, at);
	}
	add_one(m, DATABASE_UP, is_up);
	if (!is_up)
		return;
	int64_t due =
	    w->outbox_due_at == STORE_NULL ? 0 : time_now() - w->outbox_due_at;
	add_one(m, EVENTS, w->events);
	add_one(m, EVENTS_KEPT, w->kept);
	add_one(m, OUTBOX, w->outbox);
	add_one(m, OUTBOX_OVERDUE, due < 0 ? 0 : due);
	if (!store_is_url(app->config->database))
		add_one(m, WAL, db_wal_bytes(app->config->database));
	struct err e = { .code = ERR_NONE };
	struct store *s = readers_get(app->readers, r->worker, &e);
	if (s == NULL || metrics_truth(m, s, r->arena, &e) != 0)
		log_line(LOG_ERROR, "metrics: %s", e.text);
}

/* ---- the answer ---------------------------------------------------------- */

/* For the parameter of the web server's own configuration: a header of that
 * name arrives as HTTP_GATEPOST_LOCAL. */
static int
is_local(const struct request *r)
{
	return str_eq_z(request_param(r, "GATEPOST_LOCAL"), "1");
}

static int
has(struct str s, const char *part)
{
	return s.n > 0 && memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* Does who asks know only the older format? */
static int
wants_classic(const struct request *r)
{
	struct str accept = request_param(r, "HTTP_ACCEPT");
	return accept.n > 0 && !has(accept, "application/openmetrics-text") &&
	    !has(accept, "application/*") && !has(accept, "*/*");
}

void
metrics_get(const struct app *app, struct request *r, struct reply *p)
{
	static const char *const version[] = { PACKAGE_VERSION };
	if (!is_local(r) && !apikey_fits(app, r, p))
		return;
	struct openmetrics m = { .out = reply_text(p, 200),
		.is_classic = wants_classic(r) };
	p->type = m.is_classic
	    ? "text/plain; version=0.0.4; charset=utf-8"
	    : "application/openmetrics-text; version=1.0.0; charset=utf-8";
	/* the counters of a process that ends with this answer say nothing */
	if (!app->is_cgi) {
		add_deliveries(&m);
		add_commits(&m, app->commit);
		add_gate(&m);
		add_system(&m);
		add_one(&m, START_TIME, app->started);
	}
	if (app->publish != NULL)
		add_streams(&m, app->publish, app->send);
	add_rows(&m, app, r);
	add_one(&m, STREAMS_MAX, app->config->streams);
	begin(&m, BUILD);
	openmetrics_add(&m, version, 1);
	openmetrics_end(&m);
}

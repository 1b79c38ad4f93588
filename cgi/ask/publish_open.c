#include "cgi/ask/publish.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cgi/ask/publisher.h"

/* ---- from outside -------------------------------------------------------- */

void
publish_wake(struct publish *pub)
{
	const uint64_t one = 1;
	/* fails when it is full: then the thread is awake */
	if (atomic_load(&pub->waiting) > 0 &&
	    write(pub->wake, &one, sizeof(one)) < 0)
		return;
}

void
publish_committed(void *arg, const struct commit_mark *mark)
{
	struct publish *pub = arg;
	int64_t none = 0;
	if (atomic_load(&pub->waiting) == 0)
		return;
	/* the thread takes committed first: came is there when it does */
	if (mark->came != 0)
		atomic_compare_exchange_strong(&pub->came, &none, mark->came);
	none = 0;
	atomic_compare_exchange_strong(&pub->committed, &none, mark->committed);
	publish_wake(pub);
}

/* What is open like s: of its pass, without a tier, and of each network it is
 * in. */
struct alike {
	int pass, open;
	int network[NETWORK_STEPS];
};

static struct alike
count_alike(const struct publish *pub, const struct stream *like)
{
	struct alike n = { .pass = 0 };
	for (const struct stream *s = pub->all; s != NULL; s = s->next) {
		if (s->kind != STREAM_LIVE)
			continue;
		n.pass += crypto_equal(s->pass, like->pass, sizeof(s->pass));
		if (s->has_tier)
			continue;
		n.open++;
		for (size_t i = 0; i < like->network.n && i < s->network.n; i++)
			n.network[i] +=
			    memcmp(s->network.steps[i], like->network.steps[i],
				NETWORK_BYTES) == 0;
	}
	return n;
}

/* Are there as many without a tier as may be from one of its networks? */
static int
is_network_full(
    const struct publish *pub, const struct stream *s, const struct alike *n)
{
	int most = pub->o.config->streams / PUBLISH_NETWORK_PART;
	if (most < PUBLISH_NETWORK_LEAST)
		most = PUBLISH_NETWORK_LEAST;
	for (size_t i = s->network.n; i-- > 0; most *= 2)
		if (n->network[i] >= most)
			return 1;
	return 0;
}

/* NULL where there is room, else why not. */
static const char *
find_no_room(const struct publish *pub, const struct stream *s)
{
	int max = pub->o.config->streams;
	if (s->kind == STREAM_CHANGES)
		return pub->n_kind[STREAM_CHANGES] < PUBLISH_CHANGES
		    ? NULL
		    : "256 questions wait for changes already";
	if (pub->n_kind[STREAM_LIVE] >= max)
		return "as many are open as the configuration's streams";
	struct alike n = count_alike(pub, s);
	if (n.pass >= PUBLISH_PER_PASS)
		return "this pass has 8 streams open";
	if (s->has_tier)
		return NULL;
	if (n.open >= max - max / PUBLISH_OPEN_PART)
		return "as many are open without a tier as may be";
	return is_network_full(pub, s, &n)
	    ? "as many are open without a tier as may be from one network"
	    : NULL;
}

static const char *
reserve(struct publish *pub, struct stream *s, int *stopping)
{
	pthread_mutex_lock(&pub->lock);
	const char *why = find_no_room(pub, s);
	*stopping = pub->stopping;
	if (why == NULL && !*stopping) {
		s->publish = pub;
		s->next = pub->all;
		if (s->next != NULL)
			s->next->prev = s;
		pub->all = s;
		pub->n_kind[s->kind]++;
		atomic_store(&pub->waiting, ++pub->n);
	}
	pthread_mutex_unlock(&pub->lock);
	return why;
}

void
publish_open(struct publish *pub, const struct stream_opts *o, struct reply *p)
{
	int stopping = 0;
	struct stream *s = stream_new(o);
	if (s != NULL && o->kind == STREAM_LIVE) {
		if (reply_head(p, &s->first) != 0)
			p->failed = 1;
		buf_adds(&s->first, buf_str(&p->body));
	}
	if (s == NULL || !buf_ok(&s->first)) {
		stream_free(s);
		p->failed = 1;
		return;
	}
	const char *why = reserve(pub, s, &stopping);
	if (why == NULL && !stopping) {
		p->stream = s;
		return;
	}
	stream_free(s);
	p->endless = 0;
	if (stopping)
		return;
	p->n_headers = 0;
	reply_header(p, "Retry-After", STR("30"));
	reply_error(p, 503, "streams", why);
}

void
publish_drop(struct stream *s)
{
	if (s != NULL)
		publisher_forget(s);
}

/* After the thread's end. */
static void
refuse(struct stream *s, struct conn *c)
{
	struct err e = { .code = ERR_NONE };
	stream_say(s, buf_str(&s->first));
	if (s->kind == STREAM_CHANGES)
		stream_tell(s, NULL, NULL, NULL, &e);
	stream_end(s);
	stream_flush(s, 0);
	publisher_forget(s);
	loop_unpark(c, 0);
}

void
publish_park(struct stream *s, struct conn *c)
{
	struct publish *pub = s->publish;
	s->conn = c;
	pthread_mutex_lock(&pub->lock);
	int ended = pub->ended;
	if (!ended) {
		s->live_next = pub->incoming;
		pub->incoming = s;
	}
	pthread_mutex_unlock(&pub->lock);
	if (ended)
		refuse(s, c);
	else
		publish_wake(pub);
}

int
publish_count(struct publish *pub)
{
	return atomic_load(&pub->waiting);
}

void
publish_counts(struct publish *pub, int n[STREAM_KIND__MAX])
{
	pthread_mutex_lock(&pub->lock);
	for (int i = 0; i < STREAM_KIND__MAX; i++)
		n[i] = pub->n_kind[i];
	pthread_mutex_unlock(&pub->lock);
}

struct publish_stats *
publish_stats(struct publish *pub)
{
	return &pub->stats;
}

static int
open_fds(struct publish *pub, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &pub->wake };
	pub->epoll = epoll_create1(EPOLL_CLOEXEC);
	pub->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pub->epoll < 0 || pub->wake < 0 ||
	    epoll_ctl(pub->epoll, EPOLL_CTL_ADD, pub->wake, &ev) != 0)
		return err_set(e, ERR_SYSTEM, "epoll: %s", strerror(errno));
	return 0;
}

int
publish_start(const struct publish_opts *o, struct publish **out, struct err *e)
{
	struct publish *pub = memory_new(sizeof(*pub));
	pthread_mutex_init(&pub->lock, NULL);
	histogram_init(&pub->stats.committed, histogram_times, HISTOGRAM_TIMES);
	histogram_init(&pub->stats.came, histogram_times, HISTOGRAM_TIMES);
	pub->o = *o;
	pub->o.heartbeat_ms =
	    loop_default(o->heartbeat_ms, PUBLISH_HEARTBEAT_MS);
	pub->o.full_ms = loop_default(o->full_ms, PUBLISH_FULL_MS);
	pub->o.poll_ms = loop_default(o->poll_ms, PUBLISH_POLL_MS);
	pub->epoll = pub->wake = -1;
	pub->seen = pub->seen_pass = pub->seen_event = -1;
	pub->arena = arena_new(REQUEST_ARENA_MAX);
	int rc = open_fds(pub, e);
	if (rc == 0 &&
	    pthread_create(&pub->thread, NULL, publisher_main, pub) != 0)
		rc = err_set(e, ERR_SYSTEM, "no thread for streams");
	pub->started = rc == 0;
	if (rc != 0) {
		publish_free(pub);
		return -1;
	}
	*out = pub;
	return 0;
}

void
publish_stop(struct publish *pub)
{
	const uint64_t one = 1;
	if (!pub->started)
		return;
	pthread_mutex_lock(&pub->lock);
	pub->stopping = 1;
	pthread_mutex_unlock(&pub->lock);
	if (write(pub->wake, &one, sizeof(one)) < 0)
		log_line(LOG_ERROR, "wake: %s", strerror(errno));
	pthread_join(pub->thread, NULL);
	pub->started = 0;
}

void
publish_free(struct publish *pub)
{
	if (pub == NULL)
		return;
	if (pub->epoll >= 0)
		close(pub->epoll);
	if (pub->wake >= 0)
		close(pub->wake);
	arena_free(pub->arena);
	pthread_mutex_destroy(&pub->lock);
	free(pub);
}

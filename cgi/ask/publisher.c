#include "cgi/ask/publisher.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "cgi/ask/confirming.h"
#include "cgi/server/conn.h"
#include "store/pass.h"

enum {
	EVENTS = 256, /* taken from the epoll at a time */
	MATCH_MAX = 10000, /* changes at a time; with more everybody looks */
	LOG_EVERY_MS = 10000,
};

/* ---- who waits for whom -------------------------------------------------- */

/* News count from the first commit they are about. */
static void
set_due(struct publish *pub, struct stream *s)
{
	s->due = 1;
	if (s->news.committed == 0)
		s->news = pub->mark;
}

/* FNV-1a */
static struct stream_key **
bucket(struct publish *pub, enum store_by by, struct str id)
{
	uint32_t h = 2166136261U ^ (uint32_t)by;
	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (unsigned char)id.p[i]) * 16777619U;
	return &pub->buckets[h & (PUBLISHER_BUCKETS - 1)];
}

static void
match(struct publish *pub, enum store_by by, struct str id, int check)
{
	if (id.p == NULL)
		return;
	for (struct stream_key *k = *bucket(pub, by, id); k != NULL;
	     k = k->bucket_next)
		if (k->key.by == by && str_eq(k->match, id)) {
			set_due(pub, k->stream);
			k->stream->check |= check;
		}
}

static int
match_person(struct publish *pub, const struct store_change *c, int check)
{
	match(pub, STORE_BY_USER, c->user_ref, check);
	match(pub, STORE_BY_EMAIL, c->email, check);
	match(pub, STORE_BY_BUYER, c->buyer, check);
	match(pub, STORE_BY_LICENSE, c->license, check);
	return 0;
}

static int
match_change(void *arg, const struct store_change *c)
{
	return match_person(arg, c, 0);
}

/* In the form of a change: whose sale may wait. */
static int
match_sale(void *arg, const struct store_change *c)
{
	return match_person(arg, c, STREAM_SALES);
}

/* A row of `passes`: word and identifier. */
static int
match_pass(void *arg, struct str who, int64_t valid_from)
{
	struct publish *pub = arg;
	struct str word, id;
	(void)valid_from;
	str_cut(who, ':', &word, &id);
	for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++)
		if (str_eq_z(word, access_words[by]))
			match(pub, (enum store_by)by, id, STREAM_PASSES);
	return 0;
}

static int
all_checks(const struct publish *pub)
{
	return STREAM_PASSES |
	    (confirming_is_usual(&pub->o.config->rules) ? STREAM_SALES : 0);
}

static void
match_all(struct publish *pub)
{
	for (struct stream *s = pub->live; s != NULL; s = s->live_next) {
		set_due(pub, s);
		s->check = all_checks(pub);
	}
}

static void
list_add(struct publish *pub, struct stream *s)
{
	s->live_prev = NULL;
	s->live_next = pub->live;
	if (pub->live != NULL)
		pub->live->live_prev = s;
	pub->live = s;
	for (size_t i = 0; i < s->n_keys; i++) {
		struct stream_key *k = &s->keys[i];
		struct stream_key **b = bucket(pub, k->key.by, k->match);
		k->bucket_next = *b;
		*b = k;
	}
}

static void
list_remove(struct publish *pub, struct stream *s)
{
	if (s->live_prev != NULL)
		s->live_prev->live_next = s->live_next;
	else
		pub->live = s->live_next;
	if (s->live_next != NULL)
		s->live_next->live_prev = s->live_prev;
	for (size_t i = 0; i < s->n_keys; i++) {
		struct stream_key *k = &s->keys[i];
		struct stream_key **b = bucket(pub, k->key.by, k->match);
		while (*b != k)
			b = &(*b)->bucket_next;
		*b = k->bucket_next;
	}
}

/* ---- one stream ---------------------------------------------------------- */

void
publisher_forget(struct stream *s)
{
	struct publish *pub = s->publish;
	pthread_mutex_lock(&pub->lock);
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		pub->all = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	pub->n_kind[s->kind]--;
	atomic_store(&pub->waiting, --pub->n);
	pthread_mutex_unlock(&pub->lock);
	stream_free(s);
}

static void
finish(struct stream *s, int keep)
{
	struct publish *pub = s->publish;
	struct conn *c = s->conn;
	epoll_ctl(pub->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	list_remove(pub, s);
	publisher_forget(s);
	loop_unpark(c, keep);
}

/* All that was new is with the socket. */
static void
note_pushed(struct publish *pub, struct stream *s)
{
	int64_t now = time_micros();
	if (s->news.committed == 0)
		return;
	histogram_add(&pub->stats.committed, now - s->news.committed);
	if (s->news.came != 0)
		histogram_add(&pub->stats.came, now - s->news.came);
	s->news = (struct commit_mark){ 0 };
}

/* Writes what can be written; the stream may be gone afterwards. */
static void
flush(struct stream *s, int64_t ticks)
{
	struct publish *pub = s->publish;
	if (stream_flush(s, ticks) != 0) {
		finish(s, 0);
		return;
	}
	int full = !stream_is_empty(s);
	if (!full && !s->due)
		note_pushed(pub, s);
	if (!full && s->ending) {
		finish(s, s->conn->keep);
		return;
	}
	if (full == s->polls_out)
		return;
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLRDHUP | (full ? EPOLLOUT : 0U),
		.data.ptr = s,
	};
	s->polls_out = full;
	if (epoll_ctl(pub->epoll, EPOLL_CTL_MOD, s->conn->fd, &ev) != 0)
		finish(s, 0);
	else if (!full && s->due)
		pub->look = 1;
}

/* Says the last word, if one is missing. */
static void
end(struct stream *s, int64_t ticks)
{
	struct err e = { .code = ERR_NONE };
	if (!s->ending && s->kind == STREAM_CHANGES &&
	    stream_tell(s, NULL, NULL, NULL, &e) != 0) {
		finish(s, 0);
		return;
	}
	stream_end(s);
	flush(s, ticks);
}

static void
admit(struct publish *pub, struct stream *s, int64_t ticks)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP,
		.data.ptr = s };
	list_add(pub, s);
	/* what was committed since the handler looked */
	s->due = pub->look = 1;
	s->check = all_checks(pub);
	s->spoke_at = ticks;
	stream_say(s, buf_str(&s->first));
	buf_free(&s->first);
	if (epoll_ctl(pub->epoll, EPOLL_CTL_ADD, s->conn->fd, &ev) != 0)
		finish(s, 0);
	else
		flush(s, ticks);
}

/* ---- the thread ---------------------------------------------------------- */

static int
match_new(struct publish *pub, struct store *store, struct err *e)
{
	int64_t newest;
	if (store_change_max(store, &newest, e) != 0)
		return -1;
	/* fewer than before: another database has taken the file's place */
	if (pub->seen < 0 || newest < pub->seen ||
	    newest - pub->seen > MATCH_MAX)
		match_all(pub);
	else if (newest > pub->seen &&
	    store_change_after(
		store, pub->seen, MATCH_MAX, match_change, pub, e) != 0)
		return -1;
	pub->seen = newest;
	return 0;
}

/* Passes that were taken back meanwhile. Where the database is not the one it
 * was, match_new has everybody look. */
static int
match_passes(struct publish *pub, struct store *store, struct err *e)
{
	int64_t newest;
	if (store_pass_max(store, &newest, e) != 0 ||
	    (pub->seen_pass >= 0 && newest > pub->seen_pass &&
		store_pass_after(
		    store, pub->seen_pass, MATCH_MAX, match_pass, pub, e) != 0))
		return -1;
	pub->seen_pass = newest;
	return 0;
}

/* No change tells of a sale that gives nothing yet: the events do, each of them
 * where sales wait for the platform by a setting. */
static int
match_sales(struct publish *pub, struct store *store, struct err *e)
{
	int64_t newest;
	if (!confirming_is_usual(&pub->o.config->rules))
		return 0;
	if (store_event_max(store, &newest, e) != 0 ||
	    (pub->seen_event >= 0 && newest > pub->seen_event &&
		store_purchase_waiting_after(store, pub->seen_event, MATCH_MAX,
		    match_sale, pub, e) != 0))
		return -1;
	pub->seen_event = newest;
	return 0;
}

static void
say_failed(struct publish *pub, int64_t ticks, const struct err *e)
{
	if (pub->logged_at == 0 || ticks - pub->logged_at > LOG_EVERY_MS) {
		log_line(LOG_ERROR, "streams: %s", e->text);
		pub->logged_at = ticks;
	}
}

static int
tell_all(struct publish *pub, struct store *store, int64_t ticks, struct err *e)
{
	struct stream *next;
	for (struct stream *s = pub->live; s != NULL; s = next) {
		next = s->live_next;
		if (s->kind == STREAM_CHANGES && s->sent < pub->seen)
			set_due(pub, s);
		int is_due = s->due;
		/* a slow one is told when it has taken what it has */
		if (!is_due || s->ending || !stream_is_empty(s))
			continue;
		arena_reset(pub->arena);
		e->code = ERR_NONE;
		int64_t sent = s->sent;
		int rc = stream_tell(s, store, pub->o.config, pub->arena, e);
		if (rc != 0 && e->code != ERR_MEMORY)
			return -1;
		/* too much for one answer: nobody else waits for it */
		if (rc != 0) {
			say_failed(pub, ticks, e);
			finish(s, 0);
			continue;
		}
		s->due = 0;
		/* looked at for nothing */
		if (s->sent == sent && !s->ending)
			s->news = (struct commit_mark){ 0 };
		flush(s, ticks);
	}
	return 0;
}

/* All from one snapshot, so that what is told and what is taken for told fit
 * each other. A failure leaves all as it is, for the next time. */
static void
look(struct publish *pub, int64_t ticks)
{
	struct err e = { .code = ERR_NONE };
	struct readers *r = pub->o.readers;
	pub->look = 0;
	pub->mark.committed = atomic_exchange(&pub->committed, 0);
	pub->mark.came =
	    pub->mark.committed == 0 ? 0 : atomic_exchange(&pub->came, 0);
	if (pub->live == NULL) {
		pub->seen = pub->seen_pass = pub->seen_event = -1;
		return;
	}
	struct store *store = readers_get(r, pub->o.reader, &e);
	int rc = store == NULL ? -1 : store_begin_read(store, &e);
	if (rc == 0) {
		rc = match_new(pub, store, &e);
		if (rc == 0)
			rc = match_passes(pub, store, &e);
		if (rc == 0)
			rc = match_sales(pub, store, &e);
		if (rc == 0)
			rc = tell_all(pub, store, ticks, &e);
		store_rollback(store);
	}
	if (rc != 0) {
		say_failed(pub, ticks, &e);
		readers_drop(r, pub->o.reader);
	}
	readers_put(r, pub->o.reader);
}

/* What is due by the clock. */
static void
tick_one(struct publish *pub, struct stream *s, int64_t ticks, int64_t now)
{
	if (s->full_at != 0 && ticks - s->full_at >= pub->o.full_ms) {
		finish(s, 0);
	} else if (s->ending) {
		return;
	} else if (s->kind == STREAM_CHANGES) {
		if (ticks >= s->until)
			end(s, ticks);
	} else if (now >= s->ends) {
		end(s, ticks);
	} else if (stream_is_empty(s) &&
	    ticks - s->spoke_at >= pub->o.heartbeat_ms) {
		stream_say(s, STR(":\n\n"));
		flush(s, ticks);
	}
}

static void
tick(struct publish *pub, int64_t ticks)
{
	struct stream *next;
	int64_t now = time_now();
	for (struct stream *s = pub->live; s != NULL; s = next) {
		next = s->live_next;
		tick_one(pub, s, ticks, now);
	}
}

static void
stop_all(struct publish *pub, int64_t ticks)
{
	struct stream *next;
	if (pub->stop_at == 0)
		pub->stop_at = ticks + PUBLISH_STOP_MS;
	for (struct stream *s = pub->live; s != NULL; s = next) {
		next = s->live_next;
		s->conn->keep = 0;
		if (ticks >= pub->stop_at)
			finish(s, 0);
		else if (!s->ending)
			end(s, ticks);
	}
}

/* Takes over what was parked meanwhile. 1: it is time to end. */
static int
take_incoming(struct publish *pub, int64_t ticks)
{
	pthread_mutex_lock(&pub->lock);
	struct stream *s = pub->incoming, *next;
	pub->incoming = NULL;
	int stopping = pub->stopping;
	pub->ended = stopping && s == NULL && pub->live == NULL &&
	    (pub->n == 0 || (pub->stop_at != 0 && ticks >= pub->stop_at));
	int ended = pub->ended;
	pthread_mutex_unlock(&pub->lock);
	for (; s != NULL; s = next) {
		next = s->live_next;
		admit(pub, s, ticks);
	}
	if (stopping)
		stop_all(pub, ticks);
	return ended;
}

static void
take_event(struct publish *pub, const struct epoll_event *ev, int64_t ticks)
{
	uint64_t count;
	if (ev->data.ptr == &pub->wake) {
		pub->look = 1;
		if (read(pub->wake, &count, sizeof(count)) < 0)
			return;
	} else if ((ev->events & ~(uint32_t)EPOLLOUT) != 0) {
		/* gone; or it sends something, which nobody may do who waits
		 * for an answer but to abort the request */
		finish(ev->data.ptr, 0);
	} else {
		flush(ev->data.ptr, ticks);
	}
}

void *
publisher_main(void *arg)
{
	struct publish *pub = arg;
	struct epoll_event ev[EVENTS];
	int ms = -1;
	for (;;) {
		int n = epoll_wait(pub->epoll, ev, EVENTS, ms);
		int64_t ticks = time_ticks();
		for (int i = 0; i < n; i++)
			take_event(pub, &ev[i], ticks);
		if (take_incoming(pub, ticks))
			return NULL;
		int is_tick = ticks >= pub->tick_at;
		if (pub->look || ticks >= pub->look_at) {
			look(pub, ticks);
			pub->look_at = ticks +
			    (store_is_url(pub->o.config->database)
				    ? PUBLISH_LOOK_MS
				    : pub->o.poll_ms);
		}
		if (is_tick) {
			tick(pub, ticks);
			pub->tick_at = ticks + pub->o.poll_ms;
		}
		ms = atomic_load(&pub->waiting) > 0 ? pub->o.poll_ms : -1;
		if (pub->look || pub->stop_at != 0)
			ms = 1;
	}
}

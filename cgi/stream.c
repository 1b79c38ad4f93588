#include "cgi/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/time.h"
#include "cgi/changes.h"
#include "cgi/conn.h"
#include "cgi/live.h"

static int
copy(struct str *to, struct str from)
{
	char *p = malloc(from.n + 1);
	if (p == NULL)
		return -1;
	memcpy(p, from.p, from.n);
	*to = (struct str){ p, from.n };
	return 0;
}

static int
copy_key(struct stream *s, const struct stream_opts *o)
{
	const struct access_key *from = o->key;
	int is_buyer = from->by == STORE_BY_BUYER;
	s->key = (struct access_key){ .by = from->by, .word = from->word };
	if (copy(&s->key.value, from->value) != 0 ||
	    copy(&s->key.id, from->id) != 0 ||
	    (is_buyer && copy(&s->key.platform, from->platform) != 0))
		return -1;
	s->match = is_buyer ? s->key.value : s->key.id;
	return crypto_sha256(o->pass, s->pass);
}

struct stream *
stream_new(const struct stream_opts *o)
{
	struct stream *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->kind = o->kind;
	s->sent = o->sent;
	s->ends = o->ends;
	s->until = time_ticks() + o->wait_ms;
	buf_init(&s->first, STREAM_OUT_MAX);
	buf_init(&s->out, STREAM_OUT_MAX);
	if (o->kind == STREAM_LIVE && copy_key(s, o) != 0) {
		stream_free(s);
		return NULL;
	}
	return s;
}

static void
free_text(struct str s)
{
	/* ours, see copy() */
	free((void *)(uintptr_t)s.p);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	free_text(s->key.value);
	free_text(s->key.id);
	free_text(s->key.platform);
	buf_free(&s->first);
	buf_free(&s->out);
	free(s);
}

void
stream_say(struct stream *s, struct str bytes)
{
	frame_stdout(&s->out, s->conn->id, bytes);
}

void
stream_end(struct stream *s)
{
	if (!s->ending)
		frame_finish(&s->out, s->conn->id);
	s->ending = 1;
}

static int
tell_events(struct stream *s, struct store *store,
    const struct tier_rules *rules, struct arena *a, struct err *e)
{
	const struct live_ask ask = {
		.key = &s->key, .after = s->sent, .now = time_now()
	};
	struct buf b;
	buf_init(&b, REPLY_BODY_MAX);
	int rc = live_events(store, rules, &ask, a, &b, &s->sent, e);
	if (rc == 0 && !buf_ok(&b))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0)
		stream_say(s, buf_str(&b));
	buf_free(&b);
	return rc;
}

/* A whole answer, as a handler would have given it. */
static int
tell_changes(struct stream *s, struct store *store, struct err *e)
{
	struct reply p;
	struct buf head;
	int64_t last;
	buf_init(&head, REPLY_HEAD_MAX);
	reply_init(&p);
	reply_reset(&p, NULL);
	int rc = changes_page(store, s->sent, reply_json(&p, 200), &last, e);
	if (rc == 0 && (!reply_ok(&p) || reply_head(&p, &head) != 0))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0 && (store == NULL || last > s->sent)) {
		stream_say(s, buf_str(&head));
		stream_say(s, buf_str(&p.body));
		stream_end(s);
	}
	reply_free(&p);
	buf_free(&head);
	return rc;
}

int
stream_tell(struct stream *s, struct store *store,
    const struct tier_rules *rules, struct arena *a, struct err *e)
{
	return s->kind == STREAM_LIVE ? tell_events(s, store, rules, a, e)
				      : tell_changes(s, store, e);
}

int
stream_is_empty(const struct stream *s)
{
	return s->written == s->out.n;
}

static void
forget_written(struct stream *s)
{
	s->written = 0;
	s->full_at = 0;
	/* thousands of idle streams keep no memory for it */
	buf_free(&s->out);
}

int
stream_flush(struct stream *s, int64_t ticks)
{
	if (!buf_ok(&s->out))
		return -1;
	while (!stream_is_empty(s)) {
		ssize_t n = send(s->conn->fd, s->out.p + s->written,
		    s->out.n - s->written, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (s->full_at == 0)
				s->full_at = ticks;
			return 0;
		}
		if (n < 0)
			return -1;
		s->written += (size_t)n;
		s->spoke_at = ticks;
	}
	forget_written(s);
	return 0;
}

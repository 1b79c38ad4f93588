#include "cgi/ask/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/time.h"
#include "cgi/ask/changes_page.h"
#include "cgi/server/conn.h"
#include "cgi/ask/live_events.h"

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
copy_key(struct stream *s, const struct pass *pass)
{
	struct stream_key *to = &s->keys[s->n_keys++];
	const struct access_key *from = &pass->key;
	int is_buyer = from->by == STORE_BY_BUYER;
	*to = (struct stream_key){ .stream = s, .made = pass->made };
	to->key = (struct access_key){ .by = from->by, .word = from->word };
	if (copy(&to->key.value, from->value) != 0 ||
	    copy(&to->key.id, from->id) != 0 ||
	    (is_buyer && copy(&to->key.platform, from->platform) != 0))
		return -1;
	to->match = is_buyer ? to->key.value : to->key.id;
	return 0;
}

static int
copy_keys(struct stream *s, const struct stream_opts *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (copy_key(s, &o->passes[i]) != 0)
			return -1;
	return crypto_sha256(o->token, s->pass);
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
	s->has_tier = o->has_tier;
	s->confirming = o->confirming;
	network_of(o->peer, &s->network);
	s->until = time_ticks() + o->wait_ms;
	buf_init(&s->first, STREAM_OUT_MAX);
	buf_init(&s->out, STREAM_OUT_MAX);
	if (o->kind == STREAM_LIVE && copy_keys(s, o) != 0) {
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
	for (size_t i = 0; i < s->n_keys; i++) {
		free_text(s->keys[i].key.value);
		free_text(s->keys[i].key.id);
		free_text(s->keys[i].key.platform);
	}
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

/* Whose passes were taken back is told of no more; with none left it is over.
 * *news: of the others is. */
static int
check_passes(struct stream *s, struct store *store, int *news, struct err *e)
{
	int left = 0;
	for (size_t i = 0; i < s->n_keys; i++) {
		struct stream_key *k = &s->keys[i];
		int64_t from;
		if (pass_valid_from(store, &k->key, &from, e) != 0)
			return -1;
		*news |= !k->over && k->made <= from;
		k->over = k->made <= from;
		left += !k->over;
	}
	if (left == 0)
		s->ends = 0;
	return 0;
}

static int
tell_events(struct stream *s, struct store *store, const struct config *config,
    struct arena *a, struct err *e)
{
	const struct access_key *keys[LIVE_KEYS_MAX];
	struct live_ask ask = { .keys = keys,
		.after = s->sent,
		.sales = (s->check & STREAM_SALES) != 0,
		.confirming = s->confirming,
		.now = time_now() };
	struct live_told told = { .sent = s->sent,
		.confirming = s->confirming };
	struct buf b;
	if ((s->check & STREAM_PASSES) != 0 &&
	    check_passes(s, store, &ask.always, e) != 0)
		return -1;
	for (size_t i = 0; i < s->n_keys; i++)
		if (!s->keys[i].over)
			keys[ask.n++] = &s->keys[i].key;
	buf_init(&b, REPLY_BODY_MAX);
	int rc =
	    ask.n == 0 ? 0 : live_events(store, config, &ask, a, &b, &told, e);
	if (rc == 0 && !buf_ok(&b))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0) {
		stream_say(s, buf_str(&b));
		s->check = 0;
	}
	/* what was told of somebody who is over is not told again */
	if (told.sent > s->sent)
		s->sent = told.sent;
	s->confirming = told.confirming;
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
stream_tell(struct stream *s, struct store *store, const struct config *config,
    struct arena *a, struct err *e)
{
	return s->kind == STREAM_LIVE ? tell_events(s, store, config, a, e)
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

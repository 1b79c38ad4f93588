/* FastCGI records: our check of them against what libfcgi then reads. */
#include "cgi/server/frame.h"

#include "cgi/server/io.h"
#include "fuzz.h"

enum { BODY_MAX = 4096, REQUESTS_MAX = 16 };

/* What frame_feed says of bytes that come step by step. */
struct seen {
	enum frame_answer answer;
	size_t used;
	struct frame f;
};

static void
feed(struct str s, size_t step, struct seen *out)
{
	frame_init(&out->f, BODY_MAX);
	out->used = 0;
	out->answer = FRAME_MORE;
	while (out->used < s.n && out->answer == FRAME_MORE) {
		size_t left = s.n - out->used, took;
		size_t n = left < step ? left : step;
		/* a copy, so that a read past it is seen */
		char *p = malloc(n);
		memcpy(p, s.p + out->used, n);
		out->answer = frame_feed(&out->f, p, n, &took);
		free(p);
		HOLD(took <= n && (out->answer != FRAME_MORE || took == n));
		out->used += took;
	}
	HOLD(out->f.taken == out->used || out->answer != FRAME_MORE);
}

static void
check_steps(const struct seen *whole, struct str s)
{
	static const size_t steps[] = { 1, 7, 8, 13 };
	for (size_t i = 0; i < 4; i++) {
		struct seen one;
		feed(s, steps[i], &one);
		HOLD(one.answer == whole->answer);
		/* what is wrong is wrong at one place or the other */
		if (one.answer == FRAME_WRONG)
			continue;
		HOLD(one.used == whole->used && one.f.id == whole->f.id);
		HOLD(one.f.body == whole->f.body);
		HOLD(one.f.too_large == whole->f.too_large);
		HOLD(one.f.keep_conn == whole->f.keep_conn);
	}
}

/* libfcgi finds in a whole request just what we let through. */
static void
check_decoded(struct io *io, const struct seen *w, struct str s)
{
	uint8_t end[FRAME_HEADER];
	struct buf b;
	struct request r;
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	buf_init(&b, 64 * 1024 * 1024);
	buf_add(&b, s.p, w->f.too_large ? w->f.head : w->used);
	if (w->f.too_large || w->f.authorizer) {
		frame_end_record(&w->f, end);
		buf_add(&b, end, sizeof(end));
	}
	size_t body = w->f.too_large || w->f.authorizer ? 0 : w->f.body;
	HOLD(io_read(io, buf_str(&b), body, a, &r) == 0);
	HOLD(r.body.n == body);
	/* FCGI_ROLE is libfcgi's own */
	size_t n = 0;
	for (; r.params[n] != NULL; n++)
		HOLD(strchr(r.params[n], '=') != NULL);
	HOLD(n == w->f.pairs + 1 && n <= FRAME_PARAMS_COUNT + 1);
	HOLD(r.n_segments <= REQUEST_SEGMENTS_MAX);
	io_end(io);
	arena_free(a);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct io *io;
	struct str s = fuzz_input(data, n);
	if (io == NULL)
		HOLD(io_init(NULL) == 0 && (io = io_new(NULL)) != NULL);
	for (int i = 0; i < REQUESTS_MAX && s.n > 0; i++) {
		struct seen whole;
		feed(s, s.n, &whole);
		check_steps(&whole, s);
		if (whole.answer != FRAME_WHOLE)
			break;
		check_decoded(io, &whole, s);
		s.p += whole.used;
		s.n -= whole.used;
	}
	return 0;
}

#include "test.h"

#include "cgi/server/frame.h"
#include "fcgi.h"

enum { BODY_MAX = 1000 };

static struct buf b; /* the bytes of the case */

static void
fresh(void)
{
	buf_free(&b);
	buf_init(&b, T_BUF_MAX);
}

/* Feeds all of b in pieces of at most step bytes. */
static enum frame_answer
feed(struct frame *f, size_t step, size_t *taken)
{
	enum frame_answer answer = FRAME_MORE;
	size_t used;
	frame_init(f, BODY_MAX);
	*taken = 0;
	while (*taken < b.n && answer == FRAME_MORE) {
		size_t n = b.n - *taken < step ? b.n - *taken : step;
		answer = frame_feed(f, b.p + *taken, n, &used);
		*taken += used;
	}
	return answer;
}

/* The same answer however the bytes are cut: whole, by seven, one by one. */
static void
expect(enum frame_answer want, const char *why, const char *what)
{
	static const size_t steps[] = { T_BUF_MAX, 7, 1 };
	int ok = 1;
	struct frame f = { 0 };
	for (size_t i = 0; i < 3; i++) {
		size_t taken;
		ok = ok && feed(&f, steps[i], &taken) == want &&
		    (want != FRAME_WRONG || strcmp(f.why, why) == 0);
	}
	OK(ok, "%s", what);
	if (!ok && f.why != NULL)
		printf("# why: %s\n", f.why);
}

static void
wrong(const char *why)
{
	expect(FRAME_WRONG, why, why);
}

static void
test_valid(void)
{
	struct frame f;
	size_t taken, used;
	test_group("valid");
	fresh();
	t_request(&b, 258, 1, "POST", "/hooks/gank", "hello", 5);
	OK(feed(&f, T_BUF_MAX, &taken) == FRAME_WHOLE && taken == b.n,
	    "in one piece");
	OK(f.body == 5 && f.keep_conn && !f.too_large && !f.authorizer,
	    "what it says of it");
	int ok = 1;
	for (size_t cut = 1; cut < b.n; cut++) {
		frame_init(&f, BODY_MAX);
		ok = ok && frame_feed(&f, b.p, cut, &used) == FRAME_MORE &&
		    used == cut &&
		    frame_feed(&f, b.p + cut, b.n - cut, &used) ==
			FRAME_WHOLE &&
		    used == b.n - cut && f.taken == b.n && f.body == 5;
	}
	OK(ok, "cut in two at every byte");
	OK(feed(&f, 1, &taken) == FRAME_WHOLE && taken == b.n, "byte by byte");
	size_t first = b.n;
	t_request(&b, 1, 0, "GET", "/healthz", "", 0);
	OK(feed(&f, T_BUF_MAX, &taken) == FRAME_WHOLE && taken == first,
	    "the next request's bytes are left");
	frame_init(&f, BODY_MAX);
	OK(frame_feed(&f, b.p + first, b.n - first, &used) == FRAME_WHOLE &&
		!f.keep_conn,
	    "and make the next request");
	fresh();
	t_begin(&b, 1, 2, 0);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	OK(feed(&f, 1, &taken) == FRAME_WHOLE && f.authorizer,
	    "an authorizer's ends with its parameters");
}

static void
test_order(void)
{
	test_group("order");
	fresh();
	t_record(&b, T_GET_VALUES, 0, "", 0, 0);
	wrong("a management record");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_GET_VALUES, 0, "", 0, 0);
	expect(FRAME_WRONG, "a management record", "management after BEGIN");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	t_record(&b, T_STDIN, 1, "abc", 3, 0);
	t_record(&b, T_GET_VALUES, 0, "x", 1, 0);
	expect(FRAME_WRONG, "a management record", "management inside STDIN");
	fresh();
	t_begin(&b, 0, 1, 0);
	expect(FRAME_WRONG, "a management record", "BEGIN with id 0");
	fresh();
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	wrong("a record before BEGIN_REQUEST");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_begin(&b, 1, 1, 0);
	expect(FRAME_WRONG, "not PARAMS after BEGIN_REQUEST", "two BEGINs");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	t_begin(&b, 1, 1, 0);
	expect(FRAME_WRONG, "not STDIN after PARAMS", "BEGIN for STDIN");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_begin(&b, 2, 1, 0);
	wrong("another request's id");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_STDIN, 1, "", 0, 0);
	expect(FRAME_WRONG, "not PARAMS after BEGIN_REQUEST", "STDIN first");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	t_record(&b, 8, 1, "", 0, 0);
	expect(FRAME_WRONG, "not STDIN after PARAMS", "DATA");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_ABORT, 1, "", 0, 0);
	expect(FRAME_ABORTED, "", "abort");
	fresh();
	t_record(&b, T_ABORT, 1, "", 0, 0);
	expect(FRAME_ABORTED, "", "abort of an answered request");
}

static void
test_headers(void)
{
	test_group("headers");
	fresh();
	t_begin(&b, 1, 1, 0);
	b.p[0] = 2;
	wrong("not version 1");
	fresh();
	t_begin(&b, 1, 3, 0);
	wrong("neither responder nor authorizer");
	fresh();
	t_record(&b, T_BEGIN, 1, NULL, 9, 0);
	wrong("BEGIN_REQUEST is not 8 bytes long");
	fresh();
	t_record(&b, T_BEGIN, 1, "\0\1\0\0\0\0\0\0", 8, 8);
	wrong("padding of BEGIN_REQUEST");
	fresh();
	t_record(&b, T_BEGIN, 1, NULL, 65535, 0);
	wrong("BEGIN_REQUEST is not 8 bytes long");
}

static void
params(const void *p, size_t n)
{
	fresh();
	t_begin(&b, 1, 1, 0);
	t_stream(&b, T_PARAMS, 1, p, n, 16);
}

static void
test_params(void)
{
	static char many[FRAME_PARAMS_MAX + 1];
	test_group("params");
	params("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
	wrong("a parameter is longer than all may be");
	params("\x80\x00\x00\x01\x80\x01\x00\x00", 8);
	wrong("a parameter is longer than all may be");
	fresh();
	t_begin(&b, 1, 1, 0);
	t_record(&b, T_PARAMS, 1,
	    "\x01\x01"
	    "ab",
	    4, 3);
	t_record(&b, T_PARAMS, 1, "", 0, 8);
	wrong("padding of the empty PARAMS");
	params("\x05\x05"
	       "ab",
	    4);
	wrong("PARAMS end inside a parameter");
	params("\x05", 1);
	expect(FRAME_WRONG, "PARAMS end inside a parameter", "inside a length");
	params("\x02\x02"
	       "a=bc",
	    6);
	wrong("a = in a parameter's name");
	params("\x02\x02"
	       "aab\0",
	    6);
	wrong("a NUL in a parameter");
	params("\x02\x02"
	       "\0aab",
	    6);
	expect(FRAME_WRONG, "a NUL in a parameter", "a NUL in a name");
	params("\x01\x00"
	       "a"
	       "\x01\x03"
	       "bb=c"
	       "\x00\x00",
	    11);
	expect(FRAME_MORE, "", "empty values and pairs are pairs");

	/* 512 empty pairs are two bytes each */
	memset(many, 0, sizeof(many));
	params(many, (size_t)2 * FRAME_PARAMS_COUNT);
	expect(FRAME_MORE, "", "512 parameters");
	params(many, (size_t)2 * FRAME_PARAMS_COUNT + 2);
	wrong("too many parameters");

	struct buf big;
	buf_init(&big, T_BUF_MAX);
	t_length(&big, 1);
	t_length(&big, FRAME_PARAMS_MAX - 6);
	buf_addc(&big, 'n');
	memset(buf_room(&big, FRAME_PARAMS_MAX - 6), 'v', FRAME_PARAMS_MAX - 6);
	params(big.p, big.n);
	expect(FRAME_MORE, "", "64 KiB of parameters");
	buf_addc(&big, '\0');
	params(big.p, big.n);
	wrong("too many bytes of parameters");
	buf_free(&big);

	fresh();
	t_begin(&b, 1, 1, 0);
	for (int i = 0; i < 1000; i++)
		t_record(&b, T_PARAMS, 1, "\0", 1, 255);
	wrong("too many bytes before the body");
}

/* A request with so much STDIN, in records of that size. */
static void
body(size_t n, size_t step)
{
	static char bytes[4 * 1024 * 1024];
	fresh();
	t_begin(&b, 1, 1, 1);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	t_stream(&b, T_STDIN, 1, bytes, n, step);
}

static void
test_body(void)
{
	struct frame f;
	size_t taken;
	test_group("body");
	body(BODY_MAX, 300);
	OK(feed(&f, 7, &taken) == FRAME_WHOLE && !f.too_large &&
		f.body == BODY_MAX,
	    "up to the limit");
	body(BODY_MAX + 1, 300);
	OK(feed(&f, 7, &taken) == FRAME_WHOLE && f.too_large && taken == b.n,
	    "past it: too large, and framed to its end");
	OK(f.head == 24, "the head is 24 bytes");
	uint8_t end[FRAME_HEADER];
	frame_end_record(&f, end);
	OK(memcmp(end, "\1\5\0\1\0\0\0\0", 8) == 0, "an end for it");
	size_t first = b.n;
	t_request(&b, 1, 0, "GET", "/", "", 0);
	OK(feed(&f, T_BUF_MAX, &taken) == FRAME_WHOLE && taken == first,
	    "what follows a dropped body is not part of it");
	/* one content byte in 263 on the wire */
	fresh();
	t_begin(&b, 1, 1, 1);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	for (int i = 0; i < 900; i++)
		t_record(&b, T_STDIN, 1, "x", 1, 255);
	t_record(&b, T_STDIN, 1, "", 0, 0);
	OK(feed(&f, T_BUF_MAX, &taken) == FRAME_WHOLE && f.too_large,
	    "padding cannot fill the memory");
	fresh();
	t_begin(&b, 1, 1, 1);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	static char block[T_RECORD_MAX];
	for (int i = 0; i < 258; i++)
		t_record(&b, T_STDIN, 1, block, sizeof(block), 0);
	wrong("a body without end");
}

/* A body that holds a whole request of its own: unread, it would be the
 * connection's next request. */
static void
test_smuggling(void)
{
	struct frame f;
	struct buf inner;
	size_t taken;
	test_group("smuggling");
	buf_init(&inner, T_BUF_MAX);
	t_request(&inner, 1, 1, "POST", "/v1/passes", "", 0);
	fresh();
	t_request(&b, 1, 1, "POST", "/", inner.p, inner.n);
	OK(feed(&f, T_BUF_MAX, &taken) == FRAME_WHOLE && taken == b.n &&
		f.body == inner.n,
	    "records in a body are the body");
	fresh();
	t_begin(&b, 1, 1, 1);
	t_record(&b, T_PARAMS, 1, "", 0, 0);
	for (int i = 0; i < 20; i++)
		t_record(&b, T_STDIN, 1, inner.p, inner.n, 0);
	t_record(&b, T_STDIN, 1, "", 0, 0);
	OK(feed(&f, 7, &taken) == FRAME_WHOLE && taken == b.n && f.too_large,
	    "also when the body is dropped");
	buf_free(&inner);
}

/* What is written piece by piece is the same stream however it is cut. */
static void
test_writing(void)
{
	struct buf out, want;
	static char big[70000];
	static const char end[8];
	test_group("writing");
	buf_init(&out, T_BUF_MAX);
	buf_init(&want, T_BUF_MAX);
	frame_stdout(&out, 258, STR("abc"));
	t_record(&want, T_STDOUT, 258, "abc", 3, 0);
	frame_stdout(&out, 258, STR(""));
	OK(out.n == want.n && memcmp(out.p, want.p, out.n) == 0,
	    "a record; an empty one would end the stream");
	frame_stdout(&out, 258, (struct str){ big, sizeof(big) });
	t_record(&want, T_STDOUT, 258, big, 65528, 0);
	t_record(&want, T_STDOUT, 258, big, sizeof(big) - 65528, 0);
	OK(out.n == want.n && memcmp(out.p, want.p, out.n) == 0,
	    "more than a record holds");
	frame_finish(&out, 258);
	t_record(&want, T_STDOUT, 258, "", 0, 0);
	t_record(&want, T_END, 258, end, sizeof(end), 0);
	OK(out.n == want.n && memcmp(out.p, want.p, out.n) == 0, "the end");
	buf_free(&out);
	buf_free(&want);
}

int
main(void)
{
	test_valid();
	test_order();
	test_headers();
	test_params();
	test_body();
	test_smuggling();
	test_writing();
	buf_free(&b);
	return test_end();
}

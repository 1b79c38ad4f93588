#include "test.h"

#include "base/buf.h"
#include "base/json.h"

static struct arena *arena;

/* What the text reads as, printed back compact; the reason when refused. */
static const char *
read_back(struct str text, int flags)
{
	static char out[4096];
	const char *reason;
	struct err e = { 0 };
	arena_reset(arena);
	json_t *v = json_load_strict(arena, text, flags, &reason, &e);
	if (v == NULL)
		return reason == NULL ? "no memory" : reason;
	size_t n = json_dumpb(
	    v, out, sizeof(out) - 1, JSON_COMPACT | JSON_PRESERVE_ORDER);
	out[n < sizeof(out) ? n : 0] = '\0';
	json_decref(v);
	return reason == NULL ? out : "a reason was set";
}

/* READS("text", "as this or for this reason") */
#define READS(text, want) READS_WITH(text, 0, want)
#define READS_WITH(text, flags, want) \
	IS(str_from(read_back(STR(text), flags)), want, #text)

static void
test_words(void)
{
	test_group("reasons");
	READS("{}", "{}");
	READS(" \t\r\n{ \"a\" : [ ] } \n", "{\"a\":[]}");
	READS("", "not_json");
	READS("  ", "not_json");
	READS("{", "not_json");
	READS("{}}", "not_json");
	READS("{} {}", "not_json");
	READS("{}\0", "not_json");
	READS("\0{}", "not_json");
	READS("\xEF\xBB\xBF{}", "not_json");
	READS("{\"a\":1,}", "not_json");
	READS("{a:1}", "not_json");
	READS("{'a':1}", "not_json");
	READS("{\"a\":\"\n\"}", "not_json");
	READS("{\"a\":\"\0\"}", "not_json");
	READS("{\"a\":\"x", "not_json");
	READS("{\"a\":\"x\\", "not_json");
	READS("{\"a\":\"\\x\"}", "not_json");
	READS("{\"a\":\"\\u12g4\"}", "not_json");
	READS("{\"a\":\"\\u12\"}", "not_json");
	READS("{\"a\":NaN}", "not_json");
	READS("{\"a\":1 /* */}", "not_json");
	READS("[]", "not_object");
	READS("null", "not_object");
	READS("\"{}\"", "not_object");
	READS("1e999", "not_object");
	READS("{\"a\":\"\xFF\"}", "not_utf8");
	READS("{\"a\":\"\xED\xA0\x80\"}", "not_utf8");
	READS("\xC0\xAF", "not_utf8");
	READS("{\"a\":1,\"a\":1}", "duplicate_key");
	READS("{\"a\":{\"b\":1,\"\\u0062\":2}}", "duplicate_key");
	READS("{\"a\":[{\"b\":1,\"b\":2}]}", "duplicate_key");
}

static void
test_escapes(void)
{
	test_group("escapes");
	READS("{\"a\":\"\\ud83c\\udf89\"}", "{\"a\":\"\xF0\x9F\x8E\x89\"}");
	READS("{\"a\":\"\\uD83C\\uDF89\"}", "{\"a\":\"\xF0\x9F\x8E\x89\"}");
	READS("{\"a\":\"x\\ud83cy\"}", "{\"a\":\"x\xEF\xBF\xBDy\"}");
	READS("{\"a\":\"x\\udf89y\"}", "{\"a\":\"x\xEF\xBF\xBDy\"}");
	READS("{\"a\":\"\\ud83c\"}", "{\"a\":\"\xEF\xBF\xBD\"}");
	READS("{\"a\":\"\\ud83c\\ud83c\\udf89\"}",
	    "{\"a\":\"\xEF\xBF\xBD\xF0\x9F\x8E\x89\"}");
	READS("{\"a\":\"\\udf89\\ud83c\"}",
	    "{\"a\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
	READS("{\"a\":\"\\ud83c\\u0000\"}",
	    "{\"a\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
	READS("{\"a\":\"\\ud83c\\n\"}", "{\"a\":\"\xEF\xBF\xBD\\n\"}");
	READS("{\"\\ud83c\":1}", "{\"\xEF\xBF\xBD\":1}");
	READS("{\"\\udc00\\u0000\" : 1}", "{\"\xEF\xBF\xBD\xEF\xBF\xBD\":1}");
	READS("{\"\\ud83c\":1,\"\\u0000\":2}", "duplicate_key");
	READS("{\"a\":\"\\\\ud83c\"}", "{\"a\":\"\\\\ud83c\"}");
	READS("{\"a\":\"\\\\\\ud83c\"}", "{\"a\":\"\\\\\xEF\xBF\xBD\"}");
	READS("{\"a\":\"\\\"\\u0000\"}", "{\"a\":\"\\\"\xEF\xBF\xBD\"}");
	READS("{\"a\":\"n\\u0000l\"}", "{\"a\":\"n\xEF\xBF\xBDl\"}");
	READS_WITH(
	    "{\"a\":\"n\\u0000l\"}", JSON_KEEP_NUL, "{\"a\":\"n\\u0000l\"}");
	READS_WITH("{\"k\\u0000\" \n:[\"\\u0000\\ud800\"]}", JSON_KEEP_NUL,
	    "{\"k\xEF\xBF\xBD\":[\"\\u0000\xEF\xBF\xBD\"]}");
}

static void
test_numbers(void)
{
	test_group("numbers");
	READS("{\"a\":9223372036854775807}", "{\"a\":9223372036854775807}");
	READS("{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808}");
	READS("{\"a\":[9223372036854775808,2]}", "{\"a\":[1e308,2]}");
	READS("{\"a\":-9223372036854775809}", "{\"a\":-1e308}");
	READS("{\"a\":1e400}", "{\"a\":1e308}");
	READS("{\"a\":[-2E+308,1]}", "{\"a\":[-1e308,1]}");
	READS("{\"a\":2e308}", "{\"a\":1e308}");
	READS("{\"a\":1e-400}", "{\"a\":0.0}");
	READS("{\"a\":-0}", "{\"a\":0}");
	READS("{\"a\":1.5e2}", "{\"a\":150.0}");
	READS("{\"a\":\"1e400\"}", "{\"a\":\"1e400\"}");
	READS("{\"1e400\":1}", "{\"1e400\":1}");
	READS("{\"a\":012345678901234567890}", "not_json");
	READS("{\"a\":12345678901234567890x}", "not_json");
	READS("{\"a\":-}", "not_json");
	READS("{\"a\":1.}", "not_json");
	READS("{\"a\":.5}", "not_json");
	READS("{\"a\":1e}", "not_json");
	READS("{\"a\":+1}", "not_json");
	READS("{\"a\":0x10}", "not_json");
	READS("{\"a\":--12345678901234567890}", "not_json");
	READS("{\"a\":1e400e400}", "not_json");
	READS("{\"a\":12345678901234567890", "not_json");
	json_t *v = json_real(-1e308), *w = json_real(9e307);
	OK(json_is_beyond(v) && !json_is_beyond(w) && !json_is_beyond(NULL),
	    "beyond");
	json_decref(v);
	json_decref(w);
}

/* A text of n bytes: first, and then one byte all the way. */
static struct str
run_of(const char *first, char c, size_t n)
{
	char *p = malloc(n);
	if (p == NULL)
		abort();
	memset(p, c, n);
	memcpy(p, first, strlen(first));
	return (struct str){ p, n };
}

static void
is_run(const char *first, char c, size_t n, const char *want)
{
	struct str s = run_of(first, c, n);
	IS(str_from(read_back(s, 0)), want, "a long run of one byte");
	free((void *)(uintptr_t)s.p);
}

static struct str
nested(struct buf *b, int levels)
{
	buf_reset(b);
	buf_addz(b, "{\"a\":\"[[[\",\"b\":");
	for (int i = 1; i < levels; i++)
		buf_addc(b, '[');
	for (int i = 1; i < levels; i++)
		buf_addc(b, ']');
	buf_addc(b, '}');
	return buf_str(b);
}

static void
test_bounds(void)
{
	enum { MIB = 1 << 20 };
	struct buf b;
	struct err e = { 0 };
	const char *reason;
	test_group("bounds");
	buf_init(&b, 1000);
	OK(read_back(nested(&b, 64), 0)[0] == '{', "64 levels");
	IS(str_from(read_back(nested(&b, 65), 0)), "too_deep", "65 levels");
	buf_free(&b);
	is_run("", '[', MIB, "too_deep");
	is_run("", '{', MIB, "too_deep");
	is_run("", ']', MIB, "not_json");
	is_run("{\"a\":", '0', MIB, "not_json");
	is_run("{\"a\":", '1', MIB, "not_json");
	is_run("{\"a\":1.", '1', MIB, "not_json");
	is_run("{\"a\":", '-', MIB, "not_json");
	is_run("{\"a\":", '\\', MIB, "not_json");
	is_run("{\"a\":", '"', MIB, "not_json");
	is_run("{\"a\"", ' ', MIB, "not_json");
	is_run("", '\0', MIB, "not_json");
	struct arena *small = arena_new(100);
	struct str s = run_of("", ' ', 200);
	OK(json_load_strict(small, s, 0, &reason, &e) == NULL &&
		reason == NULL && e.code == ERR_MEMORY,
	    "no memory");
	free((void *)(uintptr_t)s.p);
	arena_free(small);
}

static void
test_helpers(void)
{
	struct str s;
	json_t *v = json_from_text(STR("a\0b")), *n = json_from_text(STR_NONE);
	test_group("helpers");
	OK(json_text(v, &s) == 0 && s.n == 3, "text");
	OK(json_is_null(n) && json_text(n, &s) != 0 && s.p == NULL, "null");
	OK(json_text(NULL, &s) != 0, "absent");
	IS(str_from(json_shape(v)), "a text", "shape");
	IS(str_from(json_shape(NULL)), "nothing", "shape of nothing");
	json_decref(v);
	json_decref(n);
}

int
main(void)
{
	arena = arena_new(4 << 20);
	if (arena == NULL)
		return 1;
	test_words();
	test_escapes();
	test_numbers();
	test_bounds();
	test_helpers();
	arena_free(arena);
	return test_end();
}

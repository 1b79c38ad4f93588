#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/network.h"
#include "base/str.h"
#include "base/time.h"

static void
test_str(void)
{
	struct str head, tail;
	test_group("str");
	OK(str_cut(STR("a=b=c"), '=', &head, &tail), "cut finds");
	IS(head, "a", "head");
	IS(tail, "b=c", "tail");
	OK(!str_cut(STR("abc"), '=', &head, &tail) && tail.p == NULL,
	    "no separator: no tail");
	OK(str_same(STR(""), STR("")) && str_same(STR_NONE, STR_NONE) &&
		!str_same(STR(""), STR_NONE) && !str_same(STR("a"), STR("b")),
	    "the same: none is not empty");
	OK(str_compare(STR("a"), STR("b")) < 0 &&
		str_compare(STR("\xFF"), STR("b")) > 0 &&
		str_compare(STR("a"), STR("ab")) < 0 &&
		str_compare(STR("ab"), STR("a")) > 0 &&
		str_compare(STR_NONE, STR("")) == 0,
	    "compared by bytes");
	int64_t v = 7;
	OK(str_int64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &v) ==
		    0 &&
		v == INT64_MAX,
	    "largest");
	OK(str_int64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &v) ==
		    0 &&
		v == INT64_MIN,
	    "smallest");
	OK(str_int64(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &v) != 0,
	    "one more");
	OK(str_int64(STR(""), 0, 9, &v) != 0 &&
		str_int64(STR("-"), -9, 9, &v) != 0 &&
		str_int64(STR("1x"), 0, 9, &v) != 0 &&
		str_int64(STR(" 1"), 0, 9, &v) != 0 &&
		str_int64(STR("10"), 0, 9, &v) != 0,
	    "not numbers");
	OK(str_duration(STR("7d"), &v) == 0 && v == 604800, "7d");
	OK(str_duration(STR("5m"), &v) == 0 && v == 300, "5m");
	OK(str_duration(STR("0"), &v) == 0 && v == 0, "0");
	OK(str_duration(STR("7 d"), &v) != 0 && str_duration(STR("d"), &v) != 0,
	    "not durations");
	OK(str_is_utf8(STR("h\xC3\xA9 \xF0\x9F\x8E\x89")), "UTF-8");
	OK(!str_is_utf8(STR("\xC0\xAF")) && !str_is_utf8(STR("\xED\xA0\x80")) &&
		!str_is_utf8(STR("\xF4\x90\x80\x80")) &&
		!str_is_utf8(STR("\xC3")),
	    "overlong, surrogate, too high, cut");
	OK(str_has_control(STR("a\nb")) && str_has_control(STR("\xC2\x9B")) &&
		!str_has_control(STR("\xC3\xA9")),
	    "control characters");
	OK(str_match_fold(STR("Influencer*"), STR("influencer (yearly)")) &&
		str_match_fold(STR("*"), STR("")) &&
		str_match_fold(STR("a?c"),
		    STR("a\xC3\xA9"
			"c")) &&
		!str_match_fold(STR("a?c"), STR("ac")) &&
		!str_match_fold(STR("[a]"), STR("a")),
	    "patterns");
	OK(!str_match_fold(STR("*??bX"), STR("\u20ACbX")) &&
		str_match_fold(STR("*?bX"), STR("\u20ACbX")) &&
		str_match_fold(STR("*bX"), STR("\u20ACbX")),
	    "a * ends between characters");
}

static void
test_arena(void)
{
	static int calls;
	test_group("arena");
	struct arena *a = arena_new(100000);
	char *p = arena_alloc(a, 50000), *q = arena_alloc(a, 40000);
	OK(p != NULL && q != NULL && p[49999] == 0, "zeroed blocks");
	OK(arena_alloc(a, 20000) == NULL && arena_failed(a), "limit");
	arena_reset(a);
	OK(!arena_failed(a) && arena_alloc(a, 20000) != NULL, "reset");
	OK(strcmp(arena_printf(a, "%d-%s", 7, "x"), "7-x") == 0, "printf");
	arena_defer(a, free, malloc(10));
	(void)calls;
	int *list = NULL;
	size_t size = 0;
	for (int i = 0; i < 100; i++) {
		list = arena_grow(a, list, (size_t)i, &size, sizeof(*list));
		list[i] = i;
	}
	OK(list[0] == 0 && list[7] == 7 && list[99] == 99, "a list that grows");
	IS(str_copy(a, STR("ab")), "ab", "a copy");
	OK(str_copy(a, STR("")).p != NULL && str_copy(a, STR_NONE).p == NULL,
	    "of nothing, and of no value");
	OK(str_copy(a, (struct str){ "", 200000 }).n == 0, "no memory: none");
	struct str s = str_clean_utf8(a, STR("a\xFF\0b"), 1);
	IS(s,
	    "a\xEF\xBF\xBD\xEF\xBF\xBD"
	    "b",
	    "cleaned");
	arena_free(a);
}

static void
test_buf(void)
{
	test_group("buf");
	struct buf b;
	buf_init(&b, 20);
	buf_addz(&b, "0123456789");
	buf_addf(&b, "%d", 42);
	OK(buf_ok(&b) && b.n == 12, "within");
	buf_addz(&b, "0123456789");
	OK(!buf_ok(&b), "the maximum sticks");
	buf_free(&b);
	buf_init(&b, 1000);
	buf_add_json(&b, STR("q\"\\\n\x7F\xC3\xA9\xFF"));
	IS(buf_str(&b), "\"q\\\"\\\\\\u000a\\u007f\xC3\xA9\xEF\xBF\xBD\"",
	    "JSON string");
	buf_reset(&b);
	buf_add_json(
	    &b, STR("a\xE2\x80\xAE\xE2\x81\xA6\xD8\x9C\xC2\x9B\xE2\x82\xAC"));
	IS(buf_str(&b), "\"a\\u202e\\u2066\\u061c\\u009b\xE2\x82\xAC\"",
	    "JSON, direction of text");
	buf_reset(&b);
	buf_add_shown(&b, STR("{\n \"\x7F\xE2\x80\x8E\xC2\x85\xC3\xA9\"}"));
	IS(buf_str(&b), "{\n \"\\u007f\\u200e\\u0085\xC3\xA9\"}",
	    "JSON that is there, on a terminal");
	buf_reset(&b);
	buf_add_visible(&b, STR("a\033[31m\n\xC2\x9B\xC3\xA9\xFF"));
	IS(buf_str(&b), "a\\x1B[31m\\n\\xC2\\x9B\xC3\xA9\\xFF", "visible");
	buf_reset(&b);
	buf_add_visible(
	    &b, STR("a\xE2\x80\xAE\xE2\x81\xA6\xD8\x9C\xE2\x82\xAC"));
	IS(buf_str(&b), "a\\xE2\\x80\\xAE\\xE2\\x81\\xA6\\xD8\\x9C\xE2\x82\xAC",
	    "direction of text");
	buf_free(&b);
}

static void
test_time(void)
{
	test_group("time");
	int64_t t = 0;
	char text[TIME_TEXT_MAX];
	OK(time_parse(STR("2026-03-04T08:38:26Z"), &t) == 0 && t == 1772613506,
	    "RFC 3339");
	OK(time_parse(STR("2026-03-04T15:38:26.123+07:00"), &t) == 0 &&
		t == 1772613506,
	    "offset and fraction");
	OK(strcmp(time_text(t, text), "2026-03-04T08:38:26Z") == 0, "back");
	OK(strcmp(time_text(-1, text), "1969-12-31T23:59:59Z") == 0, "-1");
	OK(strcmp(time_text(-62135596800, text), "0001-01-01T00:00:00Z") == 0,
	    "the first year");
	OK(strcmp(time_text(253402300799, text), "9999-12-31T23:59:59Z") == 0,
	    "the last second");
	OK(strcmp(time_text(253402300800, text), "253402300800") == 0,
	    "beyond");
	OK(time_parse(STR("2026-02-29T00:00:00Z"), &t) != 0 &&
		time_parse(STR("2026-02-28T24:00:00Z"), &t) != 0 &&
		time_parse(STR("2026-02-28T00:00:00"), &t) != 0 &&
		time_parse(STR("2026-02-28T00:00:00Zx"), &t) != 0 &&
		time_parse(STR("2026-02-28"), &t) != 0,
	    "not times");
	time_parse(STR("2026-01-31T10:00:00Z"), &t);
	OK(strcmp(time_text(time_add_months(t, 1), text),
	       "2026-02-28T10:00:00Z") == 0,
	    "Jan 31 + 1");
	OK(strcmp(time_text(time_add_months(t, 25), text),
	       "2028-02-29T10:00:00Z") == 0,
	    "leap year");
	OK(strcmp(time_text(time_add_months(t, -2), text),
	       "2025-11-30T10:00:00Z") == 0,
	    "backwards over the year");
}

/* How many first steps of two addresses are the same, and how many there are. */
static void
networks(const char *x, const char *y, size_t same, size_t n)
{
	struct network a, b;
	size_t i = 0;
	network_of(str_from(x), &a);
	network_of(str_from(y), &b);
	while (i < a.n && i < b.n &&
	    memcmp(a.steps[i], b.steps[i], NETWORK_BYTES) == 0)
		i++;
	OK(i == same && a.n == n, "%s and %s: %zu of %zu", x, y, i, a.n);
}

static void
test_network(void)
{
	test_group("network");
	networks("192.0.2.1", "192.0.2.1", 1, 1);
	networks("192.0.2.1", "192.0.2.2", 0, 1);
	networks("192.0.2.1", "::ffff:192.0.2.1", 1, 1);
	networks("192.0.2.1", "::ffff:c000:201", 1, 1);
	networks("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", 3, 3);
	networks("2001:db8:1:2::1", "2001:db8:1:3::1", 2, 3);
	networks("2001:db8:1:2::1", "2001:db8:1:100::1", 1, 3);
	networks("2001:db8:1:2::1", "2001:db8:2::1", 0, 3);
	networks("", "unix:", 1, 1);
	networks("192.0.2.1x", "", 1, 1);
	networks("192.0.2.1", "", 0, 1);
	networks("::", "0.0.0.0", 0, 3);
}

static void
test_crypto(void)
{
	test_group("crypto");
	uint8_t d[CRYPTO_SHA256];
	char hex[CRYPTO_SHA256_HEX + 1];
	OK(crypto_init(NULL) == 0, "init");
	OK(crypto_sha256(STR("abc"), d) == 0, "sha256");
	crypto_hex(d, sizeof(d), hex);
	IS(str_from(hex),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "FIPS 180-4 abc");
	/* RFC 4231 case 2, in two pieces */
	struct str pieces[] = { STR("what do ya want "), STR("for nothing?") };
	OK(crypto_hmac_sha256(STR("Jefe"), pieces, 2, d) == 0, "hmac");
	crypto_hex(d, sizeof(d), hex);
	IS(str_from(hex),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	    "RFC 4231 case 2");
	/* RFC 4231 case 6: a key longer than a block */
	char key[131];
	memset(key, 0xaa, sizeof(key));
	struct str text =
	    STR("Test Using Larger Than Block-Size Key - Hash Key First");
	crypto_hmac_sha256((struct str){ key, sizeof(key) }, &text, 1, d);
	crypto_hex(d, sizeof(d), hex);
	IS(str_from(hex),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	    "RFC 4231 case 6");
	int same, other;
	OK(crypto_equal_text(STR("a"), STR("a"), &same) == 0 && same &&
		crypto_equal_text(STR("a"), STR("ab"), &other) == 0 && !other,
	    "equal texts");
	OK(crypto_unhex(STR("FFfe"), d, 2) == 0 && d[0] == 255 && d[1] == 254,
	    "unhex");
	OK(crypto_unhex(STR("0g"), d, 1) != 0 &&
		crypto_unhex(STR("0"), d, 1) != 0,
	    "not hex");
}

int
main(void)
{
	test_str();
	test_arena();
	test_buf();
	test_time();
	test_network();
	test_crypto();
	return test_end();
}

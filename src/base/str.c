#include "base/str.h"

#include <string.h>

struct str
str_from(const char *z)
{
	return (struct str){ z, z == NULL ? 0 : strlen(z) };
}

int
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
str_eq_z(struct str a, const char *z)
{
	return str_eq(a, str_from(z));
}

int
str_same(struct str a, struct str b)
{
	return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

int
str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

int
str_eq_fold(struct str a, struct str b)
{
	if (a.n != b.n)
		return 0;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return 0;
	return 1;
}

int
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	    (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

int
str_has_byte(struct str s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

int
str_cut(struct str s, char c, struct str *head, struct str *tail)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
	if (at == NULL) {
		*head = s;
		*tail = STR_NONE;
		return 0;
	}
	size_t n = (size_t)(at - s.p);
	*tail = (struct str){ at + 1, s.n - n - 1 };
	*head = (struct str){ s.p, n };
	return 1;
}

struct str
str_copy(struct arena *a, struct str s)
{
	char *p = s.p == NULL ? NULL : arena_dup(a, s.p, s.n);
	return p == NULL ? STR_NONE : (struct str){ p, s.n };
}

char *
str_z(struct arena *a, struct str s)
{
	return arena_dup(a, s.p, s.n);
}

struct str
str_lower(struct arena *a, struct str s)
{
	char *p = arena_dup(a, s.p, s.n);
	if (p == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)fold(p[i]);
	return (struct str){ p, s.n };
}

struct str
str_upper(struct arena *a, struct str s)
{
	char *p = arena_dup(a, s.p, s.n);
	if (p == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
	return (struct str){ p, s.n };
}

int
str_int64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	size_t i = 0;
	int negative = s.n > 0 && s.p[0] == '-';
	if (negative)
		i++;
	if (i == s.n)
		return -1;
	/* counted downwards: INT64_MIN has no positive counterpart */
	int64_t v = 0;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		int d = s.p[i] - '0';
		if (v < (INT64_MIN + d) / 10)
			return -1;
		v = v * 10 - d;
	}
	if (!negative) {
		if (v == INT64_MIN)
			return -1;
		v = -v;
	}
	if (v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

int
str_duration(struct str s, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 } };
	int64_t factor = 1;
	if (s.n > 0) {
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (s.p[s.n - 1] == units[i].unit) {
				factor = units[i].seconds;
				s.n--;
				break;
			}
		}
	}
	/* a hundred years is enough for anybody, and cannot overflow */
	int64_t most = 100LL * 366 * 86400;
	int64_t v;
	if (str_int64(s, 0, most / factor, &v) != 0)
		return -1;
	*seconds = v * factor;
	return 0;
}

/* Bytes of the well-formed character at p, 0 when there is none. RFC 3629 4. */
static size_t
utf8_char(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] >= 0xC2 && p[0] <= 0xDF ? 2
	    : (p[0] & 0xF0) == 0xE0		  ? 3
	    : p[0] >= 0xF0 && p[0] <= 0xF4	  ? 4
						  : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return len;
}

size_t
str_char(struct str s, size_t i)
{
	return utf8_char((const unsigned char *)s.p + i, s.n - i);
}

int
str_is_utf8(struct str s)
{
	const uint64_t high_bits = 0x8080808080808080;
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;
	while (i < s.n) {
		/* most of what comes is ASCII: eight bytes at a time */
		uint64_t eight;
		if (s.n - i >= sizeof(eight)) {
			memcpy(&eight, p + i, sizeof(eight));
			if ((eight & high_bits) == 0) {
				i += sizeof(eight);
				continue;
			}
		}
		size_t len = utf8_char(p + i, s.n - i);
		if (len == 0)
			return 0;
		i += len;
	}
	return 1;
}

int
str_has_control(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0; i < s.n; i++) {
		if (p[i] < 0x20 || p[i] == 0x7F)
			return 1;
		if (p[i] == 0xC2 && i + 1 < s.n && p[i + 1] < 0xA0)
			return 1;
	}
	return 0;
}

struct str
str_clean_utf8(struct arena *a, struct str s, int nul_too)
{
	if (str_is_utf8(s) && !(nul_too && str_has_byte(s, '\0')))
		return s.p == NULL ? STR("") : s;
	const unsigned char *p = (const unsigned char *)s.p;
	char *d = s.n < SIZE_MAX / 4 ? arena_alloc(a, s.n * 3 + 1) : NULL;
	if (d == NULL)
		return STR_NONE;
	size_t n = 0;
	for (size_t i = 0; i < s.n;) {
		size_t len = utf8_char(p + i, s.n - i);
		if (len == 0 || (nul_too && p[i] == '\0')) {
			memcpy(d + n, "\xEF\xBF\xBD", 3);
			n += 3;
			i++;
		} else {
			memcpy(d + n, p + i, len);
			n += len;
			i += len;
		}
	}
	return (struct str){ d, n };
}

int
str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
str_escape(struct str s, size_t i)
{
	if (s.n - i < 3 || s.p[i] != '%')
		return -1;
	int high = str_hex_digit(s.p[i + 1]), low = str_hex_digit(s.p[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static size_t
char_or_byte(struct str s, size_t i)
{
	size_t len = str_char(s, i);
	return len > 0 ? len : 1;
}

int
str_match_fold(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.n && pattern.p[p] == '?') {
			p++;
			i += char_or_byte(s, i);
		} else if (p < pattern.n &&
		    fold(pattern.p[p]) == fold(s.p[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			mark += char_or_byte(s, mark);
			i = mark;
		} else {
			return 0;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 256 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = 0;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->size = 0;
}

/* Room for n bytes and a NUL. */
static int
reserve(struct buf *b, size_t n)
{
	if (b->failed || n > b->max - b->n) {
		b->failed = 1;
		return -1;
	}
	size_t need = b->n + n + 1;
	if (need <= b->size)
		return 0;
	size_t size = b->size > 0 ? b->size : BUF_FIRST;
	while (size < need)
		size *= 2;
	char *p = realloc(b->p, size);
	if (p == NULL) {
		b->failed = 1;
		return -1;
	}
	b->p = p;
	b->size = size;
	return 0;
}

char *
buf_room(struct buf *b, size_t n)
{
	if (reserve(b, n) != 0)
		return NULL;
	char *p = b->p + b->n;
	b->n += n;
	b->p[b->n] = '\0';
	return p;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *room = buf_room(b, n);
	if (room != NULL && n > 0)
		memcpy(room, p, n);
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void
buf_addz(struct buf *b, const char *z)
{
	buf_add(b, z, strlen(z));
}

void
buf_addi(struct buf *b, int64_t v)
{
	buf_addf(b, "%lld", (long long)v);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || reserve(b, (size_t)n) != 0) {
		b->failed = 1;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

/* Characters that turn the direction of what follows: U+061C, U+200E, U+200F,
 * U+202A to U+202E, U+2066 to U+2069 (Unicode Standard Annex 9, 2). */
static int
turns_text(struct str one)
{
	unsigned char last = one.n == 0 ? 0 : (unsigned char)one.p[one.n - 1];
	if (str_starts(one, STR("\xE2\x80")))
		return last == 0x8E || last == 0x8F ||
		    (last >= 0xAA && last <= 0xAE);
	if (str_starts(one, STR("\xE2\x81")))
		return last >= 0xA6 && last <= 0xA9;
	return str_eq(one, STR("\xD8\x9C"));
}

/* One character: does a terminal obey it instead of showing it? */
static int
is_obeyed(struct str one)
{
	return str_has_control(one) || turns_text(one);
}

/* One that is obeyed, of up to three bytes: \uXXXX. */
static void
add_escape(struct buf *b, struct str one)
{
	static const unsigned char first[] = { 0xFF, 0x7F, 0x1F, 0x0F };
	unsigned c = (unsigned char)one.p[0] & first[one.n];
	for (size_t i = 1; i < one.n; i++)
		c = c << 6 | ((unsigned char)one.p[i] & 0x3F);
	buf_addf(b, "\\u%04x", c);
}

void
buf_add_json(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	size_t i = 0;
	while (i < s.n) {
		size_t from = i;
		while (i < s.n && (unsigned char)s.p[i] >= 0x20 &&
		    s.p[i] != '"' && s.p[i] != '\\' &&
		    (unsigned char)s.p[i] < 0x7F)
			i++;
		buf_add(b, s.p + from, i - from);
		if (i == s.n)
			break;
		struct str one = { s.p + i, str_char(s, i) };
		if (one.n == 0) {
			buf_addz(b, "\xEF\xBF\xBD");
		} else if (is_obeyed(one)) {
			/* JSON allows most of them, a terminal obeys them */
			add_escape(b, one);
		} else {
			if (one.n == 1)
				buf_addc(b, '\\');
			buf_adds(b, one);
		}
		i += one.n == 0 ? 1 : one.n;
	}
	buf_addc(b, '"');
}

void
buf_add_shown(struct buf *b, struct str json)
{
	for (size_t i = 0; i < json.n;) {
		struct str one = { json.p + i, str_char(json, i) };
		if (one.n == 0)
			one.n = 1;
		if (one.p[0] != '\n' && is_obeyed(one))
			add_escape(b, one);
		else
			buf_adds(b, one);
		i += one.n;
	}
}

void
buf_add_visible(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = str_char(s, i);
		struct str one = { s.p + i, len == 0 ? 1 : len };
		if (len == 1 && one.p[0] == '\n')
			buf_addz(b, "\\n");
		else if (len == 0 || is_obeyed(one))
			for (size_t k = 0; k < one.n; k++)
				buf_addf(b, "\\x%02X",
				    (unsigned)(unsigned char)one.p[k]);
		else
			buf_adds(b, one);
		i += one.n;
	}
}

int
buf_ok(const struct buf *b)
{
	return !b->failed;
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

struct str
buf_take(struct buf *b, struct arena *a)
{
	struct str s = b->failed ? STR_NONE : str_copy(a, buf_str(b));
	buf_free(b);
	return s;
}

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
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\') {
			buf_addc(b, '\\');
			buf_addc(b, (char)c);
			i++;
		} else if (c < 0x80) {
			buf_addf(b, "\\u%04x", (unsigned)c);
			i++;
		} else {
			size_t len = str_char(s, i);
			if (len == 0)
				buf_addz(b, "\xEF\xBF\xBD");
			else if (len == 2 && c == 0xC2 &&
			    (unsigned char)s.p[i + 1] < 0xA0)
				/* C1: JSON allows it, a terminal obeys it */
				buf_addf(b, "\\u%04x",
				    (unsigned)(unsigned char)s.p[i + 1]);
			else
				buf_add(b, s.p + i, len);
			i += len == 0 ? 1 : len;
		}
	}
	buf_addc(b, '"');
}

/* Characters that turn the direction of what follows: U+200E, U+200F, U+202A
 * to U+202E, U+2066 to U+2069. */
static int
turns_text(struct str one)
{
	if (one.n != 3 || memcmp(one.p, "\xE2\x80", 2) != 0) {
		return one.n == 3 && memcmp(one.p, "\xE2\x81", 2) == 0 &&
		    (unsigned char)one.p[2] >= 0xA6 &&
		    (unsigned char)one.p[2] <= 0xA9;
	}
	unsigned char c = (unsigned char)one.p[2];
	return c == 0x8E || c == 0x8F || (c >= 0xAA && c <= 0xAE);
}

void
buf_add_visible(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = str_char(s, i);
		struct str one = { s.p + i, len == 0 ? 1 : len };
		if (len == 1 && one.p[0] == '\n')
			buf_addz(b, "\\n");
		else if (len == 0 || str_has_control(one) || turns_text(one))
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

#include "base/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64_add_url(struct buf *b, struct str s)
{
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < s.n; i++) {
		bits = (bits << 8 | (unsigned char)s.p[i]) & 0xFFFF;
		for (held += 8; held >= 6; held -= 6)
			buf_addc(b, digits[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		buf_addc(b, digits[bits << (6 - held) & 63]);
}

void
base64_add(struct buf *b, struct str s)
{
	size_t from = b->n;
	base64_add_url(b, s);
	for (size_t i = from; buf_ok(b) && i < b->n; i++)
		b->p[i] = b->p[i] == '-' ? '+' : b->p[i] == '_' ? '/' : b->p[i];
	for (size_t i = s.n % 3; i > 0 && i < 3; i++)
		buf_addc(b, '=');
}

static int
digit_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == c62 ? 62 : c == c63 ? 63 : -1;
}

int
base64_bytes(struct str s, char c62, char c63, unsigned char *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	int n = 0;
	if (s.n % 4 == 1 || s.n > INT32_MAX)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		int v = digit_value(s.p[i], c62, c63);
		if (v < 0)
			return -1;
		bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (unsigned char)(bits >> held & 0xFF);
		}
	}
	/* two texts for the same bytes are one too many */
	return (bits & ((1U << held) - 1)) == 0 ? n : -1;
}

struct str
base64_url(struct arena *a, struct str s)
{
	unsigned char *out = arena_alloc(a, s.n + 1);
	int n = out == NULL ? -1 : base64_bytes(s, '-', '_', out);
	if (n < 0)
		return STR_NONE;
	return (struct str){ (const char *)out, (size_t)n };
}

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

static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

struct str
base64_url(struct arena *a, struct str s)
{
	char *out = s.n % 4 == 1 ? NULL : arena_alloc(a, s.n + 1);
	if (out == NULL)
		return STR_NONE;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		int v = digit_value(s.p[i]);
		if (v < 0)
			return STR_NONE;
		bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (char)(bits >> held & 0xFF);
		}
	}
	/* two texts for the same bytes are one too many */
	if ((bits & ((1U << held) - 1)) != 0)
		return STR_NONE;
	return (struct str){ out, n };
}

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Stands in for a number that does not fit; no longer than the shortest of
 * those, "2e308". */
static const char beyond[] = "1e308";
static const double beyond_value = 1e308;

enum { ESCAPE = 6 }; /* bytes of \uXXXX */

/* Without memory jansson loses bytes of what it reads and calls it no JSON
 * (github.com/akheron/jansson/issues/362): the program ends before that. */
static void *
allocate(size_t n)
{
	void *p = malloc(n);
	if (p == NULL)
		memory_out();
	return p;
}

/* Before any thread can use it: the function is the process's. */
__attribute__((constructor)) static void
watch_jansson(void)
{
	json_set_alloc_funcs(allocate, free);
}

static int
hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4 && v >= 0; i++) {
		int d = str_hex_digit(p[i]);
		v = d < 0 ? -1 : v << 4 | d;
	}
	return v;
}

/* The code unit escaped at p, -1 when there is no \uXXXX. */
static int
escape_at(const char *p, const char *end)
{
	if (end - p < ESCAPE || p[0] != '\\' || p[1] != 'u')
		return -1;
	return hex4(p + 2);
}

/* Where the text that begins after its opening quote ends: at the closing
 * quote, or at end. */
static char *
text_end(char *p, char *end, int *escapes)
{
	*escapes = 0;
	while (p < end && *p != '"') {
		if (*p == '\\') {
			*escapes = 1;
			p++;
			if (p == end)
				break;
		}
		p++;
	}
	return p;
}

/* Replaces the escapes jansson refuses within one text. RFC 8259 8.2 leaves
 * open what half a surrogate pair means. */
static void
mend_text(char *p, const char *end, int keep_nul)
{
	while (p < end) {
		if (*p != '\\') {
			p++;
			continue;
		}
		int unit = escape_at(p, end);
		if (unit < 0) {
			p += 2;
			continue;
		}
		if (unit >= 0xD800 && unit <= 0xDBFF) {
			int low = escape_at(p + ESCAPE, end);
			if (low >= 0xDC00 && low <= 0xDFFF) {
				p += (size_t)2 * ESCAPE;
				continue;
			}
		}
		if ((unit >= 0xD800 && unit <= 0xDFFF) ||
		    (unit == 0 && !keep_nul))
			memcpy(p, "\\ufffd", ESCAPE);
		p += ESCAPE;
	}
}

/* In JSON a text before a colon is a key, wherever it stands. */
static int
colon_follows(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p < end && *p == ':';
}

static size_t
count_digits(const char *p)
{
	size_t n = 0;
	while (p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

/* Bytes of the number at p by RFC 8259 6, 0 when it is none. The bytes are
 * followed by a NUL. */
static size_t
number_length(const char *p, int *real)
{
	const char *from = p;
	*real = 0;
	if (*p == '-')
		p++;
	size_t n = count_digits(p);
	if (n == 0 || (n > 1 && *p == '0'))
		return 0;
	p += n;
	if (*p == '.') {
		n = count_digits(p + 1);
		if (n == 0)
			return 0;
		p += 1 + n;
		*real = 1;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		n = count_digits(p);
		if (n == 0)
			return 0;
		p += n;
		*real = 1;
	}
	return (size_t)(p - from);
}

/* strtod, because that is what jansson asks. */
static int
real_fits(char *p, size_t n)
{
	char after = p[n];
	p[n] = '\0';
	errno = 0;
	double v = strtod(p, NULL);
	p[n] = after;
	return !(errno == ERANGE && (v == HUGE_VAL || v == -HUGE_VAL));
}

/* Passes over the number at p and replaces it where it does not fit; blanks
 * fill up. What is not a number is left to jansson to refuse. */
static char *
mend_number(char *p)
{
	int real;
	int64_t v;
	size_t n = number_length(p, &real);
	if (n == 0)
		return p + strspn(p, "-+.0123456789eE");
	struct str number = { p, n };
	int fits = real ? real_fits(p, n)
			: str_int64(number, INT64_MIN, INT64_MAX, &v) == 0;
	if (!fits) {
		size_t sign = *p == '-';
		memset(p + sign, ' ', n - sign);
		memcpy(p + sign, beyond, sizeof(beyond) - 1);
	}
	return p + n;
}

/* Makes well-formed JSON in p[0..n], with a NUL at p[n], fit for jansson.
 * -1 when it is nested too deeply. */
static int
mend(char *p, size_t n, int flags)
{
	char *end = p + n;
	int depth = 0;
	while (p < end) {
		char c = *p;
		if (c == '"') {
			int escapes;
			char *close = text_end(p + 1, end, &escapes);
			if (escapes)
				mend_text(p + 1, close,
				    (flags & JSON_KEEP_NUL) != 0 &&
					!colon_follows(
					    close < end ? close + 1 : end,
					    end));
			p = close < end ? close + 1 : end;
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			p = mend_number(p);
		} else {
			if (c == '[' || c == '{')
				depth++;
			else if ((c == ']' || c == '}') && depth > 0)
				depth--;
			if (depth > JSON_DEPTH_MAX)
				return -1;
			p++;
		}
	}
	return 0;
}

json_t *
json_load_strict(struct arena *a, struct str text, int flags,
    const char **reason, struct err *e)
{
	json_error_t error;
	*reason = NULL;
	if (!str_is_utf8(text)) {
		*reason = "not_utf8";
		return NULL;
	}
	char *copy = str_z(a, text);
	if (copy == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	if (mend(copy, text.n, flags) != 0) {
		*reason = "too_deep";
		return NULL;
	}
	json_t *v = json_loadb(copy, text.n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
		((flags & JSON_KEEP_NUL) != 0 ? JSON_ALLOW_NUL : 0),
	    &error);
	if (v == NULL) {
		enum json_error_code code = json_error_code(&error);
		if (code == json_error_duplicate_key)
			*reason = "duplicate_key";
		else
			*reason = "not_json";
		return NULL;
	}
	if (!json_is_object(v)) {
		json_decref(v);
		*reason = "not_object";
		return NULL;
	}
	return v;
}

static void
drop_json(void *json)
{
	json_decref(json);
}

json_t *
json_load_kept(struct arena *a, struct str text, int flags, const char **reason,
    struct err *e)
{
	json_t *v = json_load_strict(a, text, flags, reason, e);
	if (v != NULL && arena_defer(a, drop_json, v) != 0) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	return v;
}

int
json_text(const json_t *v, struct str *out)
{
	if (!json_is_string(v)) {
		*out = STR_NONE;
		return -1;
	}
	*out = (struct str){ json_string_value(v), json_string_length(v) };
	return 0;
}

json_t *
json_from_text(struct str s)
{
	return s.p == NULL ? json_null() : json_stringn(s.p, s.n);
}

int
json_is_beyond(const json_t *v)
{
	return json_is_real(v) &&
	    (json_real_value(v) >= beyond_value ||
		json_real_value(v) <= -beyond_value);
}

const char *
json_shape(const json_t *v)
{
	static const char *const words[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "a list",
		[JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};
	return v == NULL ? "nothing" : words[json_typeof(v)];
}

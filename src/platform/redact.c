#include "platform/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/node.h"

enum { ENCODED_MAX = 3 }; /* how often a link was put into a link */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
is_word(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' || (unsigned char)c >= 0x80;
}

/* joann@example.org and ann@example.org.au are other people. */
static int
stands_alone(struct str s, size_t at, size_t n)
{
	if (at > 0 &&
	    (is_word(s.p[at - 1]) || s.p[at - 1] == '.' || s.p[at - 1] == '+'))
		return 0;
	size_t end = at + n;
	if (end < s.n && is_word(s.p[end]))
		return 0;
	return !(end + 1 < s.n && s.p[end] == '.' && is_word(s.p[end + 1]));
}

static int
mentions(struct str s, struct str address)
{
	for (size_t i = 0; address.n > 0 && i + address.n <= s.n; i++) {
		size_t k = 0;
		while (k < address.n && lower(s.p[i + k]) == address.p[k])
			k++;
		if (k == address.n && stands_alone(s, i, k))
			return 1;
	}
	return 0;
}

/* Escapes decoded once, what is none left alone. */
static struct str
unescape(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;
	if (p == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++) {
		int c = str_escape(s, i);
		p[n++] = c < 0 ? s.p[i] : (char)c;
		i += c < 0 ? 0 : 2;
	}
	return (struct str){ p, n };
}

int
redact_mentions(struct arena *a, struct str text, struct str address)
{
	for (int i = 0; text.p != NULL; i++) {
		if (mentions(text, address))
			return 1;
		if (i == ENCODED_MAX || !str_has_byte(text, '%'))
			break;
		text = unescape(a, text);
	}
	return 0;
}

static int
is_named(struct arena *a, const json_t *v, struct str address)
{
	return json_is_string(v) &&
	    redact_mentions(a,
		(struct str){ json_string_value(v), json_string_length(v) },
		address);
}

static int
redact_object(struct arena *a, json_t *object, struct str address)
{
	int found = 0;
	const char *key;
	json_t *v;
	void *next;
	json_object_foreach_safe(object, next, key, v)
	{
		int n = 1, bad = 0;
		if (redact_mentions(a, str_from(key), address))
			bad = json_object_del(object, key);
		else if (is_named(a, v, address))
			bad = json_object_set_new(object, key, json_null());
		else
			n = redact_json(a, v, address);
		if (bad != 0 || n < 0)
			return -1;
		found += n;
	}
	return found;
}

int
redact_json(struct arena *a, json_t *v, struct str address)
{
	int found = 0;
	if (json_is_object(v))
		return redact_object(a, v, address);
	for (size_t i = 0; i < json_array_size(v); i++) {
		json_t *one = json_array_get(v, i);
		int n = 1;
		if (!is_named(a, one, address))
			n = redact_json(a, one, address);
		else if (json_array_set_new(v, i, json_null()) != 0)
			return -1;
		if (n < 0)
			return -1;
		found += n;
	}
	return arena_failed(a) ? -1 : found;
}

int
redact_dump(struct arena *a, const json_t *v, struct str *out, struct err *e)
{
	char *z = v == NULL ? NULL : json_dumps(v, JSON_COMPACT);
	if (z != NULL)
		*out = str_from(arena_dup(a, z, strlen(z)));
	free(z);
	return z != NULL && out->p != NULL
	    ? 0
	    : err_set(e, ERR_MEMORY, "out of memory");
}

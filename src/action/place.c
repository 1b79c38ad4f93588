#include "action/place.h"

#include <strings.h>

#include "base/form.h"

enum { ENCODED_MAX = 4 }; /* times a segment may be percent-encoded */

/* A placeholder at s.p[i]: its length with braces, 0 when there is none. */
static size_t
word_at(struct str s, size_t i, struct str *word)
{
	size_t n = i + 1;
	if (s.p[i] != '{')
		return 0;
	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_'))
		n++;
	*word = (struct str){ s.p + i + 1, n - i - 1 };
	return word->n > 0 && n < s.n && s.p[n] == '}' ? n - i + 1 : 0;
}

static int
is_name(struct str word, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_eq_z(word, *names))
			return 1;
	return 0;
}

/* The value of a placeholder; 0: there is none of that name. */
static int
find_value(
    const struct action_effect *effect, struct str word, struct str *value)
{
	for (size_t i = 0; i < effect->n_facts; i++)
		if (str_eq_z(word, effect->facts[i].name)) {
			*value = effect->facts[i].value;
			return 1;
		}
	return 0;
}

int
place_unknown(struct str text, const char *const *names, struct str *out)
{
	for (size_t i = 0; i < text.n; i++)
		if (word_at(text, i, out) > 0 && !is_name(*out, names))
			return 1;
	return 0;
}

const char *
place_advice(struct str word)
{
	return str_eq_z(word, "download")
	    ? "add download = '/path/file' to its section"
	    : str_eq_z(word, "link") ? "it needs a mail to = '{email}'"
				     : "gatepost.conf(5) lists them";
}

int
place_has(struct str text, const char *const *names)
{
	struct str word;
	for (size_t i = 0; i < text.n; i++)
		if (word_at(text, i, &word) > 0 && is_name(word, names))
			return 1;
	return 0;
}

enum place_where
action_http_place(const struct action_http *h)
{
	const char *const *line = h->headers;
	if (h->format == ACTION_FORM)
		return PLACE_FORM;
	for (; line != NULL && *line != NULL; line++) {
		if (strncasecmp(*line, "content-type:", 13) != 0)
			continue;
		if (strcasestr(*line, "json") != NULL)
			return PLACE_JSON;
		if (strcasestr(*line, "form-urlencoded") != NULL)
			return PLACE_FORM;
		return strcasestr(*line, "xml") != NULL ||
			strcasestr(*line, "html") != NULL
		    ? PLACE_HTML
		    : PLACE_TEXT;
	}
	return PLACE_JSON;
}

static void
add_html(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (strchr("&<>\"'", c) != NULL && c != '\0')
			buf_addf(b, "&#%d;", c);
		else
			buf_addc(b, c < 0x20 || c == 0x7F ? ' ' : s.p[i]);
	}
}

static void
add_json(struct buf *b, struct str s)
{
	size_t from = b->n;
	buf_add_json(b, s);
	if (!buf_ok(b))
		return;
	/* without its quotes: the template has them */
	memmove(b->p + from, b->p + from + 1, b->n - from - 2);
	b->n -= 2;
	b->p[b->n] = '\0';
}

void
place_value(struct buf *b, struct str s, enum place_where where)
{
	switch (where) {
	case PLACE_JSON:
		add_json(b, s.p == NULL ? STR("") : s);
		return;
	case PLACE_URL:
	case PLACE_FORM:
		form_encode(b, s);
		return;
	case PLACE_HTML:
		add_html(b, s);
		return;
	case PLACE_TEXT:
		for (size_t i = 0; i < s.n; i++) {
			unsigned char c = (unsigned char)s.p[i];
			buf_addc(b, c < 0x20 || c == 0x7F ? ' ' : s.p[i]);
		}
		return;
	}
}

static int
is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("._+-", c) != NULL);
}

/* Has a mark to be broken behind s.p[i]? An address keeps its @. */
static int
acts_at(struct str s, size_t i, enum place_where where)
{
	static const char *const all[] = { "@everyone", "@here", "@channel",
		"@room", "@all" };
	struct str rest = { s.p + i, s.n - i };
	/* in HTML it is escaped */
	if (rest.n > 1 && rest.p[0] == '<' && where != PLACE_HTML)
		return rest.p[1] != ' ';
	if (rest.n > 1 && rest.p[0] == ']')
		return memchr("([:", rest.p[1], 3) != NULL;
	if (rest.p[0] != '@' || (i > 0 && is_word_byte(s.p[i - 1])))
		return 0;
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		size_t n = strlen(all[k]);
		if (rest.n >= n && strncasecmp(rest.p, all[k], n) == 0)
			return 1;
	}
	return 0;
}

static void
add_calm(struct buf *b, struct str s, enum place_where where)
{
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!acts_at(s, i, where))
			continue;
		place_value(b, (struct str){ s.p + from, i + 1 - from }, where);
		place_value(b, STR("\xE2\x80\x8B"), where);
		from = i + 1;
	}
	place_value(b, (struct str){ s.p + from, s.n - from }, where);
}

void
place_fill(struct buf *b, struct str text, enum place_where where, int calm,
    const struct action_effect *effect)
{
	for (size_t i = 0; i < text.n;) {
		struct str word, value;
		size_t n = word_at(text, i, &word);
		if (n == 0 || !find_value(effect, word, &value)) {
			buf_addc(b, text.p[i++]);
			continue;
		}
		i += n;
		if (value.p == NULL)
			continue;
		if (calm)
			add_calm(b, value, where);
		else
			place_value(b, value, where);
	}
}

/* ---- the path of a URL --------------------------------------------------- */

struct str
place_path(struct str url)
{
	struct str path, query;
	str_cut(url, '?', &path, &query);
	return path;
}

/* Percent escapes undone; p NULL: out of memory. */
static struct str
unescape(struct arena *a, struct str s)
{
	char *d = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; d != NULL && i < s.n; i++) {
		int byte = str_escape(s, i);
		d[n++] = byte < 0 ? s.p[i] : (char)byte;
		i += byte < 0 ? 0 : 2;
	}
	return (struct str){ d, n };
}

/* A server behind another decodes what the first one has decoded already. */
static const char *
segment_fault(struct arena *a, struct str s)
{
	for (int i = 0; i <= ENCODED_MAX; i++) {
		size_t n = s.n;
		if (n == 0)
			return "is empty";
		if (str_eq_z(s, ".") || str_eq_z(s, ".."))
			return "is . or ..";
		if (str_has_byte(s, '/') || str_has_byte(s, '\\'))
			return "holds / or \\";
		if (str_has_byte(s, '\0') || !str_is_utf8(s))
			return "is no text";
		s = unescape(a, s);
		if (s.p == NULL)
			return "finds no memory";
		if (s.n == n)
			return NULL;
	}
	return "is encoded too often";
}

/* Two values side by side can make what neither of them is. */
static const char *
filled_fault(struct str text, const struct action_effect *effect,
    struct arena *a, struct str *word)
{
	struct buf b;
	struct str value;
	const char *fault = NULL;
	int any = 0;
	buf_init(&b, ACTION_TEXT_MAX);
	for (size_t i = 0; fault == NULL && i < text.n;) {
		struct str name;
		size_t n = word_at(text, i, &name);
		if (n == 0 || !find_value(effect, name, &value)) {
			buf_addc(&b, text.p[i++]);
			continue;
		}
		*word = name;
		any = 1;
		i += n;
		fault = segment_fault(a, value);
		buf_adds(&b, value);
	}
	if (any && fault == NULL)
		fault =
		    buf_ok(&b) ? segment_fault(a, buf_str(&b)) : "is too long";
	buf_free(&b);
	return fault;
}

const char *
place_path_fault(struct str url, const struct action_effect *effect,
    struct arena *a, struct str *word)
{
	struct str segment, rest = place_path(url);
	const char *fault = NULL;
	while (fault == NULL && rest.p != NULL) {
		str_cut(rest, '/', &segment, &rest);
		fault = filled_fault(segment, effect, a, word);
	}
	return fault;
}

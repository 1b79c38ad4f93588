/* Placeholders: a byte for the place and whether mentions are disarmed, then
 * lines: the values of {user}, {email} and {product}, and the template. */
#include "action/place.h"

#include <ctype.h>
#include <jansson.h>

#include "base/form.h"
#include "fuzz.h"

enum { OUT_MAX = 1 << 22, FACTS = 3 };

/* JSON: the value itself, what is no text in it U+FFFD. */
static void
check_json(struct arena *a, struct str value, struct str out)
{
	const char *z = arena_printf(a, "\"%.*s\"", STR_ARG(out));
	json_t *v = json_loads(z, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct str want = str_clean_utf8(a, value, 0);
	HOLD(memchr(out.p, '\0', out.n) == NULL && json_is_string(v));
	struct str got = { json_string_value(v), json_string_length(v) };
	HOLD(str_eq(got, want));
	json_decref(v);
}

/* Read back, the value; nothing in it ends a segment, a pair or a query. */
static void
check_url(struct arena *a, struct str value, struct str out)
{
	int bad = 0;
	for (size_t i = 0; i < out.n; i++)
		HOLD(isalnum((unsigned char)out.p[i]) ||
		    (out.p[i] != '\0' && strchr("-_.~%", out.p[i])));
	HOLD(str_eq(form_decode(a, out, &bad), value) && !bad);
}

static void
check_line(struct str out, const char * not )
{
	for (size_t i = 0; i < out.n; i++) {
		unsigned char c = (unsigned char)out.p[i];
		HOLD(c >= 0x20 && c != 0x7F && strchr(not, c) == NULL);
	}
}

static void
check_value(struct arena *a, struct str value, enum place_where where)
{
	struct buf b;
	buf_init(&b, OUT_MAX);
	place_value(&b, value, where);
	HOLD(buf_ok(&b));
	struct str out = buf_str(&b);
	switch (where) {
	case PLACE_JSON:
		check_json(a, value, out);
		break;
	case PLACE_URL:
	case PLACE_FORM:
		check_url(a, value, out);
		break;
	case PLACE_HTML:
		check_line(out, "<>\"'");
		break;
	case PLACE_TEXT:
		check_line(out, "");
		HOLD(out.n == value.n);
		break;
	}
	buf_free(&b);
}

/* What place_fill has to make of it, written down plainly. */
static void
fill(struct buf *b, struct str text, enum place_where where,
    const struct action_effect *effect)
{
	while (text.n > 0) {
		size_t used = 1;
		for (size_t i = 0; i < effect->n_facts; i++) {
			char word[16];
			snprintf(
			    word, sizeof(word), "{%s}", effect->facts[i].name);
			if (!str_starts(text, str_from(word)))
				continue;
			used = strlen(word);
			place_value(b, effect->facts[i].value, where);
		}
		if (used == 1)
			buf_addc(b, text.p[0]);
		text = (struct str){ text.p + used, text.n - used };
	}
}

/* Nothing that a chat acts on: no mention, no link with a text of its own. */
static void
check_calm(struct str text, const struct action_effect *effect)
{
	struct buf b;
	buf_init(&b, OUT_MAX);
	place_fill(&b, STR("{user}"), PLACE_TEXT, 1, effect);
	struct str out = buf_str(&b);
	for (size_t i = 0; i + 1 < out.n; i++) {
		struct str rest = { out.p + i + 1, out.n - i - 1 };
		int broken =
		    rest.p[0] == ' ' || str_starts(rest, STR("\xE2\x80\x8B"));
		HOLD(out.p[i] != '<' || broken);
		HOLD(out.p[i] != ']' || memchr("([:", rest.p[0], 3) == NULL);
		if (out.p[i] == '@' && (i == 0 || out.p[i - 1] == ' '))
			HOLD(!str_starts(rest, STR("everyone")) &&
			    !str_starts(rest, STR("here")));
	}
	buf_reset(&b);
	place_fill(&b, text, PLACE_JSON, 1, effect);
	HOLD(buf_ok(&b));
	buf_free(&b);
}

/* A segment as the server behind another sees it, and the one behind that. */
static void
check_segment(struct arena *a, struct str s)
{
	for (int i = 0; i < 5; i++) {
		HOLD(s.n > 0 && !str_eq_z(s, ".") && !str_eq_z(s, ".."));
		HOLD(!str_has_byte(s, '/') && !str_has_byte(s, '\\'));
		struct buf b;
		buf_init(&b, OUT_MAX);
		for (size_t k = 0; k < s.n; k++) {
			int byte = str_escape(s, k);
			buf_addc(&b, byte < 0 ? s.p[k] : (char)byte);
			k += byte < 0 ? 0 : 2;
		}
		s = (struct str){ arena_dup(a, buf_str(&b).p, b.n), b.n };
		buf_free(&b);
	}
}

/* What a buyer typed chooses no other path. */
static void
check_path(struct arena *a, struct str url, const char *const *names,
    const struct action_effect *effect)
{
	struct str word, part, filled, path = place_path(url);
	struct buf b;
	if (url.n == 0 || place_path_fault(url, effect, a, &word) != NULL)
		return;
	buf_init(&b, OUT_MAX);
	place_fill(&b, url, PLACE_URL, 0, effect);
	HOLD(buf_ok(&b));
	struct str rest = place_path(buf_str(&b));
	while (path.p != NULL) {
		str_cut(path, '/', &part, &path);
		HOLD(rest.p != NULL);
		str_cut(rest, '/', &filled, &rest);
		if (place_has(part, names))
			check_segment(a, filled);
	}
	HOLD(rest.p == NULL);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "user", "email", "product", NULL };
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct action_fact facts[FACTS];
	struct action_effect effect = { .facts = facts, .n_facts = FACTS };
	struct buf got, want;
	struct str word, text = fuzz_input(data, n);
	enum place_where where =
	    n == 0 ? PLACE_TEXT : (enum place_where)(data[0] % 5);
	text = n == 0 ? text : fuzz_input(data + 1, n - 1);
	for (size_t i = 0; i < FACTS; i++) {
		facts[i].name = names[i];
		str_cut(text, '\n', &facts[i].value, &text);
		if (facts[i].value.p == NULL)
			facts[i].value = STR("");
		check_value(a, facts[i].value, where);
	}
	buf_init(&got, OUT_MAX);
	buf_init(&want, OUT_MAX);
	place_fill(&got, text, where, 0, &effect);
	fill(&want, text, where, &effect);
	HOLD(buf_ok(&got) == buf_ok(&want) &&
	    str_eq(buf_str(&got), buf_str(&want)));
	check_calm(text, &effect);
	check_path(a, text, names, &effect);
	if (place_unknown(text, names, &word))
		HOLD(word.n > 0 && !str_has_byte(word, '}'));
	buf_free(&got);
	buf_free(&want);
	arena_free(a);
	return 0;
}

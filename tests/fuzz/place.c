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
check_url(
    struct arena *a, struct str value, struct str out, enum place_where where)
{
	int bad = 0, dots = str_eq_z(value, ".") || str_eq_z(value, "..");
	for (size_t i = 0; i < out.n; i++)
		HOLD(isalnum((unsigned char)out.p[i]) ||
		    (out.p[i] != '\0' && strchr("-_.~%", out.p[i])));
	if (where == PLACE_URL && dots)
		HOLD(!str_eq_z(out, ".") && !str_eq_z(out, ".."));
	else
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
		check_url(a, value, out, where);
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

/* What was disarmed once has nothing left to disarm. */
static void
check_calm(struct str text, const struct action_effect *effect)
{
	struct buf once, twice;
	buf_init(&once, OUT_MAX);
	buf_init(&twice, OUT_MAX);
	place_fill(&once, STR("{user}"), PLACE_TEXT, 1, effect);
	struct action_fact fact = { "user", buf_str(&once) };
	struct action_effect again = { .facts = &fact, .n_facts = 1 };
	place_fill(&twice, STR("{user}"), PLACE_TEXT, 1, &again);
	HOLD(str_eq(buf_str(&once), buf_str(&twice)));
	buf_reset(&once);
	place_fill(&once, text, PLACE_JSON, 1, effect);
	HOLD(buf_ok(&once));
	buf_free(&once);
	buf_free(&twice);
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
	if (place_unknown(text, names, &word))
		HOLD(word.n > 0 && !str_has_byte(word, '}'));
	buf_free(&got);
	buf_free(&want);
	arena_free(a);
	return 0;
}

#include "config/config_scan.h"

#include <string.h>

#include "config/config_token.h"

enum { NAME_MAX_LEN = 32, TITLE_MAX = 255 };

struct scanner {
	struct config_lexer lex;
	struct arena *arena;
	const cfg_opt_t *root;
	struct config_section *sections;
	size_t n_sections;
	struct config_key *keys;
	size_t n_keys;
	struct config_value *values;
	size_t n_values;
};

#define BAD(s, line, ...) \
	config_bad((s)->lex.e, (s)->lex.file, (line), __VA_ARGS__)

/* ---- keys --------------------------------------------------------------- */

static const cfg_opt_t *
find_opt(const cfg_opt_t *opts, const char *name)
{
	for (; opts->name != NULL; opts++)
		if (strcmp(opts->name, name) == 0)
			return opts;
	return NULL;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

size_t
config_scan_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], n = strlen(b);
	if (n > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1,
			    diagonal + (a[i] == b[j] ? 0 : 1));
			diagonal = above;
		}
	}
	return row[n];
}

/* The key at most so many letters away, or NULL. */
static const char *
nearest(const cfg_opt_t *opts, const char *name, size_t limit)
{
	size_t best = limit + 1;
	const char *found = NULL;
	for (; opts->name != NULL; opts++) {
		size_t d = config_scan_distance(name, opts->name);
		if (d < best) {
			best = d;
			found = opts->name;
		}
	}
	return found;
}

/* The name of a section that knows this key, or NULL. */
static const char *
section_of(const cfg_opt_t *root, const char *name)
{
	for (; root->name != NULL; root++)
		if (root->type == CFGT_SEC &&
		    find_opt(root->subopts, name) != NULL)
			return root->name;
	return NULL;
}

static int
refuse_key(
    struct scanner *s, const struct config_section *in, const cfg_opt_t *opts)
{
	const char *name = s->lex.token.p;
	if (!config_token_is_key(&s->lex))
		return BAD(s, s->lex.token_line,
		    "a value that belongs to no key; write key = 'value', "
		    "and several as key = { 'one', 'two' }");
	if (in != NULL && find_opt(s->root, name) != NULL)
		return BAD(s, s->lex.token_line,
		    "'%s' cannot stand inside %s; is the } of %s (line %d) "
		    "missing?",
		    name, in->opt->name, in->opt->name, in->line);
	/* allow in a tier is rather its allows than the key of files */
	const char *guess = in == NULL ? NULL : nearest(opts, name, 1);
	const char *home = guess != NULL ? NULL : section_of(opts, name);
	if (guess == NULL && home == NULL)
		home = section_of(s->root, name);
	if (home != NULL)
		return BAD(s, s->lex.token_line,
		    "unknown key '%s' here; put it inside %s { }", name, home);
	if (guess == NULL)
		guess = nearest(opts, name, strlen(name) / 3 + 1);
	if (guess != NULL)
		return BAD(s, s->lex.token_line,
		    "unknown key '%s'; did you mean '%s'?", name, guess);
	return BAD(s, s->lex.token_line,
	    "unknown key '%s'; take it out (gatepost.conf(5) lists them)",
	    name);
}

static int
check_type(struct scanner *s, const cfg_opt_t *opt)
{
	struct str v = buf_str(&s->lex.token);
	int64_t number;
	/* libConfuse would take 010 for eight */
	int octal = v.n > 1 && v.p[v.p[0] == '-'] == '0';
	if (opt->type == CFGT_INT &&
	    (octal || str_int64(v, INT32_MIN, INT32_MAX, &number) != 0))
		return BAD(
		    s, s->lex.token_line, "%s takes a whole number", opt->name);
	if (opt->type == CFGT_BOOL && cfg_parse_boolean(s->lex.token.p) < 0)
		return BAD(
		    s, s->lex.token_line, "%s takes true or false", opt->name);
	return 0;
}

static int
add_value(struct scanner *s, const cfg_opt_t *opt)
{
	if (s->n_values == CONFIG_VALUES_MAX)
		return BAD(s, s->lex.token_line, "more than %d values",
		    CONFIG_VALUES_MAX);
	s->values[s->n_values++] =
	    (struct config_value){ s->lex.token_line, s->lex.literal };
	return check_type(s, opt);
}

static int
scan_list(struct scanner *s, const cfg_opt_t *opt, int begin)
{
	enum config_token t = config_token_next(&s->lex);
	while (t == T_TEXT) {
		if (add_value(s, opt) != 0)
			return -1;
		t = config_token_next(&s->lex);
		if (t != T_COMMA)
			break;
		t = config_token_next(&s->lex);
	}
	if (t == T_CLOSE)
		return 0;
	if (t == T_BAD)
		return -1;
	return BAD(s, t == T_END ? begin : s->lex.token_line,
	    "the list of %s (line %d) is not in order; put a comma between "
	    "two values and } after the last",
	    opt->name, begin);
}

static int
read_value(struct scanner *s, const cfg_opt_t *opt, int begin)
{
	enum config_token t = config_token_next(&s->lex);
	if (t != T_EQUAL && t != T_BAD)
		return BAD(s, begin, "no = after %s; write %s = 'value'",
		    opt->name, opt->name);
	if (t == T_EQUAL)
		t = config_token_next(&s->lex);
	if (t == T_BAD)
		return -1;
	/* a bare word further down is rather the next key */
	if (t == T_TEXT && (s->lex.quoted || s->lex.token_line == begin))
		return add_value(s, opt);
	if (t != T_OPEN)
		return BAD(s, begin, "%s has no value; write %s = 'value'",
		    opt->name, opt->name);
	if ((opt->flags & CFGF_LIST) == 0)
		return BAD(
		    s, begin, "%s takes one value, not a list", opt->name);
	return scan_list(s, opt, begin);
}

static int
scan_value(
    struct scanner *s, const struct config_section *in, const cfg_opt_t *opt)
{
	const struct config_scan so_far = { .keys = s->keys,
		.n_keys = s->n_keys };
	const char *section = in == NULL ? NULL : in->name;
	size_t nth = in == NULL ? 0 : in->nth;
	int line = s->lex.token_line;
	const struct config_key *old =
	    config_scan_find(&so_far, section, nth, opt->name);
	if (old != NULL)
		return BAD(s, line, "%s stands twice (line %d); keep one",
		    opt->name, old->line);
	if (s->n_keys == CONFIG_KEYS_MAX)
		return BAD(s, line, "more than %d keys", CONFIG_KEYS_MAX);
	size_t first = s->n_values;
	if (read_value(s, opt, line) != 0)
		return -1;
	s->keys[s->n_keys++] = (struct config_key){ section, nth, opt->name,
		line, s->values + first, s->n_values - first };
	return 0;
}

/* ---- sections ----------------------------------------------------------- */

/* One event can have several rules. */
static int
may_repeat(const struct config_section *section)
{
	return strcmp(section->name, "on") == 0;
}

static int
check_section(struct scanner *s, struct config_section *new)
{
	for (size_t i = 0; i < s->n_sections; i++) {
		const struct config_section *old = &s->sections[i];
		if (old->opt != new->opt)
			continue;
		new->nth = old->nth + 1;
		if (new->title == NULL)
			return BAD(s, new->line,
			    "section %s stands twice (line %d); put both "
			    "into one",
			    new->opt->name, old->line);
		if (!may_repeat(new) && old->parent == new->parent &&
		    strcmp(old->title, new->title) == 0)
			return BAD(s, new->line,
			    "%s '%s' stands twice (line %d); give it another "
			    "name",
			    new->opt->name, new->title, old->line);
	}
	return 0;
}

static int
read_title(struct scanner *s, struct config_section *new, enum config_token *t)
{
	struct str title = buf_str(&s->lex.token);
	if (*t != T_TEXT)
		return BAD(s, new->line, "%s has no name; write %s 'name' {",
		    new->opt->name, new->opt->name);
	if (title.n == 0 || title.n > TITLE_MAX)
		return BAD(s, new->line,
		    "%s: its name has 1 to %d bytes; write %s 'name' {",
		    new->opt->name, TITLE_MAX, new->opt->name);
	new->title = str_z(s->arena, title);
	if (new->title == NULL)
		return err_set(s->lex.e, ERR_MEMORY, "out of memory");
	if (may_repeat(new))
		config_token_number(&s->lex, s->n_sections);
	*t = config_token_next(&s->lex);
	return 0;
}

static int scan_keys(struct scanner *s, const struct config_section *in);

static int
scan_section(
    struct scanner *s, const struct config_section *in, const cfg_opt_t *opt)
{
	struct config_section *new = &s->sections[s->n_sections];
	if (s->n_sections == CONFIG_SECTIONS_MAX)
		return BAD(s, s->lex.token_line, "more than %d sections",
		    CONFIG_SECTIONS_MAX);
	*new = (struct config_section){ .opt = opt,
		.name = in == NULL
		    ? opt->name
		    : arena_printf(s->arena, "%s.%s", in->name, opt->name),
		.parent = in,
		.line = s->lex.token_line };
	if (new->name == NULL)
		return err_set(s->lex.e, ERR_MEMORY, "out of memory");
	enum config_token t = config_token_next(&s->lex);
	if (t != T_BAD && (opt->flags & CFGF_TITLE) != 0 &&
	    read_title(s, new, &t) != 0)
		return -1;
	if (t == T_BAD || check_section(s, new) != 0)
		return -1;
	if (t != T_OPEN)
		return BAD(s, new->line, "%s is a section; write %s%s { … }",
		    opt->name, opt->name, new->title != NULL ? " 'name'" : "");
	s->n_sections++;
	return scan_keys(s, new);
}

static int
end_of_keys(
    struct scanner *s, const struct config_section *in, enum config_token t)
{
	if (t == T_BAD)
		return -1;
	if (t == (in == NULL ? T_END : T_CLOSE))
		return 0;
	if (t == T_END)
		return BAD(s, in->line,
		    "%s { has no closing brace; add } after its last line",
		    in->opt->name);
	if (t == T_CLOSE)
		return BAD(s, s->lex.token_line,
		    "a } that closes nothing; take it out");
	return BAD(s, s->lex.token_line,
	    "a key was expected here, not %s; write key = 'value'",
	    t == T_OPEN	       ? "{"
		: t == T_EQUAL ? "="
			       : "a comma");
}

static int
scan_keys(struct scanner *s, const struct config_section *in)
{
	const cfg_opt_t *opts = in == NULL ? s->root : in->opt->subopts;
	for (;;) {
		enum config_token t = config_token_next(&s->lex);
		if (t != T_TEXT)
			return end_of_keys(s, in, t);
		const cfg_opt_t *opt = find_opt(opts, s->lex.token.p);
		if (opt == NULL)
			return refuse_key(s, in, opts);
		if (opt->type == CFGT_SEC ? scan_section(s, in, opt) != 0
					  : scan_value(s, in, opt) != 0)
			return -1;
	}
}

/* ---- the file ----------------------------------------------------------- */

const struct config_key *
config_scan_find(const struct config_scan *s, const char *section, size_t nth,
    const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		const struct config_key *k = &s->keys[i];
		if (k->nth == nth && strcmp(k->name, name) == 0 &&
		    (section == NULL || k->section == NULL
			    ? section == k->section
			    : strcmp(section, k->section) == 0))
			return k;
	}
	return NULL;
}

int
config_scan_section(
    const struct config_scan *s, const char *section, size_t nth)
{
	for (size_t i = 0; i < s->n_sections; i++)
		if (s->sections[i].nth == nth &&
		    strcmp(s->sections[i].name, section) == 0)
			return s->sections[i].line;
	return 0;
}

/* Each takes two bytes of the file or more. As plain CGI it is read at every
 * request: to clear room for the most there may be takes longer than that. */
static size_t
at_most(size_t max, struct str in)
{
	return in.n / 2 + 1 < max ? in.n / 2 + 1 : max;
}

int
config_scan_text(struct arena *a, const char *file, struct str in,
    const cfg_opt_t *opts, struct config_scan *out, struct err *e)
{
	struct scanner s = { .arena = a, .root = opts };
	s.keys = arena_alloc(a, at_most(CONFIG_KEYS_MAX, in) * sizeof(*s.keys));
	s.values =
	    arena_alloc(a, at_most(CONFIG_VALUES_MAX, in) * sizeof(*s.values));
	s.sections = arena_alloc(
	    a, at_most(CONFIG_SECTIONS_MAX, in) * sizeof(*s.sections));
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	int failed = config_token_open(&s.lex, file, in, e) != 0 ||
	    scan_keys(&s, NULL) != 0;
	if (!failed) {
		const char *text = str_z(a, buf_str(&s.lex.out));
		failed = text == NULL || !buf_ok(&s.lex.out);
		if (failed)
			err_set(e, ERR_MEMORY, "out of memory");
		*out = (struct config_scan){ text, s.keys, s.n_keys, s.sections,
			s.n_sections };
	}
	config_token_close(&s.lex);
	return failed ? -1 : 0;
}

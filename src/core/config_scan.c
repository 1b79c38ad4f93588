#include "core/config_scan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MAX_LEN = 32, /* of a key */
	TITLED_MAX = 12, /* of a section's name before a title */
	TITLE_MAX = 255,
	ENV_NAME_MAX = 128,
};

enum token { T_END, T_TEXT, T_OPEN, T_CLOSE, T_EQUAL, T_COMMA, T_BAD };

struct section {
	const cfg_opt_t *opt;
	const char *title; /* NULL: none */
	int line;
	size_t nth;
};

struct scanner {
	struct arena *arena;
	const char *file;
	struct str in;
	size_t at;
	int line;
	struct buf out;
	struct err *e;

	struct buf token; /* of a T_TEXT: the string itself */
	int token_line;
	int quoted;
	int literal; /* no ${NAME} in it */

	const cfg_opt_t *root;
	struct section *sections;
	size_t n_sections;
	struct config_key *keys;
	size_t n_keys;
	struct config_value *values;
	size_t n_values;
};

int
config_bad(struct err *e, const char *file, int line, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_CONFIG, "%s:%d: %s", file, line, text);
}

#define BAD(s, line, ...) config_bad((s)->e, (s)->file, (line), __VA_ARGS__)

/* ---- strings ------------------------------------------------------------ */

/* The byte k places on, or -1 past the end. */
static int
peek(const struct scanner *s, size_t k)
{
	return k < s->in.n - s->at ? (unsigned char)s->in.p[s->at + k] : -1;
}

static int
is_name_char(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (c >= '0' && c <= '9');
}

/* Bytes of the ${NAME} that begins here; 0: the $ stands for itself. */
static size_t
env_length(const struct scanner *s)
{
	size_t i = 2;
	if (peek(s, 1) != '{')
		return 0;
	while (i < ENV_NAME_MAX && is_name_char(peek(s, i)))
		i++;
	int digit = peek(s, 2) >= '0' && peek(s, 2) <= '9';
	return i > 2 && !digit && peek(s, i) == '}' ? i + 1 : 0;
}

static int
add_env(struct scanner *s, size_t len)
{
	char name[ENV_NAME_MAX];
	memcpy(name, s->in.p + s->at + 2, len - 3);
	name[len - 3] = '\0';
	struct str value = str_from(getenv(name));
	if (value.p == NULL)
		return BAD(s, s->line,
		    "${%s} is not set in the environment; set it, or write "
		    "the value here",
		    name);
	if (!str_is_utf8(value) || str_has_control(value))
		return BAD(s, s->line,
		    "${%s} holds a line end or another control character",
		    name);
	buf_adds(&s->token, value);
	s->literal = 0;
	s->at += len;
	return 0;
}

/* One byte of a string, or what it stands for. In single quotes a backslash
 * is special before ' and itself, in double ones before " $ and itself. */
static int
add_char(struct scanner *s, char quote)
{
	int c = peek(s, 0), next = peek(s, 1);
	size_t env = c == '$' ? env_length(s) : 0;
	if (env > 0)
		return add_env(s, env);
	if (c == '\\' && (next == quote || next == '\\') && quote != '\0') {
		s->at++;
	} else if (c == '\\' && quote == '"') {
		if (next != '$')
			return BAD(s, s->line,
			    "a backslash in double quotes is for \\\\, \\\" "
			    "and \\$ only; use single quotes");
		s->at++;
	}
	buf_addc(&s->token, s->in.p[s->at++]);
	return 0;
}

static int
read_quoted(struct scanner *s)
{
	char quote = s->in.p[s->at++];
	s->quoted = 1;
	while (peek(s, 0) != quote) {
		if (peek(s, 0) == -1 || peek(s, 0) == '\n')
			return BAD(s, s->line,
			    "a %s that is not closed on its line; add the "
			    "closing %s",
			    quote == '"' ? "\"" : "'",
			    quote == '"' ? "\"" : "'");
		if (add_char(s, quote) != 0)
			return -1;
	}
	s->at++;
	return 0;
}

static int
read_word(struct scanner *s)
{
	for (;;) {
		int c = peek(s, 0);
		if (c == -1 || strchr(" \t\r\n\"'{}=,", c) != NULL) {
			if (c == '{' && s->token.n > 0 &&
			    s->in.p[s->at - 1] == '$')
				break;
			return 0;
		}
		if (strchr("*+()#", c) != NULL)
			break;
		if (add_char(s, '\0') != 0)
			return -1;
	}
	if (peek(s, 0) == '(')
		return BAD(s, s->line,
		    "a ( outside of quotes; include() and other functions are "
		    "not offered here");
	return BAD(s, s->line,
	    "a %c outside of quotes; quote it: put the whole value between "
	    "'…'",
	    s->in.p[s->at]);
}

/* ---- tokens ------------------------------------------------------------- */

static int
skip_comment(struct scanner *s)
{
	int block = peek(s, 1) == '*';
	int begin = s->line;
	s->at += block ? 2 : 1;
	while (peek(s, 0) != -1) {
		if (!block && peek(s, 0) == '\n')
			return 0;
		if (block && peek(s, 0) == '*' && peek(s, 1) == '/') {
			s->at += 2;
			return 0;
		}
		if (peek(s, 0) == '\n') {
			s->line++;
			buf_addc(&s->out, '\n');
		}
		s->at++;
	}
	if (block)
		return BAD(s, begin, "a /* without its */; close the comment");
	return 0;
}

static int
skip_blank(struct scanner *s)
{
	for (;;) {
		int c = peek(s, 0);
		if (c == '#' ||
		    (c == '/' && (peek(s, 1) == '/' || peek(s, 1) == '*'))) {
			if (skip_comment(s) != 0)
				return -1;
		} else if (c == '\n') {
			s->line++;
			buf_addc(&s->out, '\n');
			s->at++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			s->at++;
		} else {
			return 0;
		}
	}
}

/* The string as libConfuse reads it back byte for byte. */
static void
put_token(struct scanner *s)
{
	buf_addc(&s->out, '\'');
	for (size_t i = 0; i < s->token.n; i++) {
		char c = s->token.p[i];
		if (c == '\'' || c == '\\')
			buf_addc(&s->out, '\\');
		buf_addc(&s->out, c);
	}
	buf_addz(&s->out, "' ");
}

static enum token
next_token(struct scanner *s)
{
	static const char marks[] = "{}=,";
	static const enum token kinds[] = { T_OPEN, T_CLOSE, T_EQUAL, T_COMMA };
	if (skip_blank(s) != 0)
		return T_BAD;
	int c = peek(s, 0);
	s->token_line = s->line;
	if (c == -1)
		return T_END;
	const char *mark = strchr(marks, c);
	if (mark != NULL) {
		buf_addc(&s->out, *mark);
		s->at++;
		return kinds[mark - marks];
	}
	buf_reset(&s->token);
	buf_add(&s->token, "", 0);
	s->quoted = 0;
	s->literal = 1;
	if ((c == '\'' || c == '"' ? read_quoted(s) : read_word(s)) != 0)
		return T_BAD;
	if (!buf_ok(&s->token) || !buf_ok(&s->out)) {
		BAD(s, s->line, "too much text; shorten the file");
		return T_BAD;
	}
	put_token(s);
	return T_TEXT;
}

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

/* Letters to add, drop or change between two short names (Levenshtein). */
static size_t
distance(const char *a, const char *b)
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

static const char *
nearest(const cfg_opt_t *opts, const char *name)
{
	size_t limit = strlen(name) / 3 + 1, best = limit + 1;
	const char *found = NULL;
	for (; opts->name != NULL; opts++) {
		size_t d = distance(name, opts->name);
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

/* A stray secret must not be shown: only what reads like a key is. */
static int
looks_like_key(const struct scanner *s)
{
	size_t k = 0;
	if (s->quoted || s->token.n > NAME_MAX_LEN)
		return 0;
	for (size_t i = 0; i < s->token.n; i++)
		if (!is_name_char((unsigned char)s->token.p[i]) &&
		    s->token.p[i] != '-')
			return 0;
	while (peek(s, k) == ' ' || peek(s, k) == '\t')
		k++;
	int next = peek(s, k);
	return next == '=' || next == '{' ||
	    (s->token.n <= TITLED_MAX && (next == '\'' || next == '"'));
}

static int
refuse_key(struct scanner *s, const struct section *in, const cfg_opt_t *opts)
{
	const char *name = s->token.p;
	if (!looks_like_key(s))
		return BAD(s, s->token_line,
		    "a value that belongs to no key; write key = 'value', "
		    "and several as key = { 'one', 'two' }");
	if (in != NULL && find_opt(s->root, name) != NULL)
		return BAD(s, s->token_line,
		    "'%s' cannot stand inside %s; is the } of %s (line %d) "
		    "missing?",
		    name, in->opt->name, in->opt->name, in->line);
	const char *home = section_of(s->root, name);
	if (home != NULL)
		return BAD(s, s->token_line,
		    "unknown key '%s' here; put it inside %s { }", name, home);
	const char *guess = nearest(opts, name);
	if (guess != NULL)
		return BAD(s, s->token_line,
		    "unknown key '%s'; did you mean '%s'?", name, guess);
	return BAD(s, s->token_line,
	    "unknown key '%s'; take it out (gatepost.conf(5) lists them)",
	    name);
}

static int
check_type(struct scanner *s, const cfg_opt_t *opt)
{
	struct str v = buf_str(&s->token);
	int64_t number;
	/* libConfuse would take 010 for eight */
	int octal = v.n > 1 && v.p[v.p[0] == '-'] == '0';
	if (opt->type == CFGT_INT &&
	    (octal || str_int64(v, INT32_MIN, INT32_MAX, &number) != 0))
		return BAD(
		    s, s->token_line, "%s takes a whole number", opt->name);
	if (opt->type == CFGT_BOOL && cfg_parse_boolean(s->token.p) < 0)
		return BAD(
		    s, s->token_line, "%s takes true or false", opt->name);
	return 0;
}

static int
add_value(struct scanner *s, const cfg_opt_t *opt)
{
	if (s->n_values == CONFIG_VALUES_MAX)
		return BAD(
		    s, s->token_line, "more than %d values", CONFIG_VALUES_MAX);
	s->values[s->n_values++] =
	    (struct config_value){ s->token_line, s->literal };
	return check_type(s, opt);
}

static int
scan_list(struct scanner *s, const cfg_opt_t *opt, int begin)
{
	enum token t = next_token(s);
	while (t == T_TEXT) {
		if (add_value(s, opt) != 0)
			return -1;
		t = next_token(s);
		if (t != T_COMMA)
			break;
		t = next_token(s);
	}
	if (t == T_CLOSE)
		return 0;
	if (t == T_BAD)
		return -1;
	return BAD(s, t == T_END ? begin : s->token_line,
	    "the list of %s (line %d) is not in order; put a comma between "
	    "two values and } after the last",
	    opt->name, begin);
}

static int
read_value(struct scanner *s, const cfg_opt_t *opt, int begin)
{
	enum token t = next_token(s);
	if (t != T_EQUAL && t != T_BAD)
		return BAD(s, begin, "no = after %s; write %s = 'value'",
		    opt->name, opt->name);
	if (t == T_EQUAL)
		t = next_token(s);
	if (t == T_BAD)
		return -1;
	/* a bare word further down is rather the next key */
	if (t == T_TEXT && (s->quoted || s->token_line == begin))
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
scan_value(struct scanner *s, const struct section *in, const cfg_opt_t *opt)
{
	const struct config_scan so_far = { NULL, s->keys, s->n_keys };
	const char *section = in == NULL ? NULL : in->opt->name;
	size_t nth = in == NULL ? 0 : in->nth;
	int line = s->token_line;
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

static int
check_section(struct scanner *s, struct section *new)
{
	for (size_t i = 0; i < s->n_sections; i++) {
		const struct section *old = &s->sections[i];
		if (old->opt != new->opt)
			continue;
		new->nth = old->nth + 1;
		if (new->title == NULL)
			return BAD(s, new->line,
			    "section %s stands twice (line %d); put both "
			    "into one",
			    new->opt->name, old->line);
		if (strcmp(old->title, new->title) == 0)
			return BAD(s, new->line,
			    "%s '%s' stands twice (line %d); give it another "
			    "name",
			    new->opt->name, new->title, old->line);
	}
	return 0;
}

static int
read_title(struct scanner *s, struct section *new, enum token *t)
{
	struct str title = buf_str(&s->token);
	if (*t != T_TEXT)
		return BAD(s, new->line, "%s has no name; write %s 'name' {",
		    new->opt->name, new->opt->name);
	if (title.n == 0 || title.n > TITLE_MAX)
		return BAD(s, new->line, "the name of a %s has 1 to %d bytes",
		    new->opt->name, TITLE_MAX);
	new->title = str_z(s->arena, title);
	if (new->title == NULL)
		return err_set(s->e, ERR_MEMORY, "out of memory");
	*t = next_token(s);
	return 0;
}

static int scan_keys(struct scanner *s, const struct section *in);

static int
scan_section(struct scanner *s, const cfg_opt_t *opt)
{
	struct section *new = &s->sections[s->n_sections];
	if (s->n_sections == CONFIG_SECTIONS_MAX)
		return BAD(s, s->token_line, "more than %d sections",
		    CONFIG_SECTIONS_MAX);
	*new = (struct section){ opt, NULL, s->token_line, 0 };
	enum token t = next_token(s);
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
end_of_keys(struct scanner *s, const struct section *in, enum token t)
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
		return BAD(
		    s, s->token_line, "a } that closes nothing; take it out");
	return BAD(s, s->token_line,
	    "a key was expected here, not %s; write key = 'value'",
	    t == T_OPEN	       ? "{"
		: t == T_EQUAL ? "="
			       : "a comma");
}

static int
scan_keys(struct scanner *s, const struct section *in)
{
	const cfg_opt_t *opts = in == NULL ? s->root : in->opt->subopts;
	for (;;) {
		enum token t = next_token(s);
		if (t != T_TEXT)
			return end_of_keys(s, in, t);
		const cfg_opt_t *opt = find_opt(opts, s->token.p);
		if (opt == NULL)
			return refuse_key(s, in, opts);
		if (opt->type == CFGT_SEC ? scan_section(s, opt) != 0
					  : scan_value(s, in, opt) != 0)
			return -1;
	}
}

/* ---- the file ----------------------------------------------------------- */

/* Control characters and ill-formed bytes have no place in any value. */
static int
check_bytes(struct scanner *s)
{
	int line = 1;
	for (size_t i = 0; i < s->in.n;) {
		size_t len = str_char(s->in, i);
		struct str c = { s->in.p + i, len };
		if (len == 0)
			return BAD(
			    s, line, "not UTF-8; save the file as UTF-8");
		if (str_has_control(c) && strchr("\t\r\n", *c.p) == NULL)
			return BAD(s, line, "a control character; take it out");
		if (*c.p == '\0')
			return BAD(s, line, "a zero byte; take it out");
		line += *c.p == '\n';
		i += len;
	}
	return 0;
}

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
config_scan_text(struct arena *a, const char *file, struct str in,
    const cfg_opt_t *opts, struct config_scan *out, struct err *e)
{
	struct scanner s = { .arena = a,
		.file = file,
		.in = in,
		.line = 1,
		.e = e,
		.root = opts };
	s.keys = arena_alloc(a, CONFIG_KEYS_MAX * sizeof(*s.keys));
	s.values = arena_alloc(a, CONFIG_VALUES_MAX * sizeof(*s.values));
	s.sections = arena_alloc(a, CONFIG_SECTIONS_MAX * sizeof(*s.sections));
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	if (check_bytes(&s) != 0)
		return -1;
	if (str_starts(in, STR("\xEF\xBB\xBF"))) /* a byte order mark */
		s.at = 3;
	buf_init(&s.token, CONFIG_BYTES_MAX);
	buf_init(&s.out, CONFIG_TEXT_MAX);
	buf_addc(&s.out, ' '); /* libConfuse dislikes an empty text */
	int failed = scan_keys(&s, NULL);
	if (failed == 0) {
		*out = (struct config_scan){ str_z(a, buf_str(&s.out)), s.keys,
			s.n_keys };
		if (out->text == NULL || !buf_ok(&s.out))
			failed = err_set(e, ERR_MEMORY, "out of memory");
	}
	buf_free(&s.token);
	buf_free(&s.out);
	return failed;
}

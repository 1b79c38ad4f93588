#include "config/config_token.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MAX_LEN = 32, /* of a key */
	TITLED_MAX = 12, /* of a section's name before a title */
	ENV_NAME_MAX = 128,
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
peek(const struct config_lexer *s, size_t k)
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
env_length(const struct config_lexer *s)
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
add_env(struct config_lexer *s, size_t len)
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
add_char(struct config_lexer *s, char quote)
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
read_quoted(struct config_lexer *s)
{
	char quote = s->in.p[s->at++];
	s->quoted = 1;
	while (peek(s, 0) != quote) {
		if (peek(s, 0) == -1 || peek(s, 0) == '\n')
			return BAD(s, s->line,
			    "a %c that is not closed on its line; add the "
			    "closing %c",
			    quote, quote);
		if (add_char(s, quote) != 0)
			return -1;
	}
	s->at++;
	return 0;
}

static int
read_word(struct config_lexer *s)
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
skip_comment(struct config_lexer *s)
{
	const char *p = s->in.p + s->at, *end = s->in.p + s->in.n;
	int block = peek(s, 1) == '*';
	const char *stop = block ? memmem(p + 2, (size_t)(end - p) - 2, "*/", 2)
				 : memchr(p, '\n', (size_t)(end - p));
	if (block && stop == NULL)
		return BAD(
		    s, s->line, "a /* without its */; close the comment");
	for (end = stop != NULL ? stop : end; p < end; p++)
		s->line += *p == '\n';
	s->at = (size_t)(p - s->in.p) + (block ? 2 : 0);
	return 0;
}

static int
skip_blank(struct config_lexer *s)
{
	for (;;) {
		int c = peek(s, 0);
		if (c == '#' ||
		    (c == '/' && (peek(s, 1) == '/' || peek(s, 1) == '*'))) {
			if (skip_comment(s) != 0)
				return -1;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			s->line += c == '\n';
			s->at++;
		} else {
			return 0;
		}
	}
}

enum config_token
config_token_next(struct config_lexer *s)
{
	static const char marks[] = "{}=,";
	static const enum config_token kinds[] = { T_OPEN, T_CLOSE, T_EQUAL,
		T_COMMA };
	if (skip_blank(s) != 0)
		return T_BAD;
	int c = peek(s, 0);
	s->token_line = s->line;
	if (c == -1)
		return T_END;
	const char *mark = strchr(marks, c);
	if (mark != NULL) {
		s->at++;
		return kinds[mark - marks];
	}
	buf_reset(&s->token);
	buf_add(&s->token, "", 0);
	s->quoted = 0;
	s->literal = 1;
	if ((c == '\'' || c == '"' ? read_quoted(s) : read_word(s)) != 0)
		return T_BAD;
	s->total += s->token.n;
	if (!buf_ok(&s->token) || s->total > CONFIG_TEXT_MAX) {
		BAD(s, s->line, "too much text; shorten the file");
		return T_BAD;
	}
	return T_TEXT;
}

int
config_token_is_key(const struct config_lexer *s)
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

/* ---- the text ----------------------------------------------------------- */

/* Control characters and ill-formed bytes have no place in any value. */
static int
check_bytes(struct config_lexer *s)
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

int
config_token_open(
    struct config_lexer *s, const char *file, struct str in, struct err *e)
{
	*s = (struct config_lexer){ .file = file, .in = in, .line = 1, .e = e };
	buf_init(&s->token, CONFIG_BYTES_MAX);
	if (str_starts(in, STR("\xEF\xBB\xBF"))) /* a byte order mark */
		s->at = 3;
	return check_bytes(s);
}

void
config_token_close(struct config_lexer *s)
{
	buf_free(&s->token);
}

#include "setup/edit_find.h"

#include <string.h>

#include "config/config_token.h"

struct finder {
	struct arena *arena;
	struct config_lexer lexer;
	const char *section, *key;
	struct str wanted;
	struct edit_found *out;
	int depth, inside; /* of the section */
	size_t gap; /* what is outside of all goes on from here */
	/* of the line being read: its first word, where that begins, words */
	struct str first;
	size_t first_at, words;
};

/* ---- commented lines ------------------------------------------------------ */

/* The end of the value in front; 0: there is none, or more than it and a
 * comment. */
static size_t
value_end(struct str line)
{
	struct config_lexer s;
	struct err e;
	size_t end = 0;
	if (config_token_open(&s, "", line, &e) == 0) {
		enum config_token t = config_token_next(&s);
		int quoted = s.quoted;
		if (t == T_TEXT && quoted)
			end = s.at;
		if (t == T_OPEN) {
			do
				t = config_token_next(&s);
			while (t == T_TEXT || t == T_COMMA);
			end = t == T_CLOSE ? s.at : 0;
		}
		if (end > 0 && config_token_next(&s) != T_END)
			end = 0;
	}
	config_token_close(&s);
	return end;
}

static size_t
blanks(struct str s, size_t at)
{
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
		at++;
	return at;
}

/* "#key = 'value'": nothing or a blank behind the '#', so that a line of a
 * section in comments is none. */
static void
look_at_line(struct finder *f, size_t from, size_t to)
{
	struct str line = { f->lexer.in.p + from, to - from };
	size_t hash = blanks(line, 0), n = strlen(f->key), at = hash + 1;
	if (hash >= line.n || line.p[hash] != '#')
		return;
	at += at < line.n && line.p[at] == ' ';
	if (line.n - at < n || memcmp(line.p + at, f->key, n) != 0)
		return;
	at = blanks(line, at + n);
	if (at >= line.n || line.p[at++] != '=')
		return;
	size_t end = value_end((struct str){ line.p + at, line.n - at });
	if (end == 0)
		return;
	f->out->has_comment = 1;
	f->out->comment_from = from + hash;
	f->out->comment_to = from + at + end;
}

/* The first one from there on. */
static void
look_for_comment(struct finder *f, size_t from, size_t to)
{
	const char *p = f->lexer.in.p;
	while (from < to && !f->out->has_comment) {
		const char *stop = memchr(p + from, '\n', to - from);
		size_t end = stop == NULL ? to : (size_t)(stop - p);
		look_at_line(f, from, end);
		from = end + 1;
	}
}

/* ---- entries --------------------------------------------------------------- */

static int
is_wanted(const struct finder *f)
{
	return f->words == 1 && str_eq_z(f->first, f->key) &&
	    (f->section == NULL ? f->depth == 0 : f->inside && f->depth == 1);
}

static void
take_value(struct finder *f)
{
	struct edit_found *o = f->out;
	struct str text = buf_str(&f->lexer.token);
	o->has_wanted |= f->wanted.p != NULL && str_eq(text, f->wanted);
	if (o->n_values++ == 0)
		o->value = str_copy(f->arena, text);
}

/* Behind the '='. */
static enum config_token
read_value(struct finder *f)
{
	int wanted = is_wanted(f) && !f->out->has_value;
	size_t from = f->lexer.at;
	enum config_token t = config_token_next(&f->lexer);
	int is_list = t == T_OPEN;
	if (wanted && t == T_TEXT)
		take_value(f);
	while (is_list && t != T_CLOSE && t != T_END && t != T_BAD) {
		t = config_token_next(&f->lexer);
		if (wanted && t == T_TEXT)
			take_value(f);
	}
	if (wanted && (t == T_TEXT || t == T_CLOSE)) {
		f->out->has_value = 1;
		f->out->is_list = is_list;
		f->out->from = from;
		f->out->to = f->lexer.at;
	}
	return t;
}

static void
open_section(struct finder *f)
{
	if (f->depth++ > 0)
		return;
	if (f->section == NULL)
		look_for_comment(f, f->gap, f->first_at);
	else if (f->words == 1 && str_eq_z(f->first, f->section) &&
	    !f->out->has_section) {
		f->inside = 1;
		f->out->has_section = 1;
		f->out->body = f->lexer.at;
	}
}

static void
close_section(struct finder *f)
{
	if (f->depth > 0 && --f->depth > 0)
		return;
	f->gap = f->lexer.at;
	if (!f->inside)
		return;
	f->inside = 0;
	f->out->end = f->lexer.at - 1;
	look_for_comment(f, f->out->body, f->out->end);
}

static int
read_all(struct finder *f)
{
	for (;;) {
		enum config_token t = config_token_next(&f->lexer);
		if (t == T_TEXT) {
			struct str word = buf_str(&f->lexer.token);
			if (f->words++ == 0) {
				f->first = str_copy(f->arena, word);
				f->first_at = f->lexer.at - word.n;
			}
			continue;
		}
		if (t == T_EQUAL)
			t = read_value(f);
		else if (t == T_OPEN)
			open_section(f);
		else if (t == T_CLOSE)
			close_section(f);
		f->words = 0;
		if (t == T_BAD)
			return -1;
		if (t == T_END)
			break;
	}
	if (f->section == NULL)
		look_for_comment(f, f->gap, f->lexer.in.n);
	return 0;
}

int
edit_find(struct arena *a, struct str text, const char *section,
    const char *key, struct str wanted, struct edit_found *out, struct err *e)
{
	struct finder f = { .arena = a,
		.section = section,
		.key = key,
		.wanted = wanted,
		.out = out };
	*out = (struct edit_found){ .value = STR_NONE };
	int rc = config_token_open(&f.lexer, "gatepost.conf", text, e);
	if (rc == 0)
		rc = read_all(&f);
	config_token_close(&f.lexer);
	return rc;
}

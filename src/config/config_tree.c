#include "config/config_tree.h"

#include <string.h>

#include "config/config_token.h"

enum { TITLE_MAX = 255 };

struct parser {
	struct config_lexer lex;
	struct arena *arena;
	const struct config_key *keys; /* outside of all sections */
	struct config_value *values; /* of the whole file */
	size_t n_entries, n_values, n_sections;
};

#define BAD(p, line, ...) \
	config_bad((p)->lex.e, (p)->lex.file, (line), __VA_ARGS__)

static int
no_memory(const struct parser *p)
{
	return err_set(p->lex.e, ERR_MEMORY, "out of memory");
}

/* ---- keys ---------------------------------------------------------------- */

static int
refuse_key(struct parser *p, const struct config_section *in)
{
	const char *name = p->lex.token.p;
	int line = p->lex.token_line, inside = in->parent != NULL;
	if (!config_token_is_key(&p->lex))
		return BAD(p, line,
		    "a value that belongs to no key; write key = 'value', "
		    "and several as key = { 'one', 'two' }");
	if (inside && config_key_find(p->keys, name) != NULL)
		return BAD(p, line,
		    "'%s' cannot stand inside %s; is the } of %s (line %d) "
		    "missing?",
		    name, in->name, in->name, in->line);
	/* allow in a tier is rather its allows than the key of files */
	const char *guess =
	    inside ? config_key_nearest(in->keys, name, 1) : NULL;
	const char *home =
	    guess != NULL ? NULL : config_key_home(in->keys, name);
	if (guess == NULL && home == NULL)
		home = config_key_home(p->keys, name);
	if (home != NULL)
		return BAD(p, line,
		    "unknown key '%s' here; put it inside %s { }", name, home);
	if (guess == NULL)
		guess =
		    config_key_nearest(in->keys, name, strlen(name) / 3 + 1);
	if (guess != NULL)
		return BAD(p, line, "unknown key '%s'; did you mean '%s'?",
		    name, guess);
	return BAD(p, line,
	    "unknown key '%s'; take it out (gatepost.conf(5) lists them)",
	    name);
}

int
config_bool(struct str word)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };
	for (int i = 0; i < 6; i++)
		if (str_eq_fold(word, str_from(words[i])))
			return i % 2;
	return -1;
}

static int
check_type(struct parser *p, const struct config_key *key)
{
	struct str v = buf_str(&p->lex.token);
	int64_t number;
	/* 010 is ten to one reader and eight to another */
	int octal = v.n > 1 && v.p[v.p[0] == '-'] == '0';
	if (key->type == CONFIG_INT &&
	    (octal || str_int64(v, INT32_MIN, INT32_MAX, &number) != 0))
		return BAD(
		    p, p->lex.token_line, "%s takes a whole number", key->name);
	if (key->type == CONFIG_BOOL && config_bool(v) < 0)
		return BAD(
		    p, p->lex.token_line, "%s takes true or false", key->name);
	return 0;
}

static int
add_value(struct parser *p, struct config_entry *entry)
{
	struct str text = buf_str(&p->lex.token);
	if (p->n_values == CONFIG_VALUES_MAX)
		return BAD(p, p->lex.token_line, "more than %d values",
		    CONFIG_VALUES_MAX);
	text.p = str_z(p->arena, text);
	if (text.p == NULL)
		return no_memory(p);
	p->values[p->n_values++] =
	    (struct config_value){ text, p->lex.token_line, p->lex.literal };
	entry->n++;
	return check_type(p, entry->key);
}

static int
parse_list(struct parser *p, struct config_entry *entry)
{
	enum config_token t = config_token_next(&p->lex);
	while (t == T_TEXT) {
		if (add_value(p, entry) != 0)
			return -1;
		t = config_token_next(&p->lex);
		if (t != T_COMMA)
			break;
		t = config_token_next(&p->lex);
	}
	if (t == T_CLOSE)
		return 0;
	if (t == T_BAD)
		return -1;
	return BAD(p, t == T_END ? entry->line : p->lex.token_line,
	    "the list of %s (line %d) is not in order; put a comma between "
	    "two values and } after the last",
	    entry->key->name, entry->line);
}

static int
parse_value(struct parser *p, struct config_entry *entry)
{
	const struct config_key *key = entry->key;
	enum config_token t = config_token_next(&p->lex);
	if (t != T_EQUAL && t != T_BAD)
		return BAD(p, entry->line, "no = after %s; write %s = 'value'",
		    key->name, key->name);
	if (t == T_EQUAL)
		t = config_token_next(&p->lex);
	if (t == T_BAD)
		return -1;
	/* a bare word further down is rather the next key */
	if (t == T_TEXT && (p->lex.quoted || p->lex.token_line == entry->line))
		return add_value(p, entry);
	if (t != T_OPEN)
		return BAD(p, entry->line,
		    "%s has no value; write %s = 'value'", key->name,
		    key->name);
	if (key->type != CONFIG_LIST && key->type != CONFIG_SECRETS)
		return BAD(p, entry->line, "%s takes one value, not a list",
		    key->name);
	return parse_list(p, entry);
}

static int
parse_entry(
    struct parser *p, struct config_section *in, const struct config_key *key)
{
	int line = p->lex.token_line;
	struct config_entry **at = &in->entries;
	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->key == key)
			return BAD(p, line,
			    "%s stands twice (line %d); keep one", key->name,
			    (*at)->line);
	if (p->n_entries++ == CONFIG_KEYS_MAX)
		return BAD(p, line, "more than %d keys", CONFIG_KEYS_MAX);
	struct config_entry *new = arena_alloc(p->arena, sizeof(*new));
	if (new == NULL)
		return no_memory(p);
	*new = (struct config_entry){
		.key = key, .line = line, .values = p->values + p->n_values
	};
	*at = new;
	return parse_value(p, new);
}

/* ---- sections ------------------------------------------------------------ */

static int
parse_title(struct parser *p, struct config_section *new, enum config_token *t)
{
	struct str title = buf_str(&p->lex.token);
	if (*t != T_TEXT)
		return BAD(p, new->line, "%s has no name; write %s 'name' {",
		    new->name, new->name);
	if (title.n == 0 || title.n > TITLE_MAX)
		return BAD(p, new->line,
		    "%s: its name has 1 to %d bytes; write %s 'name' {",
		    new->name, TITLE_MAX, new->name);
	new->title = (struct str){ str_z(p->arena, title), title.n };
	*t = config_token_next(&p->lex);
	return new->title.p != NULL ? 0 : no_memory(p);
}

/* The place of a section in its parent's list: its own, or the end. NULL: the
 * error is set. */
static struct config_section **
find_place(struct parser *p, struct config_section *in,
    const struct config_key *key, const struct config_section *new)
{
	struct config_section **at = &in->sections;
	for (; *at != NULL; at = &(*at)->next) {
		const struct config_section *old = *at;
		if (old->keys != key->keys)
			continue;
		if (old->line == 0)
			return at;
		if (key->type == CONFIG_SECTION) {
			BAD(p, new->line,
			    "section %s stands twice (line %d); put both "
			    "into one",
			    key->name, old->line);
			return NULL;
		}
		if (key->type == CONFIG_TITLED &&
		    str_eq(old->title, new->title)) {
			BAD(p, new->line,
			    "%s '%s' stands twice (line %d); give it another "
			    "name",
			    key->name, new->title.p, old->line);
			return NULL;
		}
	}
	return at;
}

static int parse_keys(struct parser *p, struct config_section *in);

static int
parse_section(
    struct parser *p, struct config_section *in, const struct config_key *key)
{
	struct config_section new = { .parent = in,
		.name = key->name,
		.keys = key->keys,
		.line = p->lex.token_line };
	int titled = key->type != CONFIG_SECTION;
	if (p->n_sections++ == CONFIG_SECTIONS_MAX)
		return BAD(
		    p, new.line, "more than %d sections", CONFIG_SECTIONS_MAX);
	enum config_token t = config_token_next(&p->lex);
	if (t == T_BAD || (titled && parse_title(p, &new, &t) != 0) ||
	    t == T_BAD)
		return -1;
	struct config_section **at = find_place(p, in, key, &new);
	if (at == NULL)
		return -1;
	if (t != T_OPEN)
		return BAD(p, new.line, "%s is a section; write %s%s { … }",
		    key->name, key->name, titled ? " 'name'" : "");
	if (*at == NULL)
		*at = arena_alloc(p->arena, sizeof(new));
	if (*at == NULL)
		return no_memory(p);
	new.next = (*at)->next;
	**at = new;
	return parse_keys(p, *at);
}

static int
end_of_keys(
    struct parser *p, const struct config_section *in, enum config_token t)
{
	int inside = in->parent != NULL;
	if (t == T_BAD)
		return -1;
	if (t == (inside ? T_CLOSE : T_END))
		return 0;
	if (t == T_END)
		return BAD(p, in->line,
		    "%s { has no closing brace; add } after its last line",
		    in->name);
	if (t == T_CLOSE)
		return BAD(p, p->lex.token_line,
		    "a } that closes nothing; take it out");
	return BAD(p, p->lex.token_line,
	    "a key was expected here, not %s; write key = 'value'",
	    t == T_OPEN	       ? "{"
		: t == T_EQUAL ? "="
			       : "a comma");
}

static int
parse_keys(struct parser *p, struct config_section *in)
{
	for (;;) {
		enum config_token t = config_token_next(&p->lex);
		if (t != T_TEXT)
			return end_of_keys(p, in, t);
		const struct config_key *key =
		    config_key_find(in->keys, p->lex.token.p);
		if (key == NULL)
			return refuse_key(p, in);
		if ((key->keys != NULL ? parse_section(p, in, key)
				       : parse_entry(p, in, key)) != 0)
			return -1;
	}
}

/* ---- the file ------------------------------------------------------------ */

/* A value takes two bytes of the file or more. As plain CGI it is read at every
 * request: to clear room for the most there may be takes longer than that. */
static size_t
values_max(struct str text)
{
	size_t max = text.n / 2 + 1;
	return max < CONFIG_VALUES_MAX ? max : CONFIG_VALUES_MAX;
}

/* The tree of an empty file. NULL: no memory. */
static struct config_section *
new_tree(struct arena *a, const struct config_key *keys)
{
	struct config_section *root = arena_alloc(a, sizeof(*root));
	struct config_section **end = root == NULL ? NULL : &root->sections;
	if (root == NULL || keys == NULL)
		return NULL;
	*root = (struct config_section){ .keys = keys, .line = 1 };
	for (; keys->name != NULL; keys++) {
		if (keys->type != CONFIG_SECTION)
			continue;
		*end = arena_alloc(a, sizeof(**end));
		if (*end == NULL)
			return NULL;
		**end = (struct config_section){
			.parent = root, .name = keys->name, .keys = keys->keys
		};
		end = &(*end)->next;
	}
	return root;
}

const struct config_section *
config_tree_parse(
    struct arena *a, const char *file, struct str text, struct err *e)
{
	struct parser p = { .arena = a, .keys = config_keys(a) };
	struct config_section *root = new_tree(a, p.keys);
	p.values = arena_alloc(a, values_max(text) * sizeof(*p.values));
	if (root == NULL || p.values == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	int failed = config_token_open(&p.lex, file, text, e) != 0 ||
	    parse_keys(&p, root) != 0;
	config_token_close(&p.lex);
	/* emptied, or cut short: it would be a site that knows nobody */
	if (!failed && p.n_entries + p.n_sections == 0)
		failed = config_bad(e, file, 1,
		    "holds no setting; put back your copy, or make a new one "
		    "with gatepost init");
	return failed ? NULL : root;
}

const struct config_entry *
config_tree_find(const struct config_section *s, const char *key)
{
	const struct config_entry *e = s->entries;
	while (e != NULL && strcmp(e->key->name, key) != 0)
		e = e->next;
	return e;
}

const struct config_section *
config_tree_next(const struct config_section *s, const char *name)
{
	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->next;
	return s;
}

size_t
config_tree_count(const struct config_section *s, const char *name)
{
	size_t n = 0;
	while ((s = config_tree_next(s, name)) != NULL) {
		s = s->next;
		n++;
	}
	return n;
}

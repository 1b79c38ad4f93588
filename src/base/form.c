#include "base/form.h"

#include <string.h>

struct str
form_decode(struct arena *a, struct str s, int *bad)
{
	*bad = 0;
	if (!str_has_byte(s, '%') && !str_has_byte(s, '+'))
		return s.p == NULL ? STR("") : s;
	char *d = arena_alloc(a, s.n + 1);
	if (d == NULL)
		return STR_NONE;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int byte = str_escape(s, i);
			if (byte < 0) {
				*bad = 1;
				return STR_NONE;
			}
			c = (char)byte;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		d[n++] = c;
	}
	return (struct str){ d, n };
}

static int
no_memory(const char **reason, struct err *e)
{
	*reason = NULL;
	return err_set(e, ERR_MEMORY, "out of memory");
}

int
form_next(struct form_walk *w, struct arena *a, struct form_pair *out,
    const char **reason, struct err *e)
{
	struct str piece, key, value;
	int bad = 0;
	*reason = NULL;
	do {
		if (w->rest.p == NULL)
			return 0;
		str_cut(w->rest, '&', &piece, &w->rest);
	} while (piece.n == 0);
	if (w->pairs >= FORM_PAIRS_MAX) {
		*reason = "too_large";
		return -1;
	}
	w->pairs++;
	str_cut(piece, '=', &key, &value);
	out->value = STR_NONE;
	out->key = form_decode(a, key, &bad);
	if (out->key.p != NULL && value.p != NULL)
		out->value = form_decode(a, value, &bad);
	if (bad) {
		*reason = "bad_encoding";
		return -1;
	}
	if (out->key.p == NULL || (value.p != NULL && out->value.p == NULL))
		return no_memory(reason, e);
	return 1;
}

struct path {
	struct str segment[FORM_NESTING_MAX + 1]; /* n 0: "[]" */
	size_t n;
};

/* Rack::QueryParser#_normalize_params: 'a[b', 'a[', '[a]' are names. */
static int
split_key(struct str key, struct path *path)
{
	size_t at = 1;
	while (at < key.n && key.p[at] != '[')
		at++;
	if (at >= key.n || at + 1 == key.n) {
		path->segment[0] = key;
		path->n = 1;
		return 0;
	}
	path->segment[0] = (struct str){ key.p, at };
	path->n = 1;
	struct str rest = { key.p + at, key.n - at };
	while (rest.n > 0) {
		const char *end =
		    rest.p[0] == '[' ? memchr(rest.p, ']', rest.n) : NULL;
		if (path->n > FORM_NESTING_MAX)
			return -1;
		if (end == NULL) {
			path->segment[path->n++] = rest;
			break;
		}
		size_t n = (size_t)(end - rest.p);
		path->segment[path->n++] = (struct str){ rest.p + 1, n - 1 };
		rest = (struct str){ end + 1, rest.n - n - 1 };
	}
	return 0;
}

struct tree {
	struct arena *a;
	struct node *root;
	int unbracket;
	size_t nodes;
	const char *reason;
};

static struct node *
new_node(struct tree *t, enum node_kind kind)
{
	if (t->nodes >= NODE_COUNT_MAX) {
		t->reason = "too_large";
		return NULL;
	}
	t->nodes++;
	return node_new(t->a, kind);
}

/* A key whose own brackets were encoded before the whole was. */
static struct str
unbracket(struct tree *t, struct str s)
{
	if (!t->unbracket || !str_has_byte(s, '%'))
		return s;
	char *d = arena_alloc(t->a, s.n + 1);
	size_t n = 0;
	if (d == NULL)
		return s;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%' && s.n - i > 2 && s.p[i + 1] == '5' &&
		    (s.p[i + 2] == 'B' || s.p[i + 2] == 'D')) {
			c = s.p[i + 2] == 'B' ? '[' : ']';
			i += 2;
		}
		d[n++] = c;
	}
	return (struct str){ d, n };
}

/* Does the map already hold all of the path? Then a[][b] opens a new one. */
static int
has_path(const struct node *map, const struct str *segment, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (segment[i].n == 0)
			return 0;
	for (size_t i = 0; i < n; i++) {
		map = node_get(map, segment[i]);
		if (map == NULL)
			return 0;
	}
	return 1;
}

/* A list that gets a named member: what it holds goes under the key "". */
static int
list_to_map(struct tree *t, struct node *list)
{
	struct node *held = list->first;
	list->kind = NODE_MAP;
	list->first = list->last = NULL;
	list->n = 0;
	if (held == NULL)
		return 0;
	if (held->next != NULL) {
		struct node *inner = new_node(t, NODE_LIST);
		if (inner == NULL)
			return -1;
		inner->first = held;
		inner->last = held;
		inner->n = 1;
		for (; inner->last->next != NULL; inner->n++)
			inner->last = inner->last->next;
		held = inner;
	}
	node_add(t->a, list, held, STR(""));
	return 0;
}

/* The place below parent that segment names; new places have kind. */
static struct node *
step(struct tree *t, struct node *parent, const struct str *segment, size_t n,
    enum node_kind kind)
{
	struct str key = segment[0];
	struct node *child = NULL;
	if (parent->kind == NODE_LIST && key.n > 0 &&
	    list_to_map(t, parent) != 0)
		return NULL;
	if (parent->kind == NODE_MAP) {
		child = node_get(parent, key);
	} else if (kind == NODE_MAP && parent->last != NULL &&
	    parent->last->kind == NODE_MAP &&
	    !has_path(parent->last, segment + 1, n - 1)) {
		child = parent->last;
	}
	if (child == NULL) {
		child = new_node(t, kind);
		if (child != NULL)
			node_add(t->a, parent, child,
			    parent->kind == NODE_MAP ? key : STR_NONE);
	} else if (kind == NODE_TEXT) {
		child->repeated = 1;
	}
	return child;
}

/* Where the path leads; NULL: nowhere. repeated: it was there before. */
static struct node *
find_place(struct tree *t, struct path *path)
{
	for (size_t i = 0; i < path->n; i++)
		path->segment[i] = unbracket(t, path->segment[i]);
	struct node *at = t->root;
	for (size_t i = 0; i < path->n && at != NULL; i++) {
		int leaf = i + 1 == path->n;
		enum node_kind kind = leaf	 ? NODE_TEXT
		    : path->segment[i + 1].n > 0 ? NODE_MAP
						 : NODE_LIST;
		if (at->kind != NODE_MAP && at->kind != NODE_LIST) {
			t->reason = "wrong_type";
			return NULL;
		}
		at = step(t, at, path->segment + i, path->n - i, kind);
	}
	return at;
}

static void
put_pair(struct tree *t, struct path *path, struct str value)
{
	struct node *at = find_place(t, path);
	if (at == NULL)
		return;
	if (at->kind == NODE_MAP || at->kind == NODE_LIST) {
		t->reason = "wrong_type";
		return;
	}
	at->kind = value.p == NULL ? NODE_NULL : NODE_TEXT;
	at->text = value;
}

int
form_tree(struct arena *a, struct str text, const struct form_opts *opts,
    struct node **root, const char **reason, struct err *e)
{
	struct tree t = { .a = a,
		.root = node_new(a, NODE_MAP),
		.unbracket = opts != NULL && opts->unbracket };
	struct form_walk w = { .rest = text };
	struct form_pair pair;
	struct path path;
	const char *stop = NULL;
	int more = 0;
	*root = t.root;
	if (t.root == NULL)
		return no_memory(reason, e);
	while ((more = form_next(&w, a, &pair, &stop, e)) > 0) {
		if (opts != NULL && opts->each != NULL)
			opts->each(opts->ctx, &pair);
		if (split_key(pair.key, &path) != 0)
			t.reason = "too_deep";
		else
			put_pair(&t, &path, pair.value);
	}
	if (arena_failed(a))
		return no_memory(reason, e);
	*reason = stop != NULL ? stop : t.reason;
	if (stop != NULL && strcmp(stop, "bad_encoding") == 0)
		*t.root = (struct node){ .kind = NODE_MAP };
	return 0;
}

/* ---- what a relay has made of a form ------------------------------------- */

static int
is_container(const struct node *n)
{
	return n->kind == NODE_MAP || n->kind == NODE_LIST;
}

/* Takes over what from holds, or finds that into says the same. */
static void
merge(struct tree *t, struct node *into, struct node *from)
{
	struct node *next;
	if (into->kind == NODE_MAP && from->kind == NODE_MAP) {
		for (struct node *c = from->first; c != NULL; c = next) {
			struct node *same = node_get(into, c->key);
			next = c->next;
			c->next = NULL;
			if (same == NULL)
				node_add(t->a, into, c, c->key);
			else
				merge(t, same, c);
		}
		return;
	}
	/* a form has no numbers: "5" is 5 */
	if (is_container(into) || is_container(from)
		? !node_equal(into, from)
		: !str_eq(node_text(into), node_text(from)))
		t->reason = "contradiction";
}

static void
put_node(struct tree *t, struct path *path, struct node *value)
{
	struct node *at, *next;
	if (path->segment[path->n - 1].n == 0 && value->kind == NODE_LIST) {
		/* the values of a[] one by one */
		for (struct node *c = value->first; c != NULL; c = next) {
			next = c->next;
			c->next = NULL;
			put_node(t, path, c);
		}
		return;
	}
	at = find_place(t, path);
	if (at == NULL)
		return;
	if (at->repeated) {
		at->repeated = 0;
		merge(t, at, value);
		return;
	}
	value->key = at->key;
	value->hash = at->hash;
	value->next = at->next;
	*at = *value;
}

int
form_nest(struct arena *a, const struct form_opts *opts, struct node *root,
    const char **reason, struct err *e)
{
	struct tree t = { .a = a,
		.root = node_new(a, NODE_MAP),
		.unbracket = opts != NULL && opts->unbracket };
	struct node plain = { .kind = NODE_MAP }, *next;
	struct path path;
	if (t.root == NULL)
		return no_memory(reason, e);
	for (struct node *c = root->first; c != NULL; c = next) {
		next = c->next;
		c->next = NULL;
		if (split_key(c->key, &path) != 0)
			t.reason = "too_deep";
		else if (path.n > 1)
			put_node(&t, &path, c);
		else
			node_add(a, &plain, c, c->key);
	}
	*root = plain;
	merge(&t, root, t.root);
	if (arena_failed(a))
		return no_memory(reason, e);
	*reason = t.reason;
	return 0;
}

void
form_encode(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("_-.~", c) != NULL)) {
			buf_addc(b, (char)c);
		} else {
			buf_addc(b, '%');
			buf_addc(b, digits[c >> 4]);
			buf_addc(b, digits[c & 15]);
		}
	}
}

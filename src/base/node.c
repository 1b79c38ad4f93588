#include "base/node.h"

enum {
	NUMBER_TEXT_MAX = 40,
	INDEX_FROM = 16, /* children; fewer are found as fast by walking */
};

static uint32_t
key_hash(struct str key)
{
	/* FNV-1a: only saves comparisons, chosen collisions are harmless */
	uint32_t h = 2166136261U;
	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619U;
	return h;
}

struct node *
node_new(struct arena *a, enum node_kind kind)
{
	struct node *n = arena_alloc(a, sizeof(*n));
	if (n != NULL)
		n->kind = kind;
	return n;
}

static void
index_put(struct node *map, struct node *child)
{
	size_t i = child->hash & (map->index_size - 1);
	while (map->index[i] != NULL)
		i = (i + 1) & (map->index_size - 1);
	map->index[i] = child;
}

/* Never more than half full. Without memory there is none: slow, not wrong. */
static void
index_grow(struct arena *a, struct node *map)
{
	map->index_size = 4 * map->n;
	map->index = arena_alloc(a, map->index_size * sizeof(struct node *));
	if (map->index == NULL)
		return;
	for (struct node *c = map->first; c != NULL; c = c->next)
		index_put(map, c);
}

void
node_add(
    struct arena *a, struct node *parent, struct node *child, struct str key)
{
	child->key = key;
	child->hash = key_hash(key);
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->n++;
	if (parent->kind != NODE_MAP)
		return;
	if (parent->n >= INDEX_FROM && (parent->n & (parent->n - 1)) == 0)
		index_grow(a, parent);
	else if (parent->index != NULL)
		index_put(parent, child);
}

struct node *
node_get(const struct node *parent, struct str key)
{
	if (parent == NULL || parent->kind != NODE_MAP)
		return NULL;
	uint32_t h = key_hash(key);
	struct node *n = parent->first;
	if (parent->index == NULL) {
		while (n != NULL && (n->hash != h || !str_eq(n->key, key)))
			n = n->next;
		return n;
	}
	size_t i = h & (parent->index_size - 1);
	while ((n = parent->index[i]) != NULL &&
	    (n->hash != h || !str_eq(n->key, key)))
		i = (i + 1) & (parent->index_size - 1);
	return n;
}

const struct node *
node_get_z(const struct node *parent, const char *key)
{
	return node_get(parent, str_from(key));
}

struct str
node_text(const struct node *n)
{
	if (n == NULL || n->kind == NODE_NULL || n->kind == NODE_MAP ||
	    n->kind == NODE_LIST)
		return STR_NONE;
	return n->text;
}

static int
equal_at(const struct node *a, const struct node *b, int depth)
{
	if (a->kind != b->kind || !str_eq(a->text, b->text))
		return 0;
	if (depth > NODE_DEPTH_MAX)
		return 0;
	const struct node *x = a->first, *y = b->first;
	for (; x != NULL && y != NULL; x = x->next, y = y->next)
		if (!str_eq(x->key, y->key) || !equal_at(x, y, depth + 1))
			return 0;
	return x == NULL && y == NULL;
}

int
node_equal(const struct node *a, const struct node *b)
{
	return equal_at(a, b, 1);
}

static int
set_text(struct arena *a, struct node *n, const char *p, size_t len)
{
	n->text.p = arena_dup(a, p, len);
	n->text.n = len;
	return n->text.p == NULL ? -1 : 0;
}

static struct node *
scalar_from_json(struct arena *a, const json_t *j)
{
	struct node *n = node_new(a, NODE_NULL);
	char number[NUMBER_TEXT_MAX];
	int len;
	if (n == NULL)
		return NULL;
	switch (json_typeof(j)) {
	case JSON_STRING:
		n->kind = NODE_TEXT;
		if (set_text(
			a, n, json_string_value(j), json_string_length(j)) != 0)
			return NULL;
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		n->kind = NODE_NUMBER;
		len = json_is_integer(j)
		    ? snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			  json_integer_value(j))
		    : snprintf(
			  number, sizeof(number), "%.17g", json_real_value(j));
		if (len < 0 || set_text(a, n, number, (size_t)len) != 0)
			return NULL;
		break;
	case JSON_TRUE:
		n->kind = NODE_TRUE;
		n->text = STR("true");
		break;
	case JSON_FALSE:
		n->kind = NODE_FALSE;
		n->text = STR("false");
		break;
	default:
		break;
	}
	return n;
}

static int from_json(struct arena *a, const json_t *j, int depth, size_t *count,
    struct node **out, struct err *e);

static int
map_from_json(struct arena *a, const json_t *j, int depth, size_t *count,
    struct node *map, struct err *e)
{
	/* iterating changes nothing, but jansson's iterator takes no const */
	union {
		const json_t *in;
		json_t *out;
	} u = { .in = j };
	for (void *it = json_object_iter(u.out); it != NULL;
	     it = json_object_iter_next(u.out, it)) {
		struct str key = str_from(json_object_iter_key(it));
		struct node *child;
		if (from_json(a, json_object_iter_value(it), depth + 1, count,
			&child, e) != 0)
			return -1;
		key.p = arena_dup(a, key.p, key.n);
		if (key.p == NULL)
			return err_set(e, ERR_MEMORY, "out of memory");
		node_add(a, map, child, key);
	}
	return 0;
}

static int
from_json(struct arena *a, const json_t *j, int depth, size_t *count,
    struct node **out, struct err *e)
{
	if (++*count > NODE_COUNT_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d values", NODE_COUNT_MAX);
	if (!json_is_object(j) && !json_is_array(j)) {
		*out = scalar_from_json(a, j);
		return *out == NULL ? err_set(e, ERR_MEMORY, "out of memory")
				    : 0;
	}
	if (depth > NODE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "nested too deeply");
	*out = node_new(a, json_is_object(j) ? NODE_MAP : NODE_LIST);
	if (*out == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (json_is_object(j))
		return map_from_json(a, j, depth, count, *out, e);
	for (size_t i = 0; i < json_array_size(j); i++) {
		struct node *child;
		if (from_json(a, json_array_get(j, i), depth + 1, count, &child,
			e) != 0)
			return -1;
		node_add(a, *out, child, STR_NONE);
	}
	return 0;
}

int
node_from_json(
    struct arena *a, const json_t *j, struct node **out, struct err *e)
{
	size_t count = 0;
	return from_json(a, j, 1, &count, out, e);
}

static json_t *
text_to_json(struct arena *a, struct str s)
{
	s = str_clean_utf8(a, s, 0);
	return s.p == NULL ? NULL : json_stringn(s.p, s.n);
}

static json_t *
scalar_to_json(const struct node *n, struct arena *a, int flags)
{
	int64_t v;
	int booleans = n->kind == NODE_TEXT && (flags & NODE_BOOLEANS) != 0;
	if (n->kind == NODE_NULL)
		return json_null();
	if (n->kind == NODE_TRUE || (booleans && str_eq_z(n->text, "true")))
		return json_true();
	if (n->kind == NODE_FALSE || (booleans && str_eq_z(n->text, "false")))
		return json_false();
	if (n->kind == NODE_NUMBER) {
		if (str_int64(n->text, INT64_MIN, INT64_MAX, &v) == 0)
			return json_integer(v);
		const char *z = str_z(a, n->text);
		return z == NULL ? NULL : json_real(strtod(z, NULL));
	}
	return text_to_json(a, n->text);
}

static json_t *
to_json(const struct node *n, struct arena *a, int flags, int depth)
{
	if (n->kind != NODE_MAP && n->kind != NODE_LIST)
		return scalar_to_json(n, a, flags);
	if (depth > NODE_DEPTH_MAX)
		return NULL;
	json_t *j = n->kind == NODE_MAP ? json_object() : json_array();
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		json_t *v = to_json(c, a, flags, depth + 1);
		int bad;
		if (n->kind == NODE_LIST) {
			bad = json_array_append_new(j, v);
		} else {
			struct str key = str_clean_utf8(a, c->key, 1);
			const char *z = key.p == NULL ? NULL : str_z(a, key);
			bad = json_object_set_new(j, z, v);
		}
		if (bad != 0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

json_t *
node_to_json(const struct node *n, struct arena *a, int flags)
{
	return to_json(n, a, flags, 1);
}

#include "test.h"

#include "base/crypto.h"
#include "base/form.h"

/* The tree as compact JSON, or the reason. */
static const char *
tree(struct arena *a, struct str text, int unbracket)
{
	struct form_opts opts = { .unbracket = unbracket };
	struct node *root;
	const char *reason;
	arena_reset(a);
	if (form_tree(a, text, &opts, &root, &reason, NULL) != 0)
		return "no memory";
	if (reason != NULL)
		return reason;
	json_t *j = node_to_json(root, a, 0);
	char *z = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (z != NULL)
		arena_defer(a, free, z);
	return z;
}

#define TREE(text, want) IS(str_from(tree(a, STR(text), 1)), want, text)

static void
test_nesting(struct arena *a)
{
	test_group("form_tree");
	TREE("", "{}");
	TREE("&&a=1&", "{\"a\":\"1\"}");
	TREE("a", "{\"a\":null}");
	TREE("a=", "{\"a\":\"\"}");
	TREE("=x", "{\"\":\"x\"}");
	TREE("a=b=c", "{\"a\":\"b=c\"}");
	TREE("a+b=c+d%2B%20e", "{\"a b\":\"c d+ e\"}");
	TREE("a%26b=1%26c=2", "{\"a&b\":\"1&c=2\"}");
	TREE("a=%2541", "{\"a\":\"%41\"}");
	TREE("a%5Bb%5D=1&a[c]=2", "{\"a\":{\"b\":\"1\",\"c\":\"2\"}}");
	TREE("a[]=1&a%5B%5D=2", "{\"a\":[\"1\",\"2\"]}");
	TREE("a[][b]=1&a[][c]=2&a[][b]=3",
	    "{\"a\":[{\"b\":\"1\",\"c\":\"2\"},{\"b\":\"3\"}]}");
	TREE("a[][b][c]=1&a[][b][d]=2&a[][b][c]=3",
	    "{\"a\":[{\"b\":{\"c\":\"1\",\"d\":\"2\"}},{\"b\":{\"c\":\"3\"}}]"
	    "}");
	TREE("a[][b][]=1&a[][b][]=2", "{\"a\":[{\"b\":[\"1\",\"2\"]}]}");
	TREE("a[]=1&a[][b]=2", "{\"a\":[\"1\",{\"b\":\"2\"}]}");
	TREE("a[][]=1", "{\"a\":[[\"1\"]]}");
	TREE("a[b[c]=1", "{\"a\":{\"b[c\":\"1\"}}");
	TREE("a[=1", "{\"a[\":\"1\"}");
	TREE("a[b=1", "{\"a\":{\"[b\":\"1\"}}");
	TREE("[a]=1", "{\"[a]\":\"1\"}");
	TREE("]=1&[=2&[]=3", "{\"]\":\"1\",\"[\":\"2\",\"[]\":\"3\"}");
	TREE("a[b]c=1", "{\"a\":{\"b\":{\"c\":\"1\"}}}");
	TREE("a=1&a=2", "{\"a\":\"2\"}");
	TREE("a[]=1&a[b]=2", "{\"a\":{\"\":\"1\",\"b\":\"2\"}}");
	TREE("a[]=1&a[]=2&a[b]=3", "{\"a\":{\"\":[\"1\",\"2\"],\"b\":\"3\"}}");
	TREE("a[b]=1&a[]=2", "{\"a\":{\"b\":\"1\",\"\":\"2\"}}");
	TREE("a=1&a[b]=2", "wrong_type");
	TREE("a[b]=1&a=2", "wrong_type");
	TREE("a[b]=1&a[b][]=2", "wrong_type");
	TREE("a[%255Bx%255D]=1", "{\"a\":{\"[x]\":\"1\"}}");
	TREE("a[%255bx%255d]=1", "{\"a\":{\"%5bx%5d\":\"1\"}}");
	TREE("a[%25255B]=1", "{\"a\":{\"%255B\":\"1\"}}");
	IS(str_from(tree(a, STR("a[%255Bx]=1"), 0)), "{\"a\":{\"%5Bx\":\"1\"}}",
	    "left alone without the flag");
	TREE("a=%00b", "{\"a\":\"\\u0000b\"}");
	TREE("a=%FF", "{\"a\":\"\xEF\xBF\xBD\"}");
}

static void
test_encoding(struct arena *a)
{
	test_group("encoding");
	TREE("a=%", "bad_encoding");
	TREE("a=%2", "bad_encoding");
	TREE("a=%2g", "bad_encoding");
	TREE("a=% 2", "bad_encoding");
	TREE("a%=1", "bad_encoding");
	TREE("a=%2f%2F", "{\"a\":\"//\"}");
	struct node *root;
	const char *reason;
	form_tree(a, STR("a=1&b=%"), NULL, &root, &reason, NULL);
	OK(root->first == NULL, "the tree of an ill-encoded text is empty");
	form_tree(a, STR("a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&z=%"), NULL,
	    &root, &reason, NULL);
	OK(root->first == NULL && root->n == 0 && node_get_z(root, "b") == NULL,
	    "and of one with many keys");
	struct buf b;
	buf_init(&b, 1000);
	form_encode(&b, STR("aZ0_-.~ *'(/+%&=[]\xC3\xA9\0"));
	IS(buf_str(&b), "aZ0_-.~%20%2A%27%28%2F%2B%25%26%3D%5B%5D%C3%A9%00",
	    "as ERB::Util.url_encode");
	buf_free(&b);
}

static void
test_walk(struct arena *a)
{
	test_group("form_next");
	struct form_walk w = { .rest = STR("a=1&&b&c=%41") };
	struct form_pair p;
	const char *reason;
	OK(form_next(&w, a, &p, &reason, NULL) == 1, "first");
	IS(p.key, "a", "key");
	IS(p.value, "1", "value");
	OK(form_next(&w, a, &p, &reason, NULL) == 1 && p.value.p == NULL,
	    "no '=': no value");
	OK(form_next(&w, a, &p, &reason, NULL) == 1, "third");
	IS(p.value, "A", "decoded");
	OK(form_next(&w, a, &p, &reason, NULL) == 0, "end");
	OK(form_next(&w, a, &p, &reason, NULL) == 0, "still the end");
	w = (struct form_walk){ .rest = STR_NONE };
	OK(form_next(&w, a, &p, &reason, NULL) == 0, "nothing at all");
	/* one byte after the '%' would be outside of this slice */
	w = (struct form_walk){ .rest = { "a=%41", 4 } };
	OK(form_next(&w, a, &p, &reason, NULL) == -1 &&
		strcmp(reason, "bad_encoding") == 0,
	    "cut at the slice's end");
}

static void
test_bounds(struct arena *a)
{
	test_group("bounds");
	struct buf b;
	buf_init(&b, 8 * 1024 * 1024);
	for (int i = 0; i < FORM_PAIRS_MAX; i++)
		buf_addf(&b, "u[k%d]=1&", i);
	struct node *root;
	const char *reason;
	arena_reset(a);
	OK(form_tree(a, buf_str(&b), NULL, &root, &reason, NULL) == 0 &&
		reason == NULL,
	    "10,000 pairs");
	buf_addz(&b, "u[last]=1");
	OK(form_tree(a, buf_str(&b), NULL, &root, &reason, NULL) == 0 &&
		reason != NULL && strcmp(reason, "too_large") == 0,
	    "10,001 pairs");
	buf_reset(&b);
	for (int i = 0; i < 5000; i++) {
		buf_addf(&b, "u[k%d]", i);
		for (int k = 0; k < 30; k++)
			buf_addz(&b, "[a]");
		buf_addz(&b, "=1&");
	}
	arena_reset(a);
	OK(form_tree(a, buf_str(&b), NULL, &root, &reason, NULL) == 0 &&
		reason != NULL && strcmp(reason, "too_large") == 0,
	    "150,000 nodes");
	for (int depth = FORM_NESTING_MAX; depth <= FORM_NESTING_MAX + 1;
	     depth++) {
		buf_reset(&b);
		buf_addz(&b, "u");
		for (int k = 0; k < depth; k++)
			buf_addz(&b, "[a]");
		arena_reset(a);
		form_tree(a, buf_str(&b), NULL, &root, &reason, NULL);
		OK((reason == NULL) == (depth == FORM_NESTING_MAX),
		    "%d segments", depth);
	}
	buf_free(&b);
	struct arena *small = arena_new(400);
	OK(form_tree(small, STR("a[b][c][d][e]=1&f=%41"), NULL, &root, &reason,
	       NULL) == -1 &&
		reason == NULL,
	    "no memory");
	arena_free(small);
}

static void
test_node(struct arena *a)
{
	test_group("node");
	json_error_t why;
	struct node *n = NULL;
	json_t *j = json_loads("{\"a\":[1,-2.5,true,false,null,\"x\\u0000y\"],"
			       "\"b\":{\"c\":{}}}",
	    JSON_ALLOW_NUL, &why);
	OK(node_from_json(a, j, &n, NULL) == 0, "from JSON");
	json_t *back = node_to_json(n, a, 0);
	OK(json_equal(j, back), "and back");
	const struct node *list = node_get_z(n, "a");
	IS(node_text(list->first), "1", "number");
	IS(node_text(list->first->next->next), "true", "true");
	OK(node_text(list).p == NULL && node_text(NULL).p == NULL,
	    "a list has no text");
	OK(node_get_z(list, "x") == NULL && node_get_z(NULL, "x") == NULL,
	    "only a map has keys");
	OK(node_equal(n, n) && !node_equal(n, list), "equal");
	json_decref(back);
	json_decref(j);
	j = json_array();
	for (int i = 1; i < NODE_DEPTH_MAX; i++)
		j = json_pack("[o]", j);
	OK(node_from_json(a, j, &n, NULL) == 0, "64 deep");
	j = json_pack("[o]", j);
	struct err e;
	OK(node_from_json(a, j, &n, &e) == -1 && e.code == ERR_LIMIT,
	    "65 deep");
	json_decref(j);
}

int
main(void)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	test_nesting(a);
	test_encoding(a);
	test_walk(a);
	test_bounds(a);
	test_node(a);
	arena_free(a);
	return test_end();
}

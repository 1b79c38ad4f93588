/* JSON from outside: strict reading against jansson's own, and the tree. */
#include "base/json.h"

#include "base/node.h"
#include "fuzz.h"

static void
check_node(const struct node *n, int depth)
{
	HOLD(depth <= NODE_DEPTH_MAX);
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		if (n->kind == NODE_MAP)
			HOLD(node_get(n, c->key) == c);
		check_node(c, depth + 1);
	}
}

/* Written and read again it is the same. */
static void
check_again(const json_t *v, int flags, struct arena *a)
{
	const char *reason;
	char *z = json_dumps(v, JSON_COMPACT);
	HOLD(z != NULL);
	json_t *again = json_load_strict(a, str_from(z), flags, &reason, NULL);
	HOLD(again != NULL && json_equal(v, again));
	json_decref(again);
	free(z);
}

static void
check_tree(const json_t *v, struct arena *a)
{
	struct node *one, *two;
	if (node_from_json(a, v, &one, NULL) != 0)
		return;
	HOLD(node_from_json(a, v, &two, NULL) == 0 && node_equal(one, two));
	check_node(one, 0);
	json_t *back = node_to_json(one, a, NODE_BOOLEANS);
	HOLD(back != NULL);
	json_decref(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const words[] = { "not_utf8", "too_deep", "not_json",
		"duplicate_key", "not_object" };
	struct str text = fuzz_input(data, n);
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	const char *reason;
	json_error_t at;
	json_t *plain = json_loadb(
	    text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
	for (int flags = 0; flags <= JSON_KEEP_NUL; flags++) {
		struct err e = { .code = ERR_NONE };
		json_t *v = json_load_strict(a, text, flags, &reason, &e);
		HOLD(e.code == ERR_NONE && (v == NULL) == (reason != NULL));
		int known = v != NULL;
		for (size_t i = 0; v == NULL && i < 5; i++)
			known |= strcmp(reason, words[i]) == 0;
		HOLD(known);
		/* what jansson takes is taken, but for what is too deep */
		if (v == NULL)
			HOLD(!json_is_object(plain) ||
			    strcmp(reason, "too_deep") == 0);
		else if (flags == JSON_KEEP_NUL && plain != NULL)
			HOLD(json_equal(plain, v));
		if (v == NULL)
			continue;
		check_again(v, flags, a);
		check_tree(v, a);
		json_decref(v);
	}
	json_decref(plain);
	arena_free(a);
	return 0;
}

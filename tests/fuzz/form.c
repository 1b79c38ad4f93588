/* A form: read, written again, read again. */
#include "base/form.h"

#include "fuzz.h"

static int
same_pair(const struct form_pair *a, const struct form_pair *b)
{
	return fuzz_same(a->key, b->key) && fuzz_same(a->value, b->value);
}

static void
check_node(const struct node *n, int depth, size_t *count)
{
	size_t children = 0;
	HOLD(depth <= NODE_DEPTH_MAX && ++*count <= NODE_COUNT_MAX);
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		HOLD((n->kind == NODE_MAP) == (c->key.p != NULL));
		HOLD(n->kind == NODE_MAP || n->kind == NODE_LIST);
		if (n->kind == NODE_MAP)
			HOLD(node_get(n, c->key) == c);
		children++;
		check_node(c, depth + 1, count);
	}
	HOLD(n->kind != NODE_MAP || children == n->n);
}

/* The pairs, encoded anew. 0: they could not all be read. */
static int
write_again(struct arena *a, struct str text, struct buf *b)
{
	struct form_walk w = { .rest = text };
	struct form_pair pair;
	const char *reason;
	int more;
	while ((more = form_next(&w, a, &pair, &reason, NULL)) == 1) {
		if (b->n > 0)
			buf_addc(b, '&');
		form_encode(b, pair.key);
		if (pair.value.p == NULL)
			continue;
		buf_addc(b, '=');
		form_encode(b, pair.value);
	}
	HOLD(more == 0 || reason != NULL);
	HOLD(buf_ok(b));
	return more == 0;
}

static void
compare(struct arena *a, struct str one, struct str two)
{
	struct form_walk v = { .rest = one }, w = { .rest = two };
	struct form_pair p, q;
	const char *reason;
	while (form_next(&v, a, &p, &reason, NULL) == 1) {
		HOLD(form_next(&w, a, &q, &reason, NULL) == 1);
		HOLD(same_pair(&p, &q));
	}
	HOLD(form_next(&w, a, &q, &reason, NULL) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = fuzz_input(data, n);
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct buf b;
	buf_init(&b, 16 * 1024 * 1024);
	for (int unbracket = 0; unbracket < 2; unbracket++) {
		struct form_opts o = { .unbracket = unbracket };
		struct node *root, *again;
		const char *reason, *other;
		size_t count = 0;
		HOLD(form_tree(a, text, &o, &root, &reason, NULL) == 0);
		check_node(root, 0, &count);
		json_t *j = node_to_json(root, a, 0);
		HOLD(j != NULL);
		json_decref(j);
		buf_reset(&b);
		if (!write_again(a, text, &b)) {
			HOLD(reason != NULL);
			continue;
		}
		compare(a, text, buf_str(&b));
		HOLD(form_tree(a, buf_str(&b), &o, &again, &other, NULL) == 0);
		HOLD((reason == NULL) == (other == NULL));
		HOLD(reason == NULL || strcmp(reason, other) == 0);
		HOLD(node_equal(root, again));
	}
	buf_free(&b);
	arena_free(a);
	return 0;
}

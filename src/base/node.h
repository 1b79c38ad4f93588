#ifndef BASE_NODE_H
#define BASE_NODE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/*
 * What a form body and a JSON body both become: a small tree in an arena, so
 * that a decoder is written once. Texts are as received (NUL and ill-formed
 * UTF-8 included) and live as long as the arena and the body.
 */
enum node_kind {
	NODE_NULL, /* also a form's key without '=' */
	NODE_TEXT,
	NODE_NUMBER, /* text holds its digits */
	NODE_TRUE,
	NODE_FALSE,
	NODE_MAP,
	NODE_LIST,
};

enum {
	NODE_DEPTH_MAX = 64, /* of maps and lists within each other */
	NODE_COUNT_MAX = 40000, /* of a tree from outside: 8 MB at most */
};

struct node {
	enum node_kind kind;
	int repeated; /* its key came more than once; the last value counts */
	uint32_t hash; /* of key */
	struct str key; /* in a map; STR_NONE in a list */
	struct str text; /* of NODE_TEXT, NODE_NUMBER, NODE_TRUE, NODE_FALSE */
	struct node *first;
	struct node *last;
	struct node *next;
	struct node **index; /* of a map with many keys, by hash */
	size_t index_size; /* a power of two */
	size_t n; /* children */
};

/* NULL: no memory. */
struct node *node_new(struct arena *a, enum node_kind kind);
/* At the end of a map or list; key STR_NONE in a list, and new in a map. */
void node_add(
    struct arena *a, struct node *parent, struct node *child, struct str key);

/* The child of a map, or NULL: parent NULL, no map, no such key. */
struct node *node_get(const struct node *parent, struct str key);
const struct node *node_get_z(const struct node *parent, const char *key);

/* The text of a scalar ("true" and "false" for booleans); STR_NONE for NULL,
 * NODE_NULL, maps and lists. */
struct str node_text(const struct node *n);

/* Same kinds, keys and texts, in the same order? */
int node_equal(const struct node *a, const struct node *b);

/* A copy of j, which the caller keeps. 0, or -1: ERR_MEMORY, or ERR_LIMIT
 * past NODE_DEPTH_MAX or NODE_COUNT_MAX. */
int node_from_json(
    struct arena *a, const json_t *j, struct node **out, struct err *e);

enum { NODE_BOOLEANS = 1 }; /* the texts true and false become booleans */

/* A new reference, or NULL without memory or deeper than NODE_DEPTH_MAX.
 * Ill-formed UTF-8 becomes U+FFFD; NUL stays in values and becomes U+FFFD in
 * keys. Integers stay integers. */
json_t *node_to_json(const struct node *n, struct arena *a, int flags);

#endif

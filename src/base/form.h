#ifndef BASE_FORM_H
#define BASE_FORM_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

/*
 * application/x-www-form-urlencoded (WHATWG URL, 5.1): cut at '&' and '=',
 * then decoded, exactly once. Stricter than WHATWG in one point: a '%' that
 * no two hex digits follow is an error of the whole text, for what else it
 * could mean is a guess.
 */
enum {
	FORM_PAIRS_MAX = 10000,
	FORM_NESTING_MAX = 32, /* bracketed segments in a key */
};

/* '+' is a blank. The text itself when nothing has to be decoded; NULL: *bad
 * is 1 for a stray '%', 0 when out of memory. */
struct str form_decode(struct arena *a, struct str s, int *bad);

struct form_pair {
	struct str key; /* decoded */
	struct str value; /* decoded; STR_NONE when there was no '=' */
};

/* Walks a body or a query string: set rest to it, and the rest to zero. */
struct form_walk {
	struct str rest;
	size_t pairs;
};

/* 1 and a pair, 0 at the end, -1: *reason is "bad_encoding" or "too_large",
 * or NULL and e set without memory. Empty pieces ("a=1&&b=2") are no pairs. */
int form_next(struct form_walk *w, struct arena *a, struct form_pair *out,
    const char **reason, struct err *e);

struct form_opts {
	int unbracket; /* %5B, %5D in a decoded segment are [ and ] */
	/* gets every pair, in order, before the tree does; may be NULL */
	void (*each)(void *ctx, const struct form_pair *pair);
	void *ctx;
};

/*
 * The pairs as a tree, nested as Rack 2 does (Rack::QueryParser): a[b]=1,
 * a[]=1&a[]=2, a[][b]=1&a[][c]=2 (one map) &a[][b]=3 (a second one). Where
 * Rack gives up because a key is list and map in turn, the elements without
 * a name get the key "". A scalar that comes twice: the last counts and
 * node.repeated is set. 0 and *reason NULL, or a reason to doubt the tree:
 * bad_encoding (*root is empty), too_large (pairs, or
 * NODE_COUNT_MAX), too_deep, wrong_type (a key is
 * scalar and container in turn): *root holds what else was readable.
 * -1 without memory. opts NULL: none.
 */
int form_tree(struct arena *a, struct str text, const struct form_opts *opts,
    struct node **root, const char **reason, struct err *e);

/*
 * Nests what a relay made of a form: JSON whose keys are "a[b]". Members of
 * root, a map, that have such keys go where form_tree puts them; a list as the
 * value of a[] holds its elements. Two members that name the same place have
 * to hold the same text. 0 and *reason NULL, or too_large, too_deep,
 * wrong_type as above, or contradiction; root holds what else was readable.
 * -1 without memory. opts NULL: none.
 */
int form_nest(struct arena *a, const struct form_opts *opts, struct node *root,
    const char **reason, struct err *e);

/* Appends s as Ruby's ERB::Util.url_encode writes it: all but letters,
 * digits and "_-.~" become %XX. */
void form_encode(struct buf *b, struct str s);

#endif

#ifndef SETUP_EDIT_FIND_H
#define SETUP_EDIT_FIND_H

#include "base/err.h"
#include "base/str.h"

/* Where a key stands in the text of a gatepost.conf: offsets. */
struct edit_found {
	/* the section: what stands in its braces */
	int has_section;
	size_t body, end;
	/* the key's value, with its braces or quotes */
	int has_value, is_list, n_values;
	size_t from, to;
	struct str value; /* the first one */
	int has_wanted; /* one of them is the value looked for */
	/* a commented line: from its '#' to the end of the value */
	int has_comment;
	size_t comment_from, comment_to;
};

/* section NULL: outside of all. wanted may be STR_NONE. -1: the text is no
 * gatepost.conf. */
int edit_find(struct arena *a, struct str text, const char *section,
    const char *key, struct str wanted, struct edit_found *out, struct err *e);

#endif

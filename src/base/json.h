#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
	JSON_DEPTH_MAX = 64, /* of objects and arrays within each other */
	JSON_KEEP_NUL = 1, /* \u0000 stays in texts; else U+FFFD */
};

/* One JSON object (RFC 8259) and nothing after it: a new reference. NULL with
 * *reason a static word: not_json, not_utf8, not_object, duplicate_key,
 * too_deep; *reason NULL and e set: out of memory. */
json_t *json_load_strict(struct arena *a, struct str text, int flags,
    const char **reason, struct err *e);

#endif

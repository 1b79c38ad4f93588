#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Strict reading of JSON (RFC 8259) that comes from outside, on jansson.
 * What is stricter than the RFC: keys may not repeat, the text is an object
 * and nothing follows it, at most JSON_DEPTH_MAX levels are open at once, and
 * a byte order mark is not JSON. What is milder: the two things well-formed
 * JSON can say and jansson cannot hold do not fail the whole text.
 *
 * - An escape for half a surrogate pair, or \u0000, reads as U+FFFD, in
 *   texts and in keys. Keys that become equal by this repeat.
 * - A number that does not fit, an integer past int64_t or a real past
 *   double, reads as the real 1e308 or -1e308. Ask json_is_beyond; a sender
 *   who writes a number of that size himself gets the same answer.
 */
enum { JSON_DEPTH_MAX = 64 };

enum {
	JSON_KEEP_NUL = 1, /* \u0000 stays a NUL in texts; never in keys */
};

/* A new reference. NULL with *reason one of the static words not_utf8,
 * too_deep, not_json, duplicate_key, not_object, looked for in this order;
 * NULL with *reason NULL and ERR_MEMORY when there is no memory. Takes text.n
 * bytes of the arena. */
json_t *json_load_strict(struct arena *a, struct str text, int flags,
    const char **reason, struct err *e);

/* The same, the arena's own: until its reset. */
json_t *json_load_kept(struct arena *a, struct str text, int flags,
    const char **reason, struct err *e);

/* The bytes of a text, which live as long as v; may hold NUL with
 * JSON_KEEP_NUL. -1 and STR_NONE when v is NULL or not a text. */
int json_text(const json_t *v, struct str *out);

/* A new reference to a text, which must be well-formed UTF-8; to null for
 * STR_NONE. NULL: no memory. */
json_t *json_from_text(struct str s);

/* Is it a number too large to be held? */
int json_is_beyond(const json_t *v);

/* What v is, for a person: "a text", "a number", …; "nothing" for NULL. */
const char *json_shape(const json_t *v);

#endif

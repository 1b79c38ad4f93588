#ifndef PLATFORM_REDACT_H
#define PLATFORM_REDACT_H

#include <jansson.h>

#include "platform/platform.h"

/* Shared by what platforms do for redact. */

/* Does the text hold the address, and not as a part of a longer one? ASCII
 * case folded; also behind percent escapes (a referrer, a link). The address
 * is lower-cased. */
int redact_mentions(struct arena *a, struct str text, struct str address);

/* Replaces the texts that hold the address by null and drops such keys, at
 * every depth. How many there were, or -1 without memory. */
int redact_json(struct arena *a, json_t *v, struct str address);

/* The value as text in the arena. 0 or -1 without memory. */
int
redact_dump(struct arena *a, const json_t *v, struct str *out, struct err *e);

#endif

#include "base/json.h"

static int
too_deep(const json_t *j, int depth)
{
	union {
		const json_t *in;
		json_t *out;
	} u = { .in = j };
	if (!json_is_object(j) && !json_is_array(j))
		return 0;
	if (depth > JSON_DEPTH_MAX)
		return 1;
	for (size_t i = 0; i < json_array_size(j); i++)
		if (too_deep(json_array_get(j, i), depth + 1))
			return 1;
	for (void *it = json_object_iter(u.out); it != NULL;
	     it = json_object_iter_next(u.out, it))
		if (too_deep(json_object_iter_value(it), depth + 1))
			return 1;
	return 0;
}

json_t *
json_load_strict(struct arena *a, struct str text, int flags,
    const char **reason, struct err *e)
{
	json_error_t why;
	(void)a;
	*reason = NULL;
	json_t *j = json_loadb(text.p, text.n,
	    JSON_REJECT_DUPLICATES |
		((flags & JSON_KEEP_NUL) != 0 ? JSON_ALLOW_NUL : 0),
	    &why);
	if (j == NULL) {
		enum json_error_code code = json_error_code(&why);
		*reason = code == json_error_duplicate_key ? "duplicate_key"
		    : code == json_error_invalid_utf8	   ? "not_utf8"
		    : code == json_error_stack_overflow	   ? "too_deep"
							   : "not_json";
		if (code == json_error_out_of_memory) {
			*reason = NULL;
			err_set(e, ERR_MEMORY, "out of memory");
		}
		return NULL;
	}
	if (!json_is_object(j))
		*reason = "not_object";
	else if (too_deep(j, 1))
		*reason = "too_deep";
	if (*reason != NULL) {
		json_decref(j);
		return NULL;
	}
	return j;
}

#include "cgi/ask/confirming.h"

#include "commit/project.h"

enum { MEMORY_MAX = 4 * 1024 * 1024 };

static int
is_set(const struct tier_rules *rules, enum tier_confirm least)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (rules->confirm[i] >= least)
			return 1;
	return 0;
}

int
confirming_is_usual(const struct tier_rules *rules)
{
	return is_set(rules, TIER_CONFIRM_BEFORE);
}

/* One that cannot be folded is not told of. */
static int
find_in(struct store *s, const struct config *c, const struct rows *rows,
    int *out, struct err *e)
{
	for (size_t i = 0; i < rows->n && !*out; i++) {
		struct err own = { .code = ERR_NONE };
		if (project_waits(s, c, &rows->v[i], rows->arena, out, &own) !=
			0 &&
		    err_ends_transaction(&own)) {
			*e = own;
			return -1;
		}
	}
	return 0;
}

int
confirming_find(struct store *s, const struct config *c,
    const struct access_key *key, int64_t now, int *out, struct err *e)
{
	*out = 0;
	if (!is_set(&c->rules, TIER_CONFIRM_AFTER))
		return 0;
	/* of its own: what is too large here costs the answer nothing */
	struct rows rows = { .arena = arena_new(MEMORY_MAX) };
	int rc = store_purchase_waiting(s, key->by, key->platform, key->id,
	    now - CONFIRMING_S, CONFIRMING_SALES, rows_take, &rows, e);
	if (rc == 0 && !rows.failed)
		rc = find_in(s, c, &rows, out, e);
	arena_free(rows.arena);
	return rc;
}

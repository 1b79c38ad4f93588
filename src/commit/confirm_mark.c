#include "commit/confirm_mark.h"

#include "commit/manual_put.h"

enum { MEMORY_MAX = 16 * 1024 * 1024 };

static int
mark(struct store *s, const struct config *c, const struct platform *p,
    struct arena *a, int64_t now, struct err *e)
{
	int waits = c->rules.confirm[platform_index(p)] == TIER_CONFIRM_BEFORE;
	struct str is = waits ? STR("before") : STR("after");
	struct str name = str_from(arena_printf(a, "confirm:%s", p->name));
	const struct manual m = { .kind = MANUAL_CONFIRM,
		.begin = now,
		.end = STORE_NULL,
		.until = STORE_NULL,
		.note = STR("the key confirm became 'before'") };
	struct str was;
	int64_t event;
	if (name.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (store_meta_text(s, name, a, &was, e) != 0)
		return -1;
	if (str_eq(was, is) || (!waits && was.n == 0))
		return 0;
	if (waits &&
	    manual_put(s, c, str_from(p->name), STR(MANUAL_CONFIRM_SUBJECT), &m,
		now, a, &event, e) != 0)
		return -1;
	return store_meta_put(s, name, is, e);
}

int
confirm_mark(
    struct store *s, const struct config *c, int64_t now, struct err *e)
{
	struct arena *a = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < PLATFORM__MAX; i++) {
		if (platforms[i]->api == NULL ||
		    c->platforms[i].api_token.p == NULL)
			continue;
		if (a == NULL && (a = arena_new(MEMORY_MAX)) == NULL)
			return err_set(e, ERR_MEMORY, "out of memory");
		rc = mark(s, c, platforms[i], a, now, e);
	}
	arena_free(a);
	return rc;
}

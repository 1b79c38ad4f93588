#include "commit/confirm_mark.h"

#include "base/time.h"
#include "commit/manual_put.h"
#include "commit/project.h"
#include "store/pinged.h"

enum {
	MEMORY_MAX = 16 * 1024 * 1024,
	AT_ONCE = 100,
	/* a delivery may say that it was first sent so long before it came */
	SENT_AGO_S = 900,
};

static int
mark(struct store *s, const struct config *c, const struct platform *p,
    struct arena *a, int64_t now, struct err *e)
{
	int waits = c->rules.confirm[platform_index(p)] == TIER_CONFIRM_BEFORE;
	struct str is = waits ? STR("before") : STR("after");
	struct str name = str_from(arena_printf(a, "confirm:%s", p->name));
	const struct manual m = { .kind = MANUAL_CONFIRM,
		.begin = now - SENT_AGO_S,
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

int
confirm_brake(struct store *s, const struct config *c, const struct platform *p,
    int64_t begin, int64_t end, struct arena *a, int64_t *event, struct err *e)
{
	const struct manual m = { .kind = MANUAL_CONFIRM,
		.begin = begin - SENT_AGO_S,
		.end = end,
		.until = STORE_NULL,
		.note = STR("too many sales that are none") };
	return manual_put(s, c, str_from(p->name), STR(MANUAL_CONFIRM_SUBJECT),
	    &m, time_now(), a, event, e);
}

struct subjects {
	struct arena *arena;
	struct str v[AT_ONCE];
	size_t n;
};

static int
take_subject(void *arg, struct str subject)
{
	struct subjects *all = arg;
	all->v[all->n] = str_copy(all->arena, subject);
	return all->v[all->n].p == NULL || ++all->n == AT_ONCE;
}

/* One that cannot be folded keeps the rows it has. */
static int
fold_one(struct store *s, const struct config *c, const struct platform *p,
    struct str subject, const struct confirm_again *how, struct arena *a,
    struct err *e)
{
	const struct project_when when = { .at = how->at, .event = how->event };
	if (store_savepoint(s, e) != 0)
		return -1;
	if (project_subject(s, c, p, subject, NULL, &when, a, e) != 0 &&
	    (err_is_passing(e) || store_rollback_to(s, e) != 0))
		return -1;
	return store_release(s, e);
}

int
confirm_again(struct store *s, const struct config *c, const struct platform *p,
    struct confirm_again *how, struct arena *a, struct err *e)
{
	struct subjects all = { .arena = a };
	if (store_begin(s, e) != 0)
		return -1;
	int rc = store_pinged_subjects(s, str_from(p->name), how->since,
	    str_from(how->after), AT_ONCE, take_subject, &all, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++)
		rc = fold_one(s, c, p, all.v[i], how, a, e);
	if (rc != 0 || store_commit(s, e) != 0) {
		store_rollback(s);
		return -1;
	}
	how->more = all.n == AT_ONCE;
	if (all.n > 0)
		snprintf(how->after, sizeof(how->after), "%.*s",
		    STR_ARG(all.v[all.n - 1]));
	return 0;
}

#include "commit/rebuild.h"

#include "base/time.h"
#include "fold/manual.h"
#include "commit/project.h"

enum { SUBJECTS_AT_ONCE = 200, TEXT_MAX = 64 * 1024, AHEAD = 16 };

struct subject_name {
	struct str platform;
	struct str subject;
};

struct names {
	struct arena *arena;
	struct subject_name v[SUBJECTS_AT_ONCE];
	size_t n;
	int failed;
};

static int
take_name(void *arg, struct str platform, struct str subject)
{
	struct names *names = arg;
	struct subject_name *name = &names->v[names->n];
	name->platform = str_copy(names->arena, platform);
	name->subject = str_copy(names->arena, subject);
	if (name->platform.p == NULL || name->subject.p == NULL)
		names->failed = 1;
	return names->failed || ++names->n == SUBJECTS_AT_ONCE;
}

int
rebuild_needed(
    struct store *s, const struct config *c, int *needed, struct err *e)
{
	char hex[65];
	int same;
	if (project_digest(c, hex, e) != 0 ||
	    store_meta_is(s, STR("state_digest"), str_from(hex), &same, e) != 0)
		return -1;
	*needed = !same;
	return 0;
}

/* The subject a rebuild under this digest has come to; "" at the beginning. */
static int
read_cursor(struct store *s, struct str digest, struct arena *a,
    struct subject_name *at, struct err *e)
{
	int same;
	*at = (struct subject_name){ STR(""), STR("") };
	if (store_meta_is(s, STR("rebuild_digest"), digest, &same, e) != 0)
		return -1;
	if (!same)
		return 0;
	struct str platform, subject;
	if (store_meta_text(s, STR("rebuild_platform"), a, &platform, e) != 0 ||
	    store_meta_text(s, STR("rebuild_subject"), a, &subject, e) != 0)
		return -1;
	if (platform.p != NULL && subject.p != NULL)
		*at = (struct subject_name){ platform, subject };
	return 0;
}

static int
write_cursor(struct store *s, struct str digest, const struct subject_name *at,
    struct err *e)
{
	if (store_meta_put(s, STR("rebuild_digest"), digest, e) != 0 ||
	    store_meta_put(s, STR("rebuild_platform"), at->platform, e) != 0 ||
	    store_meta_put(s, STR("rebuild_subject"), at->subject, e) != 0)
		return -1;
	return 0;
}

int
rebuild_restart(struct store *s, const struct config *c, struct err *e)
{
	char hex[65];
	struct subject_name begin = { STR(""), STR("") };
	if (project_digest(c, hex, e) != 0 || store_begin(s, e) != 0)
		return -1;
	if (write_cursor(s, str_from(hex), &begin, e) == 0 &&
	    store_meta_put(s, STR("state_digest"), STR(""), e) == 0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* Folds one; a subject that cannot be folded keeps the rows it has. */
static int
rebuild_one(struct store *s, const struct config *c,
    const struct subject_name *name, int64_t now, struct arena *a,
    struct rebuild_result *r, struct err *e)
{
	struct project_when when = { .at = now, .event = STORE_NULL };
	size_t rows = 0;
	r->subjects++;
	arena_reset(a);
	if (project_differs(s, c, name->platform, name->subject, a, &rows, e) !=
	    0)
		return err_ends_transaction(e) ? -1 : 0;
	if (rows == 0)
		return 0;
	if (store_savepoint(s, e) != 0)
		return -1;
	if (project_any(s, c, name->platform, name->subject, &when, a, e) !=
	    0) {
		if (err_ends_transaction(e) || store_rollback_to(s, e) != 0)
			return -1;
		return store_release(s, e);
	}
	r->changed_subjects++;
	r->changed_rows += (int64_t)rows;
	return store_release(s, e);
}

/* What the next ones will be folded from and compared with. */
static void
look_ahead(
    struct store *s, const struct subject_name *v, size_t n, struct arena *a)
{
	for (size_t i = 0; i < n && i < AHEAD; i++) {
		store_ahead_subject(s, v[i].platform, v[i].subject);
		store_ahead_about(
		    s, manual_subject(a, v[i].platform, v[i].subject));
	}
}

static int
step(struct store *s, const struct config *c, int64_t now, struct arena *a,
    struct arena *names_arena, struct rebuild_result *r, struct err *e)
{
	char hex[65];
	struct names names = { .arena = names_arena };
	struct subject_name at;
	int64_t end = time_ticks() + REBUILD_STEP_MS;
	if (project_digest(c, hex, e) != 0 ||
	    read_cursor(s, str_from(hex), names_arena, &at, e) != 0 ||
	    store_subjects_after(s, at.platform, at.subject, SUBJECTS_AT_ONCE,
		take_name, &names, e) != 0)
		return -1;
	if (names.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < names.n; i++) {
		if (i % AHEAD == 0 && store_is_far(s))
			look_ahead(s, &names.v[i], names.n - i, a);
		if (rebuild_one(s, c, &names.v[i], now, a, r, e) != 0)
			return -1;
		at = names.v[i];
		if (time_ticks() >= end)
			break;
	}
	if (names.n > 0)
		return write_cursor(s, str_from(hex), &at, e);
	r->done = 1;
	return store_meta_put(s, STR("state_digest"), str_from(hex), e) == 0 &&
		store_meta_put(s, STR("rebuild_digest"), STR(""), e) == 0
	    ? 0
	    : -1;
}

int
rebuild_step(struct store *s, const struct config *c, int64_t now,
    struct arena *a, struct rebuild_result *r, struct err *e)
{
	struct arena *names = arena_new(SUBJECTS_AT_ONCE * (size_t)TEXT_MAX);
	int rc = store_begin(s, e);
	if (rc == 0) {
		rc = step(s, c, now, a, names, r, e);
		if (rc == 0)
			rc = store_commit(s, e);
		if (rc != 0)
			store_rollback(s);
	}
	arena_free(names);
	return rc;
}

int
rebuild_diff(struct store *s, const struct config *c, struct arena *a,
    rebuild_diff_fn *fn, void *arg, struct rebuild_result *r, struct err *e)
{
	struct subject_name at = { STR(""), STR("") };
	struct arena *now = arena_new(SUBJECTS_AT_ONCE * (size_t)TEXT_MAX);
	struct arena *next = arena_new(SUBJECTS_AT_ONCE * (size_t)TEXT_MAX);
	int rc = 0;
	while (rc == 0 && !r->done) {
		/* the cursor lives in the other arena while this one fills */
		struct names names = { .arena = next };
		arena_reset(next);
		rc = store_subjects_after(s, at.platform, at.subject,
		    SUBJECTS_AT_ONCE, take_name, &names, e);
		for (size_t i = 0; rc == 0 && i < names.n; i++) {
			size_t rows = 0;
			arena_reset(a);
			at = names.v[i];
			rc = project_differs(
			    s, c, at.platform, at.subject, a, &rows, e);
			r->subjects++;
			r->changed_subjects += rows > 0;
			r->changed_rows += (int64_t)rows;
			if (rc == 0 && rows > 0)
				fn(arg, at.platform, at.subject, rows);
		}
		r->done = names.n == 0;
		struct arena *swap = now;
		now = next;
		next = swap;
	}
	arena_free(now);
	arena_free(next);
	return rc;
}

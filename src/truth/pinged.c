#include "truth/pinged.h"

#include "base/time.h"
#include "config/config_names.h"
#include "fold/column.h"

enum {
	SCAN_MAX = 500,
	BEHIND_MAX = 2000,
	NAMES_MAX = 1024 * 1024,
	MEMORY_MAX = 64 * 1024 * 1024
};

struct scan {
	struct store *s;
	const struct config *c;
	const struct platform *platform;
	struct arena *names, *scratch;
	int64_t since; /* seconds */
	int64_t last; /* id of the last one seen */
	size_t seen, n;
	struct {
		struct str sale;
		int64_t came_at;
	} v[SCAN_MAX];
	int failed;
};

/* A test that gives nothing need not be asked for. */
static int
is_wanted(const struct scan *n, const struct fact *f)
{
	return f->status == FACT_APPLIED && f->sale.p != NULL &&
	    (!f->test || n->c->rules.accept_test[platform_index(n->platform)]);
}

static int
take_event(void *arg, const struct store_event *ev)
{
	struct scan *n = arg;
	struct decode_opts opts = project_opts(n->c, n->platform);
	struct fact f;
	n->last = ev->id;
	n->seen++;
	if (ev->received_at < n->since)
		return 0;
	arena_reset(n->scratch);
	if (platform_decode(n->platform, ev->kind, ev->body, &opts, n->scratch,
		&f, NULL) != 0) {
		n->failed = 1;
		return 1;
	}
	if (!is_wanted(n, &f))
		return 0;
	n->v[n->n].sale =
	    str_copy(n->names, project_column(n->scratch, f.sale));
	n->v[n->n].came_at = ev->received_at;
	n->failed |= n->v[n->n].sale.p == NULL;
	n->n++;
	return n->failed;
}

static int
keep(struct scan *n, struct str cursor, int64_t upto, struct err *e)
{
	char text[24];
	struct str platform = str_from(n->platform->name);
	int rc = 0;
	snprintf(text, sizeof(text), "%lld", (long long)upto);
	if (store_begin(n->s, e) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < n->n; i++)
		rc = store_pinged_put(
		    n->s, platform, n->v[i].sale, n->v[i].came_at, e);
	if (rc == 0 && store_meta_put(n->s, cursor, str_from(text), e) == 0 &&
	    store_commit(n->s, e) == 0)
		return 0;
	store_rollback(n->s);
	return -1;
}

/* *more: there may be others behind. */
static int
scan(struct scan *n, struct str cursor, int *more, struct err *e)
{
	int64_t at, max;
	*more = 0;
	if (store_event_max(n->s, &max, e) != 0 ||
	    store_meta_number(n->s, cursor, &at, e) != 0)
		return -1;
	if (at == max)
		return 0;
	/* the first time, or of a database that has fewer */
	if ((at == STORE_NULL || at > max) &&
	    store_event_before(n->s, n->since, &at, e) != 0)
		return -1;
	n->n = n->seen = 0;
	arena_reset(n->names);
	if (store_event_delivered(n->s, str_from(n->platform->name), at,
		SCAN_MAX, take_event, n, e) != 0)
		return -1;
	if (n->failed)
		return err_no_memory(e);
	*more = n->seen == SCAN_MAX;
	/* past readings alone it need not be written each time */
	if (n->seen == 0 && max - at < BEHIND_MAX)
		return 0;
	return keep(n, cursor, *more ? n->last : max, e);
}

int
pinged_scan(struct store *s, const struct config *c,
    const struct platform *platform, struct err *e)
{
	char cursor[64];
	struct scan n = { .s = s,
		.c = c,
		.platform = platform,
		.names = arena_new(NAMES_MAX),
		.scratch = arena_new(MEMORY_MAX),
		.since = time_now() - PINGED_DAYS * 86400 };
	int more = 1, rc = 0;
	snprintf(cursor, sizeof(cursor), "pinged_to:%s", platform->name);
	if (n.names == NULL || n.scratch == NULL)
		rc = err_no_memory(e);
	while (rc == 0 && more)
		rc = scan(&n, str_from(cursor), &more, e);
	arena_free(n.names);
	arena_free(n.scratch);
	return rc;
}

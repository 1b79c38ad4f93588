#include "commit/heard.h"

#include "config/config_names.h"

enum { MEMORY_MAX = 64 * 1024 * 1024 }; /* of one delivery, decoded */

struct heard {
	const struct config *config;
	struct arena *arena;
	size_t n;
	int is_test; /* the delivery looked at */
	struct seen {
		int64_t event, at;
		size_t platform;
	} seen[STORE_WATCH_MAX];
};

static int
take(void *arg, int64_t event, struct str platform, int64_t last_seen_at)
{
	struct heard *h = arg;
	const struct platform *p = platform_find(platform);
	if (p != NULL)
		h->seen[h->n++] =
		    (struct seen){ event, last_seen_at, platform_index(p) };
	return h->n == STORE_WATCH_MAX;
}

static int
look(void *arg, const struct store_event *ev)
{
	struct heard *h = arg;
	const struct platform *p = platform_find(ev->platform);
	struct decode_opts opts = project_opts(h->config, p);
	struct fact f;
	struct err e;
	arena_reset(h->arena);
	h->is_test = p->decode(p, ev->body, &opts, h->arena, &f, &e) == 0 &&
	    (f.test || f.status == FACT_TEST);
	return 1;
}

static int
choose(struct store *s, struct heard *h, int64_t last[PLATFORM__MAX],
    struct err *e)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct seen *seen = &h->seen[i];
		if (last[seen->platform] != 0)
			continue;
		if (store_event_get(s, seen->event, look, h, e) != 0)
			return -1;
		if (!h->is_test)
			last[seen->platform] = seen->at;
	}
	return 0;
}

int
heard_last(struct store *s, const struct config *c, const struct platform *p,
    struct str kind, int64_t last[PLATFORM__MAX], struct err *e)
{
	struct heard h = { .config = c, .arena = arena_new(MEMORY_MAX) };
	int rc = -1;
	memset(last, 0, PLATFORM__MAX * sizeof(*last));
	if (store_event_newest(s, p == NULL ? STR_NONE : str_from(p->name),
		kind, take, &h, e) == 0)
		rc = choose(s, &h, last, e);
	arena_free(h.arena);
	return rc;
}

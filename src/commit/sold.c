#include "commit/sold.h"

#include "config/config_names.h"

enum { MEMORY_MAX = 64 * 1024 * 1024 }; /* of one delivery, decoded */

struct looking {
	const struct platform *platform;
	struct decode_opts opts;
	struct str sale;
	struct arena *one; /* of one delivery */
	struct arena *arena;
	struct str kind, body; /* of the newest; STR_NONE: none yet */
};

static int
look(void *arg, const struct store_event *ev)
{
	struct looking *l = arg;
	struct fact f;
	struct err e;
	/* that there is none tells no name */
	if (str_eq_z(ev->kind, PLATFORM_ABSENT))
		return 0;
	arena_reset(l->one);
	if (platform_decode(l->platform, ev->kind, ev->body, &l->opts, l->one,
		&f, &e) == 0 &&
	    str_eq(f.sale, l->sale)) {
		l->kind = str_copy(l->arena, ev->kind);
		l->body = str_copy(l->arena, ev->body);
	}
	return 0;
}

int
sold_find(struct store *s, const struct config *c,
    const struct store_purchase *row, struct arena *a, struct fact *out,
    struct err *e)
{
	struct looking l = { .platform = platform_find(row->platform),
		.sale = row->sale,
		.arena = a };
	*out = (struct fact){ .kind = FACT_UNKNOWN };
	if (l.platform == NULL)
		return 0;
	l.opts = project_opts(c, l.platform);
	l.one = arena_new(MEMORY_MAX);
	int rc =
	    store_event_of_subject(s, row->platform, row->subject, look, &l, e);
	arena_free(l.one);
	if (rc != 0 || l.body.p == NULL)
		return rc;
	return platform_decode(l.platform, l.kind, l.body, &l.opts, a, out, e);
}

#include "ctl/tests_of.h"

#include "config/config_names.h"
#include "access/rows.h"

enum { DECODE_MAX = 64 << 20 }; /* bytes */

struct search {
	const struct config *c;
	struct rows tests; /* of all subjects */
	struct rows here; /* all purchases of one subject */
	const struct platform *platform;
	struct arena *arena; /* of one decoded delivery */
	store_event_fn *fn;
	void *arg;
	int failed;
};

static int
take_test(void *arg, const struct store_purchase *row)
{
	struct search *f = arg;
	return row->test ? rows_take(&f->tests, row) : 0;
}

static int
names_a_test(const struct search *f, struct str sale)
{
	for (size_t i = 0; i < f->here.n; i++)
		if (f->here.v[i].test && str_eq(f->here.v[i].sale, sale))
			return 1;
	return 0;
}

static int
take_event(void *arg, const struct store_event *ev)
{
	struct search *f = arg;
	struct decode_opts opts = project_opts(f->c, f->platform);
	struct fact fact;
	arena_reset(f->arena);
	if (platform_decode(f->platform, ev->kind, ev->body, &opts, f->arena,
		&fact, NULL) != 0) {
		f->failed = 1;
		return 1;
	}
	return names_a_test(f, fact.sale) ? f->fn(f->arg, ev) : 0;
}

static int
search_subject(struct search *f, struct store *s,
    const struct store_purchase *row, struct err *e)
{
	int all = 1;
	f->platform = platform_find(row->platform);
	f->here.n = 0;
	if (f->platform == NULL)
		return 0;
	if (store_purchase_of_subject(
		s, row->platform, row->subject, rows_take, &f->here, e) != 0)
		return -1;
	for (size_t i = 0; i < f->here.n; i++)
		all &= f->here.v[i].test != 0;
	return all ? store_event_of_subject(
			 s, row->platform, row->subject, f->fn, f->arg, e)
		   : store_event_of_subject(
			 s, row->platform, row->subject, take_event, f, e);
}

int
tests_of(struct ctl *ctl, struct store *s, store_event_fn *fn, void *arg,
    struct err *e)
{
	struct search f = { .c = ctl->config,
		.tests.arena = ctl->arena,
		.here.arena = ctl->arena,
		.arena = arena_new(DECODE_MAX),
		.fn = fn,
		.arg = arg };
	int rc = f.arena == NULL ? -1 : store_purchase_all(s, take_test, &f, e);
	for (size_t i = 0; rc == 0 && i < f.tests.n; i++)
		if (rows_is_first(&f.tests, i))
			rc = search_subject(&f, s, &f.tests.v[i], e);
	if (f.arena == NULL || f.failed || arena_failed(ctl->arena))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	arena_free(f.arena);
	return rc;
}

#include "truth/list.h"

#include "base/json.h"
#include "base/time.h"

struct list {
	struct pass *pass;
	json_t *objects; /* reduced, in the order of the pages */
	json_t *keys; /* one for each of them */
	int64_t total;
	int64_t requested_at; /* the first page */
};

static int
changed(const char *how, struct err *e)
{
	return err_set(e, ERR_INPUT,
	    "the list of members could not be read whole: %s. Nothing of it "
	    "was taken; it is read again",
	    how);
}

/* Is it as it should be, and not there yet? */
static int
add_object(struct list *l, json_t *object, struct err *e)
{
	struct pass *p = l->pass;
	struct reading r;
	struct fact f;
	if (pass_object(p, PLATFORM_SUBSCRIBER, object, &r, &f, e) != 0)
		return -1;
	const char *key = arena_printf(p->arena, "%.*s %.*s %lld",
	    STR_ARG(f.subject), STR_ARG(f.product_id), (long long)f.sold_at);
	if (key == NULL)
		return err_no_memory(e);
	if (json_object_get(l->keys, key) != NULL)
		return changed("it names somebody twice", e);
	return json_object_set_new(l->keys, key, json_null()) != 0 ||
		json_array_append_new(l->objects,
		    p->ask.platform->api->reduce(r.kind, object)) != 0
	    ? err_no_memory(e)
	    : 0;
}

static int
add_page(struct list *l, const struct platform_answer *a, struct err *e)
{
	json_t *object;
	size_t i;
	arena_reset(l->pass->arena);
	json_array_foreach(a->objects, i, object)
	{
		if (add_object(l, object, e) != 0)
			return -1;
	}
	return 0;
}

static int
read_pages(struct list *l, struct err *e)
{
	struct pass *p = l->pass;
	struct platform_question q = { .what = ASK_MEMBERS };
	struct platform_answer a;
	enum platform_said said;
	do {
		q.number++;
		if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
			return -1;
		if (q.number == 1)
			l->total = a.total;
		if (said != SAID_FINE || a.total != l->total)
			return changed("it changed meanwhile", e);
		if (l->total > LIST_MAX)
			return err_set(e, ERR_INPUT,
			    "%lld members are more than can be read",
			    (long long)l->total);
		if (add_page(l, &a, e) != 0 || pass_note(p, e) != 0)
			return -1;
	} while (json_array_size(a.objects) > 0 &&
	    (int64_t)json_array_size(l->objects) < l->total);
	return (int64_t)json_array_size(l->objects) == l->total
	    ? 0
	    : changed("it has more or fewer members than it says", e);
}

static int
take_all(struct list *l, struct err *e)
{
	size_t n = json_array_size(l->objects);
	for (size_t i = 0; i < n; i += PASS_PAGE_MAX) {
		json_t *page = json_array();
		for (size_t k = i; k < n && k < i + PASS_PAGE_MAX; k++)
			json_array_append(page, json_array_get(l->objects, k));
		int rc = pass_take(
		    l->pass, PLATFORM_SUBSCRIBER, page, l->requested_at, e);
		json_decref(page);
		if (rc != 0 || pass_note(l->pass, e) != 0)
			return -1;
	}
	return 0;
}

int
list_members(struct pass *p, struct err *e)
{
	struct list l = { .pass = p,
		.objects = json_array(),
		.keys = json_object(),
		.requested_at = time_now() };
	int rc = l.objects == NULL || l.keys == NULL ? err_no_memory(e)
						     : read_pages(&l, e);
	if (rc == 0)
		rc = take_all(&l, e);
	json_decref(l.objects);
	json_decref(l.keys);
	return rc;
}

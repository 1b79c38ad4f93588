#include "cgi/ask/changes_page.h"

#include "base/jsonw.h"

struct page {
	struct buf *b;
	int64_t last;
};

static int
add_change(void *arg, const struct store_change *c)
{
	struct page *page = arg;
	struct buf *b = page->b;
	jsonw_open(b, '{');
	jsonw_int(b, "id", c->id);
	jsonw_time(b, "at", c->at);
	jsonw_text(b, "user", c->user_ref);
	jsonw_text(b, "email", c->email);
	jsonw_text(b, "buyer", c->buyer);
	jsonw_text(b, "license", c->license);
	jsonw_text(b, "before", c->before);
	jsonw_text(b, "after", c->after);
	jsonw_int(b, "event", c->event);
	jsonw_close(b, '}');
	page->last = c->id;
	return 0;
}

int
changes_page(
    struct store *s, int64_t after, struct buf *b, int64_t *last, struct err *e)
{
	struct page page = { b, after };
	jsonw_open(b, '{');
	jsonw_key(b, "changes");
	jsonw_open(b, '[');
	if (s != NULL &&
	    store_change_after(s, after, CHANGES_PAGE, add_change, &page, e) !=
		0)
		return -1;
	jsonw_close(b, ']');
	jsonw_int(b, "after", page.last);
	jsonw_close(b, '}');
	*last = page.last;
	return 0;
}

#include "base/log.h"
#include "cgi/web/apikey.h"
#include "cgi/ask/ask.h"
#include "cgi/ask/changes_page.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"

/* A number of the query, 0 where it is not given. 0, or -1 with the 400. */
static int
query_number(struct request *r, const char *name, int64_t max, int64_t *out,
    struct reply *p)
{
	struct str text;
	int n = request_query(r, name, &text);
	*out = 0;
	if (n == 0 || (n == 1 && str_int64(text, 0, max, out) == 0))
		return 0;
	reply_error(p, 400, name,
	    "after is the number of a change, wait 0 to 60 seconds, each once");
	return -1;
}

/* Nothing has happened yet: waits for it, unless nothing can wait here. */
static void
park(const struct app *app, const struct request *r, int64_t after,
    int64_t wait, struct reply *p)
{
	const struct stream_opts o = {
		.kind = STREAM_CHANGES, .sent = after, .wait_ms = wait * 1000
	};
	if (wait > 0 && app->publish != NULL && !r->is_head)
		publish_open(app->publish, &o, p);
}

void
changes_get(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	int64_t after, wait, last;
	if (!apikey_fits(app, r, p) ||
	    query_number(r, "after", INT64_MAX, &after, p) != 0 ||
	    query_number(r, "wait", CHANGES_WAIT_MAX, &wait, p) != 0)
		return;
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s == NULL ||
	    changes_page(s, after, reply_json(p, 200), &last, &err) != 0) {
		log_line(LOG_ERROR, "changes: %s", err.text);
		readers_drop(app->readers, r->worker);
		reply_header(p, "Retry-After", STR("5"));
		reply_error(
		    p, 503, "unavailable", "the database cannot be read now");
		return;
	}
	if (last == after)
		park(app, r, after, wait, p);
}

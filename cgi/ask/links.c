#include <jansson.h>

#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/apikey.h"
#include "cgi/web/app.h"
#include "cgi/ask/ask.h"
#include "cgi/server/writer.h"
#include "commit/commit.h"
#include "fold/manual.h"
#include "commit/manual_put.h"
#include "access/rows.h"

/* POST /v1/links: whose a sale or subscription is, as `gatepost link`. */

struct link {
	const struct config *config;
	struct str sale; /* this, */
	struct str subscription; /* or this; the other is STR_NONE */
	struct manual manual;
	int64_t now;
	struct arena *arena;
	int64_t event; /* the last one made; 0: none */
};

static int
find_rows(
    const struct link *link, struct store *s, struct rows *rows, struct err *e)
{
	if (link->subscription.p != NULL)
		return store_purchase_of_subscription(
		    s, link->subscription, rows_take, rows, e);
	return rows_of_sale(s, link->sale, rows, e);
}

/* By the one writer, between two batches. */
static int
put_link(struct store *s, void *arg, struct err *e)
{
	struct link *link = arg;
	struct rows rows = { .arena = link->arena };
	if (find_rows(link, s, &rows, e) != 0)
		return -1;
	if (rows.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < rows.n; i++)
		if (rows_is_first(&rows, i) &&
		    !str_eq_z(rows.v[i].platform, "manual") &&
		    manual_put(s, link->config, rows.v[i].platform,
			rows.v[i].subject, &link->manual, link->now,
			link->arena, &link->event, e) != 0)
			return -1;
	return 0;
}

static struct str
text(const json_t *o, const char *key)
{
	struct str s;
	json_text(json_object_get(o, key), &s);
	return platform_identifier(s);
}

/* {"sale":"…","user":"42"}: exactly two keys, both texts. 0, or -1. */
static int
read_link(struct request *r, struct link *link)
{
	const char *reason = NULL;
	struct err err = { .code = ERR_NONE };
	const json_t *o = json_load_kept(r->arena, r->body, 0, &reason, &err);
	if (o == NULL)
		return -1;
	link->sale = link->manual.sale = text(o, "sale");
	link->subscription = text(o, "subscription");
	link->manual.user = text(o, "user");
	return json_object_size(o) == 2 && link->manual.user.p != NULL &&
		(link->sale.p != NULL || link->subscription.p != NULL)
	    ? 0
	    : -1;
}

void
links_post(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	struct link link = { .config = app->config,
		.manual = { .kind = MANUAL_LINK,
		    .by = -1,
		    .until = STORE_NULL },
		.now = time_now(),
		.arena = r->arena };
	if (!apikey_fits(app, r, p))
		return;
	if (read_link(r, &link) != 0) {
		reply_error(p, 400, "body",
		    "send JSON: {\"sale\":\"…\",\"user\":\"42\"}, or with "
		    "subscription instead of sale");
		return;
	}
	if (!writer_enter(app->writers, r, p))
		return;
	if (writer_chore(app->commit, put_link, &link, &err) != 0) {
		log_line(LOG_ERROR, "link not stored: %s", err.text);
		reply_header(p, "Retry-After", STR("5"));
		reply_error(p, 503, "unavailable",
		    "not stored; send it again in a little while");
		return;
	}
	if (link.event == 0) {
		reply_error(
		    p, 404, "not_found", "no sale or subscription has that id");
		return;
	}
	struct buf *b = reply_json(p, 200);
	jsonw_open(b, '{');
	jsonw_text(b, "status", STR("linked"));
	jsonw_int(b, "event", link.event);
	jsonw_close(b, '}');
}

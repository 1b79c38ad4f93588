#include <jansson.h>

#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/apikey.h"
#include "cgi/web/app.h"
#include "cgi/ask/ask.h"
#include "access/access.h"
#include "access/pass.h"

/* POST /v1/passes: a pass for a user of the app, as `gatepost pass`. */

enum { DAYS_DEFAULT = 30 };

/* {"user":"42","for":"30d"}: one identifier, perhaps a span, nothing else. */
static int
read_pass(
    struct request *r, struct access_key *key, int64_t *seconds, struct err *e)
{
	const char *reason = NULL, *name;
	json_t *o =
	    json_load_kept(r->arena, r->body, JSON_KEEP_NUL, &reason, e);
	json_t *v;
	int found = 0;
	*seconds = DAYS_DEFAULT * INT64_C(86400);
	if (o == NULL)
		return err_set(e, ERR_INPUT,
		    "send JSON: {\"user\":\"42\",\"for\":\"30d\"}");
	json_object_foreach(o, name, v)
	{
		struct str s;
		int by = STORE_BY_USER;
		while (by <= STORE_BY_LICENSE &&
		    strcmp(name, access_words[by]) != 0)
			by++;
		int is_span = strcmp(name, "for") == 0;
		if ((by > STORE_BY_LICENSE && !is_span) ||
		    json_text(v, &s) != 0)
			return err_set(e, ERR_INPUT,
			    "send one of user, email, buyer, license, and "
			    "for; all are texts");
		if (is_span) {
			if (str_duration(s, seconds) != 0)
				return err_set(
				    e, ERR_INPUT, "for is 30d, 12h, 2w, …");
		} else if (found++ == 0 &&
		    access_key_parse((enum store_by)by, s, r->arena, key, e) !=
			0) {
			return -1;
		}
	}
	return found == 1
	    ? 0
	    : err_set(e, ERR_INPUT,
		  "give exactly one of user, email, buyer, license");
}

void
passes_post(const struct app *app, struct request *r, struct reply *p)
{
	struct access_key key;
	struct buf pass;
	struct err err = { .code = ERR_NONE };
	int64_t seconds;
	if (!apikey_fits(app, r, p))
		return;
	buf_init(&pass, PASS_MAX);
	if (read_pass(r, &key, &seconds, &err) != 0 ||
	    pass_make(app->config, &key, time_now(), seconds, &pass, &err) !=
		0) {
		if (err.code == ERR_INPUT || err.code == ERR_LIMIT) {
			reply_error(p, 400, "body", err.text);
		} else {
			log_line(LOG_ERROR, "no pass made: %s", err.text);
			reply_header(p, "Retry-After", STR("60"));
			reply_error(p, 503,
			    err.code == ERR_CONFIG ? "not_configured"
						   : "unavailable",
			    err.text);
		}
	} else {
		struct buf *b = reply_json(p, 200);
		jsonw_open(b, '{');
		jsonw_text(b, "pass", buf_str(&pass));
		jsonw_close(b, '}');
	}
	buf_free(&pass);
}

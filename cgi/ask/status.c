#include "health/status.h"

#include "base/log.h"
#include "base/time.h"
#include "cgi/ask/ask.h"
#include "cgi/server/reader.h"
#include "cgi/web/apikey.h"

void
status_get(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	if (!apikey_fits(app, r, p))
		return;
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s != NULL &&
	    status_write(reply_json(p, 200), s, app->config, time_now(),
		r->arena, &err) == 0)
		return;
	log_line(LOG_ERROR, "status: %s", err.text);
	readers_drop(app->readers, r->worker);
	reply_header(p, "Retry-After", STR("5"));
	reply_error(p, 503, "unavailable", "the database cannot be read now");
}

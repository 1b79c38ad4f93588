#include "cgi/ask/ask.h"
#include "cgi/server/reader.h"
#include "cgi/web/app.h"
#include "commit/commit.h"

void
healthz_get(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	struct store *s = readers_get(app->readers, r->worker, &err);
	/* a new installation: the first delivery would make the database */
	if (s == NULL && err.code == ERR_ABSENT &&
	    commit_prepare(app->commit, &err) == 0)
		s = readers_get(app->readers, r->worker, &err);
	if (s != NULL && store_alive(s, &err) == 0) {
		buf_addz(reply_text(p, 200), "ok");
		return;
	}
	if (s != NULL)
		readers_drop(app->readers, r->worker);
	/* the log tells why; who asks here learns no more than this */
	reply_header(p, "Retry-After", STR("30"));
	buf_addz(reply_text(p, 503), "unavailable");
}

#include "cgi/web/cors.h"

/* Browsers ask again after this many seconds; Chrome's maximum. What is
 * allowed is looked at in each request all the same. */
#define MAX_AGE "7200"

static int
is_listed(const struct app *app, struct str origin)
{
	const struct config_list *list = &app->config->allow_origins;
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], origin))
			return 1;
	return 0;
}

void
cors_add(const struct app *app, const struct request *r, struct reply *p)
{
	struct str origin = request_param(r, "HTTP_ORIGIN");
	reply_header(p, "Vary", STR("Origin"));
	if (origin.p == NULL || !is_listed(app, origin))
		return;
	reply_header(p, "Access-Control-Allow-Origin", origin);
	reply_header(p, "Access-Control-Allow-Credentials", STR("true"));
}

void
cors_preflight(const struct app *app, struct request *r, struct reply *p,
    const char *methods, const char *headers)
{
	struct str origin = request_param(r, "HTTP_ORIGIN");
	cors_add(app, r, p);
	if (origin.p == NULL || !is_listed(app, origin)) {
		reply_error(p, 403, "origin",
		    "this origin is not in allow_origin of the settings");
		return;
	}
	reply_empty(p, 204);
	reply_header(p, "Access-Control-Allow-Methods", str_from(methods));
	reply_header(p, "Access-Control-Allow-Headers", str_from(headers));
	reply_header(p, "Access-Control-Max-Age", STR(MAX_AGE));
}

#include "cgi/route.h"

void
access_get(const struct app *app, struct request *r, struct reply *p)
{
	(void)app;
	(void)r;
	reply_header(p, "Retry-After", STR("60"));
	reply_error(p, 503, "not_ready", "this address is not served yet");
}

void
access_post(const struct app *app, struct request *r, struct reply *p)
{
	(void)app;
	(void)r;
	reply_header(p, "Retry-After", STR("60"));
	reply_error(p, 503, "not_ready", "this address is not served yet");
}

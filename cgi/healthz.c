#include "cgi/route.h"

void
healthz_get(const struct app *app, struct request *r, struct reply *p)
{
	(void)app;
	(void)r;
	buf_addz(reply_text(p, 200), "ok");
}

#include "cgi/ask/openapi.h"

#include "cgi/ask/ask.h"

/* What apps can ask, as a document for their tools. It holds no secret, so
 * anybody may have it. */
void
openapi_get(const struct app *app, struct request *r, struct reply *p)
{
	(void)app;
	(void)r;
	buf_addz(reply_json(p, 200), openapi_text);
	p->cache = "max-age=300";
}

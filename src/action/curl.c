#include "action/curl.h"

int
curl_call(const struct http_post *post, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	(void)post;
	(void)answer;
	(void)body;
	return err_set(
	    e, ERR_SYSTEM, "this gatepost was built without libcurl");
}

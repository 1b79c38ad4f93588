#ifndef CGI_WEB_APIKEY_H
#define CGI_WEB_APIKEY_H

#include "cgi/web/app.h"

/* Does the request carry one of the configuration's api_keys as
 * "Authorization: Bearer KEY"? If not, *p is the 401 to send, or the 503
 * where there is no memory to compare. Every key is compared, in constant
 * time. */
int
apikey_fits(const struct app *app, const struct request *r, struct reply *p);

#endif

#ifndef CGI_ASK_OPENAPI_H
#define CGI_ASK_OPENAPI_H

/* cgi/openapi.json, as the build embeds it. */
extern const char openapi_text[];

#endif

#ifndef ACTION_HTTP_SEEN_H
#define ACTION_HTTP_SEEN_H

#include "action/http.h"

/* What both ways of http_call have in common. */

/* The fault by a number of curl's (libcurl-errors(3); curl(1) ends with the
 * same) and its words. connected: a connection was made. */
enum http_fault http_fault_of(int code, const char *why, int connected);

/* The file of trusted certificates, as curl(1) looks for it in the environment;
 * NULL: the library's own. */
const char *http_ca_file(void);

/* Header lines of one answer: each "HTTP/…" begins another one. */
void http_head_line(struct buf *head, struct str line);

enum { HTTP_HEAD_MAX = 64 * 1024 };

#endif

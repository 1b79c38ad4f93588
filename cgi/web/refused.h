#ifndef CGI_WEB_REFUSED_H
#define CGI_WEB_REFUSED_H

#include "base/log.h"

/*
 * Refused requests in the log. Anybody can send them, as many as the line
 * takes: those that are refused in the same words share one line a second, with
 * how many more there were.
 */

/* text: without anything of the request but its route. Any thread. */
void refused_log(enum log_level level, const char *text);

/* Says what is still to be said: about four times a second, and in the end. */
void refused_flush(int is_end);

#endif

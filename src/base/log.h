#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * One line on standard error per event: where a daemon's log goes, and what
 * nginx and Apache put into their error log. Only the top floor logs. What
 * stands in a line is made visible (no control characters get through); no
 * secret, token, body or address of a person belongs into one.
 */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO };

/* Comes first in every line, for example the program's name. Not copied. */
void log_open(const char *name);

void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

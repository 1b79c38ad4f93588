#ifndef CGI_WEB_HTML_H
#define CGI_WEB_HTML_H

#include "base/buf.h"

/* Appends s as text or as the value of a quoted attribute. */
void html_add(struct buf *b, struct str s);

#endif

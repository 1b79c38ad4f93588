#ifndef ACTION_MAIL_H
#define ACTION_MAIL_H

#include "action/action.h"

/*
 * The mails' templates: NAME.txt and, for mails that have HTML too, NAME.html,
 * in one folder. The .txt begins with "Subject: …", may go on with
 * "Reply-To: address", and after an empty line has the text; the .html is
 * all HTML. Both have placeholders (action/place.h), but not in Reply-To.
 */
struct mail_template {
	struct str subject;
	struct str reply_to; /* STR_NONE: none */
	struct str text;
	struct str html; /* STR_NONE: none */
};

/* Reads path.txt and path.html, at most ACTION_TEXT_MAX bytes each. With
 * names, ended by NULL, a placeholder that is not among them is an error. 0, or
 * -1: ERR_ABSENT, ERR_INPUT "file:line: …", ERR_SYSTEM, ERR_MEMORY. */
int mail_template_read(struct arena *a, const char *path,
    const char *const *names, struct mail_template *out, struct err *e);

#endif

#ifndef CGI_ASK_ADMIT_H
#define CGI_ASK_ADMIT_H

#include "cgi/web/app.h"
#include "access/access.h"

/* May whoever carries this pass go on? The one decision behind /gate and
 * /files. */
enum admit_answer {
	ADMIT_NO_PASS,
	ADMIT_CLOSED, /* a valid pass, and no access */
	ADMIT_UNKNOWN, /* a valid pass, and the database cannot be read */
	ADMIT_OPEN,
};

struct admit_rule {
	struct str tier; /* this, */
	struct str allow; /* or this; the other is STR_NONE */
};

struct admit {
	enum admit_answer answer;
	/* with ADMIT_OPEN; texts in the request's arena */
	struct access_key key; /* of the pass that opened */
	int is_known; /* access was looked up */
	struct access access;
};

/* rule NULL: any valid pass opens. Each pass of the request is tried until
 * one opens. Without memory (arena_failed) nothing opens but what did. */
void admit_visitor(const struct app *app, struct request *r,
    const struct admit_rule *rule, int64_t now, struct admit *out);

#endif

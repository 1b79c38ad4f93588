#ifndef CGI_WEB_COOKIE_H
#define CGI_WEB_COOKIE_H

#include "cgi/web/app.h"
#include "access/pass.h"

/*
 * The cookies that hold passes (RFC 6265, 4.1). "gatepost" says who somebody
 * is, by a login; apps set it as well. "gatepost_visitor" is that of /buy, for
 * somebody it does not know: beside the other, so that buying signs nobody out.
 * Where https, no path and no cookie_domain allow it, what is set here has the
 * prefix __Host- (RFC 6265bis, 4.1.3.2), and no other host can plant it. All
 * four names are read.
 */
struct cookie_walk {
	const char *const *params; /* the request's, not looked at yet */
	struct str rest; /* of one of them */
};

/* The next cookie of all Cookie lines, 1 or 0. *walk begins with r->params. */
int cookie_next(struct cookie_walk *walk, struct str *name, struct str *value);

int cookie_is_pass(struct str name);
int cookie_is_host(struct str name); /* has it the prefix? */

/* Sets a pass for key that is good from now for that many seconds. -1 as
 * pass_make says, and ERR_MEMORY. */
int cookie_set(const struct app *app, const struct access_key *key, int64_t now,
    int64_t seconds, struct reply *p, struct err *e);

/* The browser forgets those that it sent. */
void
cookie_clear(const struct app *app, const struct request *r, struct reply *p);

#endif

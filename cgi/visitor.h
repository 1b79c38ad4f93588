#ifndef CGI_VISITOR_H
#define CGI_VISITOR_H

#include "cgi/route.h"
#include "core/pass.h"

/*
 * Who asks, by a pass: the cookies "gatepost", of which a browser sends one
 * for each path and domain that set it, of all Cookie lines; then
 * "Authorization: Bearer PASS". Each is tried, since an app may have an
 * Authorization of its own, and what is no pass does not count: whoever can
 * set cookies for a neighbouring host must not lock members out by junk. Of
 * valid ones VISITOR_PASSES_MAX are looked at.
 */
enum { VISITOR_PASSES_MAX = 16 };

struct visitor {
	const struct app *app;
	const struct request *request;
	int64_t now;
	const char *const *params; /* those not looked at yet */
	struct str cookies; /* the rest of one of them */
	int authorizations; /* looked at */
	int found;
};

void visitor_init(struct visitor *v, const struct app *app,
    const struct request *r, int64_t now);

/* The next valid one: 1 with *out and the pass itself in *token, or 0. */
int visitor_next(struct visitor *v, struct pass *out, struct str *token);

#endif

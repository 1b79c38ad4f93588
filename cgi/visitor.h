#ifndef CGI_VISITOR_H
#define CGI_VISITOR_H

#include "cgi/route.h"
#include "core/pass.h"

/*
 * Who asks, by a pass: the cookies "gatepost", of which a browser sends one
 * for each path and domain that set it, then "Authorization: Bearer PASS".
 * Each is tried, since an app may have an Authorization of its own, up to
 * VISITOR_PASSES_MAX, those that are no passes included.
 */
enum { VISITOR_PASSES_MAX = 16 };

struct visitor {
	const struct app *app;
	struct request *request; /* pass_fault is set as they are tried */
	int64_t now;
	struct str cookies; /* those not looked at yet */
	int authorizations; /* looked at */
	int tried;
	int found; /* a valid one */
};

void visitor_init(
    struct visitor *v, const struct app *app, struct request *r, int64_t now);

/* The next valid one: 1 with *out and the pass itself in *token, or 0. */
int visitor_next(struct visitor *v, struct pass *out, struct str *token);

#endif

#ifndef CGI_WEB_VISITOR_H
#define CGI_WEB_VISITOR_H

#include "cgi/web/app.h"
#include "access/pass.h"

/*
 * Who asks, by passes: the cookies of cgi/web/cookie.h, of which a browser sends
 * one for each path and domain that set it, of all Cookie lines; then
 * "Authorization: Bearer PASS". Each is tried, since an app may have an
 * Authorization of its own, and what is no pass does not count: whoever can
 * set cookies for a neighbouring host must not lock members out by junk. Of
 * valid ones VISITOR_PASSES_MAX are looked at.
 *
 * First come those of users, as apps make them, then those of an e-mail
 * address, buyer or license, then those that /buy gives to anybody; of each
 * kind those first whose cookie no other host can set.
 */
enum { VISITOR_PASSES_MAX = 16 };

struct visitor_pass {
	struct pass pass;
	struct str token; /* the pass itself */
	int rank; /* the highest comes first */
};

struct visitor {
	struct visitor_pass v[VISITOR_PASSES_MAX];
	size_t n;
};

/* The valid ones; whether they were taken back is not known yet. Without one,
 * the request's pass_fault says what is wrong with the first. */
void visitor_read(
    struct visitor *v, const struct app *app, struct request *r, int64_t now);

/* Leaves those that were not taken back. -1 as the store says. For whoever does
 * not look up what a pass opens, which tells that too. */
int visitor_check(struct visitor *v, struct store *s, struct err *e);

#endif

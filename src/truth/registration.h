#ifndef TRUTH_REGISTRATION_H
#define TRUTH_REGISTRATION_H

#include "truth/ask.h"

/*
 * The URLs to which a platform sends each kind of delivery. One is ours whose
 * host and hook are those of public_url, whatever its token; all others are let
 * alone. What was made from this database is noted in it, so that a copy of it
 * elsewhere, with an address of its own, makes nothing by itself.
 */
struct registering {
	int no_first; /* the first kind is left to the account's own setting */
	int remove; /* ours are taken away */
	int again; /* only what is noted here */
	int dry; /* say what would be done */
};

enum registered {
	REGISTERED, /* it stood already */
	REGISTERED_NOW,
	REGISTERED_NOT, /* it is missing: dry, or refused */
	REGISTERED_DOUBLE, /* one more of ours: taken away */
	REGISTERED_GONE, /* taken away as asked, or of an old token */
	REGISTERED_OTHERS, /* somebody else's */
};

/* One thing found or done. where: the URL without what is secret in it. */
typedef void registration_fn(
    void *arg, const char *kind, enum registered what, const char *where);

/* 0 and *stands: each kind that is wanted goes to our URL, once. -1: it could
 * not be asked or noted; what was done until then was told. */
int registration_run(struct asker *k, struct store *s,
    const struct registering *how, registration_fn *fn, void *arg, int *stands,
    struct err *e);

#endif

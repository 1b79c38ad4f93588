#ifndef TRUTH_WISH_H
#define TRUTH_WISH_H

#include "store/store.h"
#include "truth/truth.h"

/*
 * What `gatepost register` and `gatepost import` do, for those who cannot type
 * it. The page that proves the way notes the wish in the table meta; the worker
 * or `gatepost work --once` carries it out, once there is a token for the
 * platform's API. A wish that was fulfilled stays known: it is not made twice.
 * It is that of one public_url: a copy of the database elsewhere has none.
 */
enum wish { WISH_REGISTER, WISH_IMPORT, WISH__MAX };
enum wish_state {
	WISH_NONE, /* nobody has it */
	WISH_OPEN,
	WISH_DONE,
};

int wish_read(struct store *s, const struct config *c, const struct platform *p,
    enum wish which, enum wish_state *out, struct err *e);
/* Unless it was fulfilled. */
int wish_make(struct store *s, const struct config *c, const struct platform *p,
    enum wish which, struct err *e);
int wish_fulfil(
    struct store *s, const struct platform *p, enum wish which, struct err *e);

#endif

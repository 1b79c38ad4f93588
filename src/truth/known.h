#ifndef TRUTH_KNOWN_H
#define TRUTH_KNOWN_H

#include "truth/pass.h"

/* Whose account it is, and its products: p->account, p->products, p->known, as
 * far as the platform can be asked for them. For pass.c alone. */
int known_read(struct pass *p, struct err *e);

#endif

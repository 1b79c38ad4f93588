#ifndef TRUTH_LIST_H
#define TRUTH_LIST_H

#include "truth/pass.h"

/*
 * One list of all members, in numbered pages that tell how many there are. It
 * may change while it is read, so that one is passed over or comes twice: it is
 * taken whole, or nothing of it is, with ERR_INPUT.
 */
enum { LIST_MAX = 100000 }; /* members */

int list_members(struct pass *p, struct err *e);

#endif

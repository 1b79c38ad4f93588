#ifndef TRUTH_PINGED_H
#define TRUTH_PINGED_H

#include "store/pinged.h"
#include "truth/truth.h"

/* The sales that deliveries name, in the table pinged: they are to be read
 * back. */
enum { PINGED_DAYS = 2 }; /* what was delivered before is not looked at */

/* Adds those of the deliveries that came since the last call. */
int pinged_scan(struct store *s, const struct config *c,
    const struct platform *platform, struct err *e);

#endif

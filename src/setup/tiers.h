#ifndef SETUP_TIERS_H
#define SETUP_TIERS_H

#include "setup/setup_own.h"

/* Where the configuration has no tier: sections made of what the account sells,
 * shown, and written when that is agreed to. */
int tiers_offer(struct setup *s, struct err *e);

#endif

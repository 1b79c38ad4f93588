#ifndef SETUP_DATABASE_H
#define SETUP_DATABASE_H

#include "config/config.h"
#include "store/store.h"

/* Opens the configuration's database; creates what is missing, fills the table
 * of tiers, and takes the first step of a rebuild, which for an empty one is the
 * whole. */
int database_make(
    const struct config *c, struct arena *a, struct store **out, struct err *e);

#endif

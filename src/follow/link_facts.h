#ifndef FOLLOW_LINK_FACTS_H
#define FOLLOW_LINK_FACTS_H

#include "action/action.h"
#include "config/config.h"

/* Adds {download} and {link} to the facts of an effect that an action carries
 * out: the file it names, for the sale the effect is about; and a link to sign
 * in with, in a mail to the buyer's own address alone, for whoever reads it is
 * signed in. Each is STR_NONE where there is none. facts has room for two more.
 * 0, or -1 with ERR_MEMORY or ERR_CONFIG. */
int link_add_facts(const struct config *c, const struct action *action,
    int64_t now, struct arena *a, struct action_fact *facts, size_t *n,
    struct err *e);

#endif

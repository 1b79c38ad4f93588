#ifndef CTL_PLAN_H
#define CTL_PLAN_H

#include "ctl/ctl.h"

/* check --event ID: which rules are about a stored delivery, what they do or
 * which filter is in the way, and what became of what was queued. Changes
 * nothing. */
enum ctl_exit plan_run(struct ctl *ctl, struct err *e);

/* The lines of the rules that are about that event, which may be one that is
 * not committed, and would do nothing. *n: how many. */
int plan_refusals(
    struct ctl *ctl, struct store *s, int64_t event, size_t *n, struct err *e);

#endif

#ifndef CTL_PLAN_H
#define CTL_PLAN_H

#include "ctl/ctl.h"

/* check --event ID: which rules are about a stored delivery, what they do or
 * which filter is in the way, and what became of what was queued. Changes
 * nothing. */
enum ctl_exit plan_run(struct ctl *ctl, struct err *e);

#endif

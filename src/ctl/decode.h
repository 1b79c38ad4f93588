#ifndef CTL_DECODE_H
#define CTL_DECODE_H

#include "ctl/ctl.h"

/* What `gatepost decode` prints for a body: {"status", "understood",
 * "reason", "facts"}; indented for people. *kept (may be NULL) says whether
 * it was not understood. */
int decode_print(struct ctl *ctl, const struct platform *p, struct str body,
    struct decode_opts opts, int indented, struct buf *out, struct err *e);

/* The platform named, or NULL with ERR_USAGE listing those there are. */
const struct platform *ctl_platform(const char *name, struct err *e);

#endif

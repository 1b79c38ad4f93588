#ifndef CTL_DECODE_H
#define CTL_DECODE_H

#include "ctl/ctl.h"

/* What `gatepost decode` prints for a body of that kind, STR_NONE where a post
 * brought it: {"status", "understood", "reason", "facts"}; indented for
 * people. */
struct decode_input {
	const struct platform *platform;
	struct str kind, body;
	struct decode_opts opts;
};
int decode_print(struct ctl *ctl, const struct decode_input *in, int indented,
    struct buf *out, struct err *e);

/* The platform named, or NULL with ERR_USAGE listing those there are. */
const struct platform *ctl_platform(const char *name, struct err *e);

#endif

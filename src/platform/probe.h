#ifndef PLATFORM_PROBE_H
#define PLATFORM_PROBE_H

#include "platform/platform.h"

/*
 * What the doctor sends through the front door: a delivery of that platform
 * that decode calls FACT_TEST for the reason PLATFORM_PROBE. It is the same
 * each time, so that it has one row for ever, which is no sale, counts as heard
 * of for nobody and has no follow-up.
 */
struct probe {
	struct str body; /* to be sent; the secret may stand in it */
	struct str delivery; /* the dedupe key of its row */
};

/* filler: bytes it is to be longer. 0, or -1 without memory. */
int probe_make(const struct platform *p, struct str secret, size_t filler,
    struct arena *a, struct probe *out, struct err *e);

#endif

#ifndef PLATFORM_GANK_H
#define PLATFORM_GANK_H

#include "platform/platform.h"

/*
 * Gank's payment webhooks. Rules: docs.ganknow.com, essentials, payment
 * webhooks: two events and a sample body of each. What those pages leave open
 * is said where it is decided.
 */
#define GANK_EVENT_MEMBERSHIP "USER_MEMBERSHIP.TX_SUCCEED"
#define GANK_EVENT_GOODS "DIGITAL_GOODS.TX_SUCCEED"
#define GANK_STATUS "SUCCEED"

/* Gank's human_id has a date after its first dash (UM-250925-NWKBIKATC), so
 * no payment of Gank's begins like a sample of ours. */
#define GANK_TEST_MEMBERSHIP "UM-TEST-"
#define GANK_TEST_GOODS "DG-TEST-"

enum { GANK_BODY_MAX = 1024 * 1024 }; /* bytes */

extern const struct platform_sample gank_samples[];

/* struct platform's sample. The keys of opts are the names of fields, without
 * what they stand in. The value of a number or a boolean is JSON; any other is
 * a text as it stands, but "null" is null for what may be null. ERR_INPUT
 * names the known keys. */
int gank_sample(const struct platform_sample *which,
    const struct sample_opts *opts, struct arena *a, struct str *body,
    struct err *e);

const char *gank_sample_key(const struct platform_sample *which,
    enum sample_part part, struct str value);

int gank_redact(struct str body, const struct redact_opts *opts,
    struct arena *a, struct redacted *out, struct err *e);

#endif

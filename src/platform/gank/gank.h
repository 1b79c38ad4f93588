#ifndef PLATFORM_GANK_GANK_H
#define PLATFORM_GANK_GANK_H

#include "platform/document.h"

/* Shared by the files of the Gank platform only. */
#define GANK_EVENT_MEMBERSHIP "USER_MEMBERSHIP.TX_SUCCEED"
#define GANK_EVENT_GOODS "DIGITAL_GOODS.TX_SUCCEED"
#define GANK_STATUS "SUCCEED"

/* The subject of a membership is "membership:CREATOR:PAYER:TITLE"; that of the
 * payer's entries in the list of members is the same without the title. */
#define GANK_MEMBERSHIP "membership:"
struct str gank_entries(struct arena *a, struct str creator, struct str payer);
extern const struct platform_api gank_api;
extern const struct platform_setting gank_settings[];
extern const char gank_own_test[];
void gank_setup(const struct platform *p, const struct platform_site *site,
    struct buf *out);

/* Gank's human_id has a date after its first dash (UM-250925-NWKBIKATC), so
 * no payment of Gank's begins like a sample of ours. */
#define GANK_TEST_MEMBERSHIP "UM-TEST-"
#define GANK_TEST_GOODS "DG-TEST-"

extern const struct platform_sample gank_samples[];
int gank_sample(const struct platform *p, const struct platform_sample *which,
    const struct sample_opts *opts, struct arena *a, struct str *body,
    struct err *e);
const char *gank_sample_key(const struct platform *p,
    const struct platform_sample *which, enum sample_part part,
    struct str value);

#endif

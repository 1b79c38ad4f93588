#ifndef CGI_ASK_METRICS_TRUTH_H
#define CGI_ASK_METRICS_TRUTH_H

#include "cgi/web/openmetrics.h"
#include "store/store.h"

/* Adds what was read at the platforms. 0 or -1: what stands there so far is
 * whole. */
int metrics_truth(
    struct openmetrics *m, struct store *s, struct arena *a, struct err *e);

#endif

#ifndef CGI_WEB_OPENMETRICS_H
#define CGI_WEB_OPENMETRICS_H

#include "base/buf.h"
#include "base/histogram.h"

/*
 * Writes metrics as OpenMetrics 1.0 text
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/), or as the older
 * Prometheus text format 0.0.4, which knows no units, no info and no end.
 * Families one after the other, the samples of one together.
 */
enum { OPENMETRICS_LABELS_MAX = 3 };

struct openmetrics_family {
	const char *name; /* without _total, _info, _bucket */
	const char *type; /* counter, gauge, histogram, info */
	const char *unit; /* the name ends in it; "": none */
	const char *labels; /* names, a blank between */
	const char *help; /* no backslash, quote or line end in it */
};

struct openmetrics {
	struct buf *out;
	int is_classic; /* 0.0.4 */
	const struct openmetrics_family *family;
};

/* The samples that follow are its own. */
void
openmetrics_begin(struct openmetrics *m, const struct openmetrics_family *f);

/* values: one for each of the family's labels, words without backslash, quote
 * or line end; NULL where it has none. */
void openmetrics_add(
    struct openmetrics *m, const char *const *values, int64_t value);
/* The same for a value in millionths. */
void openmetrics_add_micros(
    struct openmetrics *m, const char *const *values, int64_t micros);
/* scale: 1 for counts, 1000000 for microseconds that are to be seconds. */
void openmetrics_add_histogram(
    struct openmetrics *m, struct histogram *h, int64_t scale);

void openmetrics_end(struct openmetrics *m);

#endif

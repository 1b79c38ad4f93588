#ifndef CGI_WEB_COUNT_H
#define CGI_WEB_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

/* What happened since the program started; any thread. Counting is one or two
 * relaxed atomic operations. */
enum count {
	COUNT_WRONG_CLOCK, /* signature right, time outside the tolerance */
	COUNT__MAX
};

int64_t count_up(enum count which); /* the new number */
int64_t count_get(enum count which);

/* ---- deliveries, answered 200 ---- */
enum count_outcome {
	COUNT_RECORDED,
	COUNT_DUPLICATE,
	COUNT_KEPT,
	COUNT_TEST,
	COUNT_OUTCOME__MAX
};
extern const char *const count_outcomes[COUNT_OUTCOME__MAX];

/* A kind is the decoders' own, never a word of a delivery's. */
enum { COUNT_KINDS = FACT_STATE + 1 };
extern const char *const count_kinds[COUNT_KINDS];

/* now 0: a test, which does not count as heard from the platform. */
void count_delivery(const struct platform *p, enum fact_kind kind,
    enum count_outcome outcome, int64_t now);
int64_t count_deliveries(
    size_t platform, enum fact_kind kind, enum count_outcome outcome);
/* When the last of them came that is no test, seconds; 0: none did. */
int64_t count_last_delivery(size_t platform);

/* ---- deliveries that were not taken ---- */
enum count_refusal {
	COUNT_TOKEN, /* wrong or missing */
	COUNT_NO_SIGNATURE,
	COUNT_BAD_HEADER,
	COUNT_TOO_OLD,
	COUNT_MISMATCH,
	COUNT_NOT_CONFIGURED,
	COUNT_TOO_LARGE,
	COUNT_INCOMPLETE,
	COUNT_UNAVAILABLE,
	COUNT_MEMORY,
	COUNT_REFUSAL__MAX
};
extern const char *const count_refusals[COUNT_REFUSAL__MAX];

void count_refused(const struct platform *p, enum count_refusal why);
int64_t count_refusals_of(size_t platform, enum count_refusal why);
/* Before the worker is started: it asks the next one. Without memory it counts
 * none. */
void count_share(void);
/* How many could not be verified, and count_last_delivery. */
void count_unverified(size_t platform, int64_t *n, int64_t *last);

/* ---- the gate's answers ---- */
enum count_gate {
	COUNT_GATE_OPEN,
	COUNT_GATE_CLOSED, /* a pass, and no access */
	COUNT_GATE_NO_PASS,
	COUNT_GATE_NO_RULE,
	COUNT_GATE_ERROR_OPEN, /* the database could not be asked */
	COUNT_GATE_ERROR_CLOSED,
	COUNT_GATE__MAX
};
extern const char *const count_gates[COUNT_GATE__MAX];

void count_gate(enum count_gate answer);
int64_t count_gate_answers(enum count_gate answer);

#endif

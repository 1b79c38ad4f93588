#include "cgi/web/count.h"

#include <stdatomic.h>
#include <sys/mman.h>

static atomic_int_least64_t counts[COUNT__MAX];
static atomic_int_least64_t deliveries[PLATFORM__MAX][COUNT_KINDS]
				      [COUNT_OUTCOME__MAX];
/* What the worker's process sees, too, from count_share on. */
static struct shared {
	atomic_int_least64_t last[PLATFORM__MAX];
	atomic_int_least64_t refused[PLATFORM__MAX][COUNT_REFUSAL__MAX];
} own, *shared = &own;
static atomic_int_least64_t gate[COUNT_GATE__MAX];

const char *const count_outcomes[COUNT_OUTCOME__MAX] = {
	[COUNT_RECORDED] = "recorded",
	[COUNT_DUPLICATE] = "duplicate",
	[COUNT_KEPT] = "kept",
	[COUNT_TEST] = "test",
};

const char *const count_kinds[COUNT_KINDS] = {
	[FACT_UNKNOWN] = "unknown",
	[FACT_SALE] = "sale",
	[FACT_REFUND] = "refund",
	[FACT_DISPUTE] = "dispute",
	[FACT_DISPUTE_WON] = "dispute_won",
	[FACT_CANCELLATION] = "cancellation",
	[FACT_UPDATED] = "updated",
	[FACT_ENDED] = "ended",
	[FACT_RESTARTED] = "restarted",
	[FACT_PAYMENT] = "payment",
	[FACT_STATE] = "state",
};

const char *const count_refusals[COUNT_REFUSAL__MAX] = {
	[COUNT_TOKEN] = "token",
	[COUNT_NO_SIGNATURE] = "no_signature",
	[COUNT_BAD_HEADER] = "bad_header",
	[COUNT_TOO_OLD] = "too_old",
	[COUNT_MISMATCH] = "mismatch",
	[COUNT_NOT_CONFIGURED] = "not_configured",
	[COUNT_TOO_LARGE] = "too_large",
	[COUNT_INCOMPLETE] = "incomplete",
	[COUNT_UNAVAILABLE] = "unavailable",
	[COUNT_MEMORY] = "memory",
};

const char *const count_gates[COUNT_GATE__MAX] = {
	[COUNT_GATE_OPEN] = "open",
	[COUNT_GATE_CLOSED] = "closed",
	[COUNT_GATE_NO_PASS] = "no_pass",
	[COUNT_GATE_NO_RULE] = "no_rule",
	[COUNT_GATE_ERROR_OPEN] = "error_open",
	[COUNT_GATE_ERROR_CLOSED] = "error_closed",
};

static int64_t
up(atomic_int_least64_t *c)
{
	return atomic_fetch_add_explicit(c, 1, memory_order_relaxed) + 1;
}

static int64_t
get(atomic_int_least64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

int64_t
count_up(enum count which)
{
	return up(&counts[which]);
}

int64_t
count_get(enum count which)
{
	return get(&counts[which]);
}

void
count_delivery(const struct platform *p, enum fact_kind kind,
    enum count_outcome outcome, int64_t now)
{
	size_t i = platform_index(p);
	up(&deliveries[i][(size_t)kind < COUNT_KINDS ? kind : FACT_UNKNOWN]
		      [outcome]);
	if (now != 0)
		atomic_store_explicit(
		    &shared->last[i], now, memory_order_relaxed);
}

int64_t
count_deliveries(
    size_t platform, enum fact_kind kind, enum count_outcome outcome)
{
	return get(&deliveries[platform][kind][outcome]);
}

int64_t
count_last_delivery(size_t platform)
{
	return get(&shared->last[platform]);
}

void
count_refused(const struct platform *p, enum count_refusal why)
{
	up(&shared->refused[platform_index(p)][why]);
}

int64_t
count_refusals_of(size_t platform, enum count_refusal why)
{
	return get(&shared->refused[platform][why]);
}

void
count_share(void)
{
	void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		shared = p;
}

void
count_unverified(size_t platform, int64_t *n, int64_t *last)
{
	*n = 0;
	for (int k = COUNT_TOKEN; k <= COUNT_MISMATCH; k++)
		*n += get(&shared->refused[platform][k]);
	*last = get(&shared->last[platform]);
}

void
count_gate(enum count_gate answer)
{
	up(&gate[answer]);
}

int64_t
count_gate_answers(enum count_gate answer)
{
	return get(&gate[answer]);
}

#include "truth/progress.h"

#include "base/time.h"
#include "truth/products.h"

enum { TERMINAL_MS = 1000, LINE_MS = 60000, BAR = 20 };

void
progress_begin(struct progress *g, int on_terminal)
{
	*g = (struct progress){ .on_terminal = on_terminal,
		.begun = time_ticks() };
}

/* What the platform counts is no promise: how far, and how long still. */
static void
add_rest(const struct progress *g, int64_t read, int64_t ms, struct buf *b)
{
	int64_t n = read < g->all ? read * BAR / g->all : BAR;
	int64_t done = read - g->read_before, left = g->all - read;
	if (g->all <= 0)
		return;
	buf_addf(b, "  [%-*.*s]", BAR, (int)n, "####################");
	if (done > 0 && left > 0)
		buf_addf(b, " about %lld min %lld s left",
		    (long long)(left * ms / done / 60000),
		    (long long)(left * ms / done / 1000 % 60));
}

int
progress_line(
    struct progress *g, const struct pass *p, int64_t from, struct buf *b)
{
	int64_t now = time_ticks(), ms = now - g->begun;
	char day[16];
	if (!g->measured) {
		g->measured = 1;
		g->begun = g->told = now;
		g->read_before = p->row.read;
		g->all = products_sales(p->ask.platform, p->products);
	}
	if (now - g->told < (g->on_terminal ? TERMINAL_MS : LINE_MS))
		return 0;
	g->told = now;
	buf_reset(b);
	buf_addf(b, "%lld sales, back to %.7s, %lld a second",
	    (long long)p->row.read, pass_day(from, day),
	    (long long)((p->row.read - g->read_before) * 1000 / ms));
	add_rest(g, p->row.read, ms, b);
	return 1;
}

#include "health/quiet.h"

#include "commit/heard.h"

static int64_t
limit_of(const struct config *c, const struct quiet *q)
{
	if (c->quiet == CONFIG_QUIET_OFF || q->last == 0)
		return STORE_NULL;
	if (c->quiet != CONFIG_QUIET_AUTO)
		return c->quiet;
	if (q->count < QUIET_DELIVERIES)
		return STORE_NULL;
	return 2 * q->gap > QUIET_LEAST ? 2 * q->gap : QUIET_LEAST;
}

int
quiet_of(struct store *s, const struct config *c, const struct platform *p,
    int64_t now, struct quiet *out, struct err *e)
{
	int64_t last[PLATFORM__MAX];
	if (heard_last(s, c, p, STR_NONE, last, e) != 0 ||
	    store_event_rhythm(s, str_from(p->name),
		now - QUIET_DAYS * INT64_C(86400), &out->count, &out->gap,
		e) != 0)
		return -1;
	out->last = last[platform_index(p)];
	out->limit = limit_of(c, out);
	return 0;
}

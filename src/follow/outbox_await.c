#include "base/time.h"
#include "follow/outbox_own.h"
#include "store/truth.h"

/* What a mail or a program does cannot be taken back; what the clock tells of is
 * about sales that were confirmed long ago, or never asked for. */
int
outbox_must_wait(
    const struct config *c, const struct effect *f, const struct action *action)
{
	const struct platform *p =
	    f->row == NULL ? NULL : platform_find(f->row->platform);
	if (p == NULL || p->api == NULL || f->event == STORE_NULL ||
	    f->row->test || f->row->confirmed_at != STORE_NULL)
		return 0;
	size_t at = platform_index(p);
	return c->platforms[at].api_token.p != NULL &&
	    c->rules.confirm[at] != TIER_CONFIRM_OFF &&
	    (action->kind == ACTION_MAIL || action->kind == ACTION_EXEC);
}

struct str
outbox_awaits(struct arena *a, struct str platform, struct str sale)
{
	return str_from(
	    arena_printf(a, "%.*s/%.*s", STR_ARG(platform), STR_ARG(sale)));
}

static int
tell(struct store *s, const struct config *c, int64_t n, int64_t now,
    struct arena *a, struct err *e)
{
	char day[TIME_TEXT_MAX];
	time_text(now, day);
	const char *once = arena_printf(a, "unconfirmed %.10s", day);
	const char *text = arena_printf(a,
	    "%lld follow-up%s waited a day for the platform to confirm the "
	    "sale, and it did not: it could not be asked, or has not answered. "
	    "They go out now. 'gatepost check' tells more. No more mails about "
	    "this come today.\n",
	    (long long)n, n == 1 ? "" : "s");
	return once == NULL || text == NULL
	    ? err_set(e, ERR_MEMORY, "out of memory")
	    : outbox_alert(s, c, once, text, now, a, e);
}

int
outbox_let_go(struct store *s, const struct config *c, int64_t now,
    struct arena *a, struct err *e)
{
	int64_t n = 0;
	if (store_outbox_unasked(s, now - OUTBOX_WAITS, &n, e) != 0)
		return -1;
	if (n == 0)
		return 0;
	if (store_begin(s, e) != 0)
		return -1;
	if (store_outbox_let_go(s, now - OUTBOX_WAITS, e) == 0 &&
	    tell(s, c, n, now, a, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

#include "commit/gather.h"
#include "person/erase_find.h"

int
erase_project(struct store *s, const struct config *c, struct str platform,
    struct str was, struct str is, int64_t now, struct arena *a, struct err *e)
{
	struct project_when when = { .at = now, .event = STORE_NULL };
	if (store_purchase_drop(s, platform, was, e) != 0 ||
	    store_subscription_drop(s, platform, was, e) != 0)
		return -1;
	return project_any(s, c, platform, is, &when, a, e);
}

int
erase_project_others(struct store *s, const struct config *c,
    const struct platform *p, struct str entries, int64_t now, struct arena *a,
    struct err *e)
{
	struct project_when when = { .at = now, .event = STORE_NULL };
	struct str names[GATHER_MEMBERSHIPS + 1];
	size_t n;
	if (gather_memberships(s, p, entries, a, names, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (project_subject(s, c, p, names[i], NULL, &when, a, e) != 0)
			return -1;
	return 0;
}

#include "store/rows.h"

int
store_tier_drop_all(struct store *s, struct err *e)
{
	return store_run(s, QUERY_TIER_DROP_ALL, NULL, 0, NULL, NULL, e);
}

int
store_tier_put(struct store *s, struct str name, int64_t rank,
    struct str allows, struct err *e)
{
	struct db_value args[] = { db_text(name), db_int(rank),
		db_text(allows) };
	return store_run(s, QUERY_TIER_PUT, args, 3, NULL, NULL, e);
}

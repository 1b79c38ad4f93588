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

int
store_change_last_of(struct store *s, enum store_by by, struct str id,
    int64_t *out, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_CHANGE_LAST_OF_USER,
		[STORE_BY_EMAIL] = QUERY_CHANGE_LAST_OF_EMAIL,
		[STORE_BY_BUYER] = QUERY_CHANGE_LAST_OF_BUYER,
		[STORE_BY_LICENSE] = QUERY_CHANGE_LAST_OF_LICENSE,
	};
	struct db_value arg = db_text(id);
	return store_number(s, queries[by], &arg, 1, out, NULL, e);
}

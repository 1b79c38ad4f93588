#include "access/owner.h"

struct str
owner_buyer(const struct store_purchase *row, struct arena *a)
{
	if (row->buyer.p == NULL || str_eq_z(row->platform, "manual"))
		return row->buyer;
	return str_from(arena_printf(
	    a, "%.*s:%.*s", STR_ARG(row->platform), STR_ARG(row->buyer)));
}

int
owner_key(
    const struct store_purchase *row, struct arena *a, struct access_key *key)
{
	const struct {
		enum store_by by;
		struct str value;
	} ids[] = { { STORE_BY_USER, row->user_ref },
		{ STORE_BY_EMAIL, row->email },
		{ STORE_BY_BUYER, owner_buyer(row, a) },
		{ STORE_BY_LICENSE, row->license } };
	for (size_t i = 0; i < 4; i++)
		if (ids[i].value.p != NULL &&
		    access_key_parse(ids[i].by, ids[i].value, a, key, NULL) ==
			0)
			return 0;
	return -1;
}

int
owner_tier(struct store *s, const struct config *c,
    const struct store_purchase *row, int64_t at, struct arena *a,
    struct str *tier, struct err *e)
{
	struct access_key key;
	struct access x;
	*tier = STR_NONE;
	if (owner_key(row, a, &key) != 0)
		return 0;
	if (access_held(s, &c->rules, &key, at, a, &x, e) != 0)
		return -1;
	*tier = x.tier;
	return 0;
}

int
owner_told(struct store *s, const struct store_purchase *row, struct arena *a,
    struct str *tier, int64_t *at, struct err *e)
{
	struct access_key key;
	*at = STORE_NULL;
	*tier = STR_NONE;
	if (owner_key(row, a, &key) != 0)
		return 0;
	return store_change_told(s, key.by,
	    key.by == STORE_BY_BUYER ? key.value : key.id, a, tier, at, e);
}

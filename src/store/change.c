#include "store/rows.h"

int
store_change_add(struct store *s, const struct store_change *c, struct err *e)
{
	struct db_value args[] = {
		db_int(c->at),
		db_text(c->user_ref),
		db_text(c->email),
		db_text(c->buyer),
		db_text(c->license),
		db_text(c->before),
		db_text(c->after),
		db_int(c->event),
	};
	return store_run(s, QUERY_CHANGE_ADD, args,
	    sizeof(args) / sizeof(args[0]), NULL, NULL, e);
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

struct told {
	struct arena *arena;
	struct str tier;
	int found;
};

static int
take_told(void *arg, const struct db_value *row, size_t n)
{
	struct told *told = arg;
	struct str tier = db_str(&row[0]);
	(void)n;
	told->found = 1;
	if (tier.p != NULL)
		told->tier =
		    (struct str){ arena_dup(told->arena, tier.p, tier.n),
			    tier.n };
	return 1;
}

int
store_change_told(struct store *s, enum store_by by, struct str id,
    struct arena *a, struct str *tier, int *told, struct err *e)
{
	static const enum query queries[] = {
		[STORE_BY_USER] = QUERY_CHANGE_TOLD_USER,
		[STORE_BY_EMAIL] = QUERY_CHANGE_TOLD_EMAIL,
		[STORE_BY_BUYER] = QUERY_CHANGE_TOLD_BUYER,
		[STORE_BY_LICENSE] = QUERY_CHANGE_TOLD_LICENSE,
	};
	struct told found = { .arena = a, .tier = STR_NONE };
	struct db_value arg = db_text(id);
	if (store_run(s, queries[by], &arg, 1, take_told, &found, e) != 0)
		return -1;
	*tier = found.tier;
	*told = found.found;
	return 0;
}

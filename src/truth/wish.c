#include "truth/wish.h"

enum { NAME_MAX_LEN = 64, NUMBER_MAX = 24 };

static const char *const names[WISH__MAX] = {
	[WISH_REGISTER] = "wish_register",
	[WISH_IMPORT] = "wish_import",
};

/* The value in meta is since when there is the wish; 0: it was fulfilled. */
static struct str
name_of(char text[NAME_MAX_LEN], const struct platform *p, enum wish which)
{
	snprintf(text, NAME_MAX_LEN, "%s:%s", names[which], p->name);
	return str_from(text);
}

int
wish_read(struct store *s, const struct platform *p, enum wish which,
    enum wish_state *out, struct err *e)
{
	char name[NAME_MAX_LEN];
	int64_t since;
	if (store_meta_number(s, name_of(name, p, which), &since, e) != 0)
		return -1;
	*out = since == STORE_NULL ? WISH_NONE
	    : since == 0	   ? WISH_DONE
				   : WISH_OPEN;
	return 0;
}

int
wish_make(struct store *s, const struct platform *p, enum wish which,
    int64_t now, struct err *e)
{
	char name[NAME_MAX_LEN], text[NUMBER_MAX];
	enum wish_state state;
	snprintf(text, sizeof(text), "%lld", (long long)now);
	if (wish_read(s, p, which, &state, e) != 0)
		return -1;
	return state != WISH_NONE
	    ? 0
	    : store_meta_put(s, name_of(name, p, which), str_from(text), e);
}

int
wish_fulfil(
    struct store *s, const struct platform *p, enum wish which, struct err *e)
{
	char name[NAME_MAX_LEN];
	return store_meta_put(s, name_of(name, p, which), STR("0"), e);
}

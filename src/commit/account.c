#include "commit/account.h"

static struct str
name_of(const struct platform *p, struct arena *a)
{
	return str_from(arena_printf(a, "account:%s", p->name));
}

int
account_read(struct store *s, const struct platform *p, struct arena *a,
    struct str *out, struct err *e)
{
	struct str name = name_of(p, a);
	return name.p == NULL ? err_no_memory(e)
			      : store_meta_text(s, name, a, out, e);
}

int
account_note(struct store *s, const struct platform *p, struct str account,
    struct arena *a, struct err *e)
{
	struct str name = name_of(p, a);
	return name.p == NULL ? err_no_memory(e)
			      : store_meta_put(s, name, account, e);
}

int
account_is_other(struct str account, const struct fact *f)
{
	return account.n > 0 && f->status == FACT_APPLIED &&
	    f->sale.p != NULL && f->kind < FACT_READBACK &&
	    !str_eq(account, f->owner);
}

#include "fold/column.h"
#include "person/erase_find.h"
#include "store/truth.h"

int
erase_sale(struct store *s, const struct platform *p, const struct fact *f,
    int64_t now, struct arena *a, struct err *e)
{
	struct str platform = str_from(p->name);
	if (p->api == NULL || f->sale.p == NULL)
		return 0;
	struct str digest = platform_digest(a, f->sale);
	if (digest.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return store_erased_add(s, platform, digest, now, e) == 0
	    ? store_drift_forget_sale(
		  s, platform, project_column(a, f->sale), e)
	    : -1;
}

int
erase_address(struct store *s, const struct platform *p, const struct fact *f,
    struct str address, int64_t now, struct arena *a, struct err *e)
{
	if (p->api == NULL || f->sale.p == NULL)
		return 0;
	struct str what = platform_erased(a, f->sale, address);
	return what.p == NULL
	    ? err_set(e, ERR_MEMORY, "out of memory")
	    : store_erased_add(s, str_from(p->name), what, now, e);
}

int
erase_entries(struct store *s, const struct platform *p, const struct fact *f,
    int64_t now, struct erase_subjects *out, struct arena *a, struct err *e)
{
	struct str platform = str_from(p->name);
	int there = 0;
	if (f->entries.p == NULL)
		return 0;
	struct str digest = platform_digest(a, f->entries);
	if (digest.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (store_erased_add(s, platform, digest, now, e) != 0 ||
	    store_drift_forget(s, f->buyer, e) != 0 ||
	    store_event_beside(s, platform, f->entries, &there, e) != 0)
		return -1;
	return there ? erase_subjects_add(out, platform, f->entries, e) : 0;
}

#include "health/look.h"

static const struct {
	unsigned when;
	look_fn *look;
	int alone; /* needs no database */
} looks[] = {
	{ LOOK_HERE, look_settings, 1 },
	{ LOOK_HERE, look_exposed, 1 },
	{ LOOK_HERE, look_mail, 1 },
	{ LOOK_HERE, look_host, 0 },
	{ LOOK_HERE, look_databases, 0 },
	{ LOOK_HERE, look_outbox, 0 },
	{ LOOK_HERE, look_deliveries, 0 },
	{ LOOK_HERE, look_truth, 0 },
	{ LOOK_HERE, look_sales, 0 },
	{ LOOK_FRONT, look_scope, 1 },
	{ LOOK_FRONT, look_front, 0 },
	{ LOOK_DEEP, look_front_deep, 0 },
	{ LOOK_DEEP, look_owner_mail, 0 },
	{ LOOK_WHOLE, look_integrity, 0 },
};

int
health_look(struct health *h, unsigned when, struct err *e)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if ((looks[i].when & when) != 0 &&
		    (h->store != NULL || looks[i].alone) &&
		    looks[i].look(h, e) != 0)
			return -1;
	return 0;
}

#include "health/look.h"

static const struct {
	unsigned when;
	look_fn *look;
} looks[] = {
	{ LOOK_HERE, look_settings },
	{ LOOK_HERE, look_exposed },
	{ LOOK_HERE, look_mail },
	{ LOOK_HERE, look_host },
	{ LOOK_HERE, look_databases },
	{ LOOK_HERE, look_outbox },
	{ LOOK_HERE, look_deliveries },
	{ LOOK_HERE, look_truth },
	{ LOOK_HERE, look_sales },
	{ LOOK_FRONT, look_front },
	{ LOOK_DEEP, look_front_deep },
	{ LOOK_WHOLE, look_integrity },
};

int
health_look(struct health *h, unsigned when, struct err *e)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if ((looks[i].when & when) != 0 && looks[i].look(h, e) != 0)
			return -1;
	return 0;
}

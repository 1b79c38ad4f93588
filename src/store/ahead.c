#include "store/rows.h"

static void
look(struct store *s, enum query q, struct str a, struct str b)
{
	const struct db_value args[] = { db_text(a), db_text(b) };
	size_t n = b.p == NULL ? 1 : 2;
	if (a.p != NULL)
		store_look(s, q, args, n);
}

void
store_ahead_sale(struct store *s, struct str platform, struct str sale)
{
	if (sale.p != NULL)
		look(s, QUERY_PURCHASE_GET, platform, sale);
}

void
store_ahead_beside(struct store *s, struct str platform, struct str subject)
{
	look(s, QUERY_EVENT_BESIDE, platform, subject);
}

void
store_ahead_about(struct store *s, struct str about)
{
	look(s, QUERY_EVENT_OF_SUBJECT, STR("manual"), about);
}

void
store_ahead_subject(struct store *s, struct str platform, struct str subject)
{
	look(s, QUERY_EVENT_OF_SUBJECT, platform, subject);
	look(s, QUERY_PURCHASE_OF_SUBJECT, platform, subject);
	look(s, QUERY_SUBSCRIPTION_OF_SUBJECT, platform, subject);
}

void
store_ahead_person(struct store *s, struct str user_ref, struct str email)
{
	if (user_ref.p != NULL)
		look(s, QUERY_PURCHASE_BY_USER, user_ref, STR_NONE);
	else
		look(s, QUERY_PURCHASE_BY_EMAIL, email, STR_NONE);
}

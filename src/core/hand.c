#include "core/hand.h"

#include "base/time.h"
#include "core/manual.h"

static int
names(const struct manual *m, struct str delivery)
{
	for (size_t i = 0; i < m->n_deliveries; i++)
		if (str_eq(m->deliveries[i], delivery))
			return 1;
	return 0;
}

static int
is_void(const struct fold_delivery *hand, size_t n_hand, struct str delivery)
{
	int is = 0;
	for (size_t i = 0; i < n_hand; i++) {
		const struct manual *m = hand[i].manual;
		if ((m->kind == MANUAL_VOID || m->kind == MANUAL_UNVOID) &&
		    names(m, delivery))
			is = m->kind == MANUAL_VOID;
	}
	return is;
}

static void
swap(struct fold_delivery *a, struct fold_delivery *b)
{
	struct fold_delivery t = *a;
	*a = *b;
	*b = t;
}

void
hand_split(struct fold_delivery *d, size_t *n, struct fold_delivery **hand,
    size_t *n_hand)
{
	/* a stable partition: the order of arrival stays on both sides */
	size_t front = 0, total = *n;
	for (size_t i = 0; i < total; i++) {
		if (d[i].manual != NULL)
			continue;
		for (size_t k = i; k > front; k--)
			swap(&d[k], &d[k - 1]);
		front++;
	}
	*hand = d + front;
	*n_hand = total - front;
	*n = 0;
	for (size_t i = 0; i < front; i++)
		if (!is_void(*hand, *n_hand, d[i].fact->delivery))
			d[(*n)++] = d[i];
}

struct str
hand_user(const struct fold_delivery *hand, size_t n_hand, struct str own)
{
	struct str user = own;
	for (size_t i = 0; i < n_hand; i++) {
		const struct manual *m = hand[i].manual;
		if (m->kind == MANUAL_LINK && m->user.p != NULL)
			user = m->user;
		else if (m->kind == MANUAL_UNLINK)
			user = own;
	}
	return user;
}

int64_t
hand_revoked(
    const struct fold_delivery *hand, size_t n_hand, const struct sale *s)
{
	int64_t at = FACT_NO_TIME;
	for (size_t i = 0; i < n_hand; i++) {
		const struct manual *m = hand[i].manual;
		if ((m->kind != MANUAL_REVOKE && m->kind != MANUAL_RESTORE) ||
		    (m->sale.p != NULL && !str_eq(m->sale, s->fact.sale)) ||
		    (m->tier.p != NULL && !str_eq(m->tier, s->tier)) ||
		    hand[i].received_at < s->fact.sold_at)
			continue;
		if (m->kind == MANUAL_RESTORE)
			at = FACT_NO_TIME;
		else if (at == FACT_NO_TIME)
			at = hand[i].received_at;
	}
	return at;
}

#include "fold/hand.h"

#include <stdlib.h>

#include "base/time.h"
#include "fold/manual.h"

/* What an event by hand says of one delivery. */
struct mark {
	struct str delivery;
	size_t order; /* the later one speaks */
	int is_void;
};

static int
compare_marks(const void *pa, const void *pb)
{
	const struct mark *a = pa, *b = pb;
	int c = str_compare(a->delivery, b->delivery);
	return c != 0 ? c : (a->order > b->order) - (a->order < b->order);
}

static int
is_about_deliveries(const struct manual *m)
{
	return m->kind == MANUAL_VOID || m->kind == MANUAL_UNVOID;
}

/* One for each delivery named, in order of their keys; -1 without memory. */
static int
read_marks(const struct fold_delivery *hand, size_t n_hand, struct arena *a,
    struct mark **out, size_t *n)
{
	size_t named = 0, kept = 0;
	for (size_t i = 0; i < n_hand; i++)
		if (is_about_deliveries(hand[i].manual))
			named += hand[i].manual->n_deliveries;
	struct mark *marks = arena_alloc(a, (named + 1) * sizeof(*marks));
	if (marks == NULL)
		return -1;
	named = 0;
	for (size_t i = 0; i < n_hand; i++) {
		const struct manual *m = hand[i].manual;
		if (!is_about_deliveries(m))
			continue;
		for (size_t k = 0; k < m->n_deliveries; k++)
			marks[named++] = (struct mark){ m->deliveries[k], i,
				m->kind == MANUAL_VOID };
	}
	if (named > 0)
		qsort(marks, named, sizeof(*marks), compare_marks);
	for (size_t i = 0; i < named; i++)
		if (i + 1 == named ||
		    !str_eq(marks[i].delivery, marks[i + 1].delivery))
			marks[kept++] = marks[i];
	*out = marks;
	*n = kept;
	return 0;
}

static int
is_void(const struct mark *marks, size_t n, struct str delivery)
{
	size_t low = 0;
	while (n > 0) {
		int c = str_compare(marks[low + n / 2].delivery, delivery);
		if (c == 0)
			return marks[low + n / 2].is_void;
		if (c < 0) {
			low += n / 2 + 1;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return 0;
}

/* Behind the others, in their order. */
static int
drop_void(struct fold_delivery *d, size_t *n, const struct mark *marks,
    size_t n_marks, struct arena *a)
{
	size_t live = 0, dropped = 0;
	struct fold_delivery *out = arena_alloc(a, (*n + 1) * sizeof(*out));
	if (out == NULL)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		if (!is_void(marks, n_marks, d[i].fact->delivery)) {
			d[live++] = d[i];
			continue;
		}
		out[dropped] = d[i];
		out[dropped++].verdict = FOLD_VOIDED;
	}
	if (dropped > 0)
		memcpy(d + live, out, dropped * sizeof(*out));
	*n = live;
	return 0;
}

int
hand_split(struct fold_delivery *d, size_t *n, struct arena *a,
    struct fold_delivery **hand, size_t *n_hand)
{
	struct mark *marks;
	size_t front = 0, total = *n, n_marks;
	*hand = d;
	*n_hand = 0;
	if (total == 0)
		return 0;
	for (size_t i = 0; i < total; i++) {
		if (d[i].manual != NULL)
			continue;
		struct fold_delivery t = d[i];
		d[i] = d[front];
		d[front++] = t;
	}
	/* the exchange has mixed both sides */
	fold_sort(d, front);
	fold_sort(d + front, total - front);
	*hand = d + front;
	*n_hand = total - front;
	*n = front;
	if (read_marks(*hand, *n_hand, a, &marks, &n_marks) != 0)
		return -1;
	return n_marks == 0 ? 0 : drop_void(d, n, marks, n_marks, a);
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

struct str
hand_email(const struct fold_delivery *hand, size_t n_hand, struct str own)
{
	struct str email = own;
	for (size_t i = 0; i < n_hand; i++) {
		const struct manual *m = hand[i].manual;
		if (m->kind == MANUAL_LINK && m->email.p != NULL)
			email = m->email;
		else if (m->kind == MANUAL_UNLINK)
			email = own;
	}
	return email;
}

int
hand_waits(const struct subject *u, int64_t t)
{
	enum tier_confirm how = u->rules->confirm[platform_index(u->platform)];
	int waits = 0;
	for (size_t i = 0; how != TIER_CONFIRM_OFF && i < u->n_hand; i++) {
		const struct manual *m = u->hand[i].manual;
		if (m->kind != MANUAL_CONFIRM)
			continue;
		if (m->end == STORE_NULL)
			waits = how == TIER_CONFIRM_BEFORE && t >= m->begin;
		else if (t >= m->begin && t < m->end)
			return 1;
	}
	return waits;
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
		    hand[i].sent_at < s->fact.sold_at)
			continue;
		if (m->kind == MANUAL_RESTORE)
			at = FACT_NO_TIME;
		else if (at == FACT_NO_TIME)
			at = hand[i].sent_at;
	}
	return at;
}

#include "truth/confirm.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "commit/manual_put.h"

struct pending {
	const json_t *later;
	json_t *ids; /* sold_at by id */
	int64_t now, oldest; /* of those that were sold lately */
	int failed;
};

static int
take_pending(void *arg, struct str sale, int64_t sold_at)
{
	struct pending *n = arg;
	int64_t again =
	    json_integer_value(json_object_getn(n->later, sale.p, sale.n));
	if (again > n->now)
		return 0;
	if (sold_at < n->oldest && sold_at >= n->now - CONFIRM_DAYS * WALK_DAY)
		n->oldest = sold_at;
	n->failed |=
	    json_object_setn_new(n->ids, sale.p, sale.n, json_integer(sold_at));
	return n->failed;
}

static int
find_pending(struct store *s, const struct platform *p, const json_t *later,
    struct pending *out, struct err *e)
{
	int64_t now = time_now();
	*out = (struct pending){
		.later = later, .ids = json_object(), .now = now, .oldest = now
	};
	if (out->ids != NULL &&
	    store_purchase_unconfirmed(s, str_from(p->name),
		now - CONFIRM_DAYS * WALK_DAY, CONFIRM_MAX, take_pending, out,
		e) == 0 &&
	    !out->failed)
		return 0;
	if (out->ids == NULL || out->failed)
		err_set(e, ERR_MEMORY, "out of memory");
	json_decref(out->ids);
	return -1;
}

int
confirm_due(struct store *s, const struct platform *platform,
    const json_t *later, int *due, struct err *e)
{
	struct pending n;
	*due = 0;
	if (find_pending(s, platform, later, &n, e) != 0)
		return -1;
	*due = json_object_size(n.ids) > 0;
	json_decref(n.ids);
	return 0;
}

/* When this sale was first not there, seconds; 0: it was not asked for. */
static int
first_absent(struct pass *p, const char *id, int64_t *at, struct err *e)
{
	struct str name = str_from(arena_printf(
		       p->arena, "absent:%s:%s", p->ask.platform->name, id)),
		   text;
	*at = 0;
	if (store_meta_text(p->store, name, p->arena, &text, e) != 0)
		return -1;
	if (text.n > 0)
		return str_int64(text, 0, INT64_MAX, at);
	return p->dry ? 0
		      : store_meta_put(p->store, name,
			    str_from(arena_printf(
				p->arena, "%lld", (long long)time_now())),
			    e);
}

/* A sale that was confirmed is there: the platform can be believed. */
static int
is_sound(struct pass *p, int *sound, struct err *e)
{
	struct str known = STR_NONE;
	struct platform_answer a;
	enum platform_said said;
	*sound = 0;
	if (store_purchase_confirmed(p->store, str_from(p->ask.platform->name),
		p->arena, &known, e) != 0)
		return -1;
	if (known.p == NULL)
		return 0;
	const struct platform_question q = { .what = ASK_SALE, .id = known };
	if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
		return -1;
	*sound = said == SAID_FINE &&
	    str_eq(p->ask.platform->api->id(a.object), known);
	return 0;
}

/* "BEGIN COUNT" of the hour. A flood of forged sales is braked by an event by
 * hand: what is sold from now on waits. */
static int
brake(struct pass *p, int64_t now, struct err *e)
{
	struct str platform = str_from(p->ask.platform->name);
	struct str name = str_from(arena_printf(
		       p->arena, "absents:%s", p->ask.platform->name)),
		   text, begun, count;
	int64_t begin = 0, n = 0, event;
	const struct manual m = { .kind = MANUAL_CONFIRM,
		.begin = now,
		.end = now + CONFIRM_FLOOD_S,
		.until = STORE_NULL,
		.note = STR("too many sales that are none") };
	if (name.p == NULL ||
	    store_meta_text(p->store, name, p->arena, &text, e) != 0)
		return -1;
	if (str_cut(text, ' ', &begun, &count)) {
		str_int64(begun, 0, INT64_MAX, &begin);
		str_int64(count, 0, INT64_MAX, &n);
	}
	if (now - begin >= CONFIRM_AGAIN_S || begin > now) {
		begin = now;
		n = 0;
	}
	if (store_meta_put(p->store, name,
		str_from(arena_printf(
		    p->arena, "%lld %lld", (long long)begin, (long long)n + 1)),
		e) != 0)
		return -1;
	return n + 1 != CONFIRM_FLOOD
	    ? 0
	    : manual_put(p->store, p->ask.config, platform,
		  STR(MANUAL_CONFIRM_SUBJECT), &m, now, p->arena, &event, e);
}

static int
conclude_absent(struct pass *p, const char *id, int64_t at, struct err *e)
{
	int sound;
	int64_t first;
	if (first_absent(p, id, &first, e) != 0)
		return -1;
	if (first == 0 || first > at - CONFIRM_AGAIN_S)
		return 0;
	if (is_sound(p, &sound, e) != 0)
		return -1;
	if (!sound)
		return 0;
	if (pass_absent(p, str_from(id), at, e) != 0)
		return -1;
	return p->dry || !p->news ? 0 : brake(p, time_now(), e);
}

/* Has it to be in the list of sales? A giftee's, a test and an authorisation are
 * not. */
static int
is_ordinary(struct pass *p, const json_t *object)
{
	struct fact f;
	char *text = json_dumps(object, JSON_COMPACT);
	int ordinary = text != NULL &&
	    platform_decode(p->ask.platform, STR(PLATFORM_READBACK),
		str_from(text), NULL, p->arena, &f, NULL) == 0 &&
	    !f.gift && !f.test && !f.preorder;
	free(text);
	return ordinary;
}

/* An ordinary sale that is there, but not in the list that was read a moment
 * ago, was not paid: its own answer looks as if it was. */
static int
ask_one(struct pass *p, const char *id, struct err *e)
{
	const struct platform_question q = { .what = ASK_SALE,
		.id = str_from(id) };
	struct platform_answer a;
	enum platform_said said;
	int64_t at = time_now();
	if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
		return -1;
	if (said == SAID_ABSENT)
		return conclude_absent(p, id, at, e);
	if (!pass_is(p, a.object, id))
		return err_set(e, ERR_INPUT, "%s sent another sale than %s",
		    p->ask.platform->words.title, id);
	if (is_ordinary(p, a.object))
		return conclude_absent(p, id, at, e);
	p->known.listed = 0;
	return pass_take(p, PLATFORM_READBACK, a.object, at, e);
}

/* An answer that is none keeps the others from nothing: it is told at the end. */
static int
ask_rest(struct pass *p, json_t *ids, json_t *later, struct err *e)
{
	struct err first = { .code = ERR_NONE };
	const char *id;
	json_t *sold_at;
	json_object_foreach(ids, id, sold_at)
	{
		struct err own = { .code = ERR_NONE };
		(void)sold_at;
		json_object_set_new(
		    later, id, json_integer(time_now() + CONFIRM_AGAIN_S));
		if (ask_one(p, id, &own) != 0) {
			if (first.code == ERR_NONE)
				first = own;
			if (own.code != ERR_INPUT)
				break;
		}
		if (pass_note(p, e) != 0)
			return -1;
	}
	if (first.code == ERR_NONE)
		return 0;
	*e = first;
	return -1;
}

/* Those whose time is long ago, though they came lately: the days around it. */
static int
walk_old(struct pass *p, int64_t since, struct err *e)
{
	const char *id;
	json_t *sold_at, *all = json_copy(p->met);
	int rc = all == NULL ? err_no_memory(e) : 0;
	json_object_foreach(all, id, sold_at)
	{
		int64_t at = json_integer_value(sold_at);
		if (rc == 0 && at < since &&
		    json_object_get(p->met, id) != NULL)
			rc = walk_sales(p, at - WALK_DAY, at + WALK_DAY, e);
	}
	json_decref(all);
	return rc;
}

int
confirm_run(struct pass *p, json_t *later, struct err *e)
{
	struct pending n;
	if (find_pending(p->store, p->ask.platform, later, &n, e) != 0)
		return -1;
	int rc = 0;
	p->met = n.ids;
	p->enough = 1;
	/* tomorrow: the platform's day may begin before ours */
	if (json_object_size(n.ids) > 0)
		rc = walk_sales(p, n.oldest - WALK_DAY, n.now + WALK_DAY, e);
	if (rc == 0)
		rc = walk_old(p, n.now - CONFIRM_DAYS * WALK_DAY, e);
	p->met = NULL;
	p->enough = 0;
	if (rc == 0)
		rc = ask_rest(p, n.ids, later, e);
	json_decref(n.ids);
	return rc;
}

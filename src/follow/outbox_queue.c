#include "base/crypto.h"
#include "follow/outbox_own.h"
#include "access/owner.h"

enum { PERSON_HEX = 16 };

static int
person_digest(const struct access_key *key, char out[PERSON_HEX + 1])
{
	uint8_t digest[CRYPTO_SHA256];
	const struct str pieces[] = { str_from(key->word), STR(":"),
		key->value };
	if (crypto_hmac_sha256(STR("person"), pieces, 3, digest) != 0)
		return -1;
	crypto_hex(digest, PERSON_HEX / 2, out);
	return 0;
}

/* The payload and whom it is about; made once for all actions. */
static int
prepare(struct outbox_sink *k, const struct effect *f, struct buf *b,
    struct store_outbox *row, struct err *e)
{
	struct access_key key;
	struct access access;
	char person[PERSON_HEX + 1];
	int known = f->row != NULL && owner_key(f->row, k->a, &key) == 0;
	if (known) {
		if (access_lookup(
			k->s, &k->c->rules, &key, f->at, k->a, &access, e) != 0)
			return -1;
		if (person_digest(&key, person) != 0)
			return err_no_memory(e);
		row->person = str_from(arena_printf(k->a, "%s", person));
	}
	if (effect_write(b, f, known ? &access : NULL, &key, e) != 0)
		return -1;
	row->payload = buf_str(b);
	row->event = f->event;
	row->added_at = f->at;
	return 0;
}

static int
take_kind(void *arg, const struct store_event *ev)
{
	*(int *)arg = platform_is_reading(ev->kind);
	return 1;
}

/* Of a reading there is nothing to forward: nobody has sent it. */
static int
is_read(
    struct outbox_sink *k, const struct effect *f, int *reading, struct err *e)
{
	*reading = 0;
	return f->event == STORE_NULL
	    ? 0
	    : store_event_get(k->s, f->event, take_kind, reading, e);
}

static int
queue(struct outbox_sink *k, const struct effect *f,
    const struct action *action, struct buf *b, struct store_outbox *row,
    struct err *e)
{
	char id[EFFECT_ID_MAX];
	int reading = 0;
	if (action->kind == ACTION_FORWARD && is_read(k, f, &reading, e) != 0)
		return -1;
	if (reading)
		return 0;
	if (effect_id(f, action->kind, action->name, id, e) != 0)
		return -1;
	if (b->n == 0 && prepare(k, f, b, row, e) != 0)
		return -1;
	row->kind = str_from(action_words[action->kind]);
	row->target = action->name;
	row->dedupe = str_from(id);
	row->due_at = k->due;
	row->awaits = STR_NONE;
	if (outbox_must_wait(k->c, f, action)) {
		row->awaits =
		    outbox_awaits(k->a, f->row->platform, f->row->sale);
		row->due_at = f->at + OUTBOX_WAITS_ALONE;
		if (row->awaits.p == NULL)
			return err_no_memory(e);
	}
	return store_outbox_add(k->s, row, e);
}

int
outbox_happen(struct outbox_sink *k, const struct effect *f,
    const struct rule_case *rc, const struct rule *only, struct err *e)
{
	const struct rules *rules = &k->c->follow_ups;
	struct store_outbox row = { .event = STORE_NULL };
	struct buf b;
	int result = 0;
	if (f->once.p == NULL)
		return err_no_memory(e);
	buf_init(&b, EFFECT_PAYLOAD_MAX);
	for (size_t i = 0; result == 0 && i < rules->n; i++) {
		const struct rule *r = &rules->v[i];
		const char *refusal = rule_refusal(r, rc);
		if (k->plan != NULL && refusal != NULL &&
		    (r->events & 1U << rc->event) != 0)
			k->plan(k->arg, f, r, NULL, refusal);
		if ((only != NULL && only != r) || refusal != NULL)
			continue;
		for (size_t n = 0; result == 0 && n < r->n_actions; n++) {
			char id[EFFECT_ID_MAX];
			const struct action *action = &r->actions[n];
			if (k->plan == NULL)
				result = queue(k, f, action, &b, &row, e);
			else if ((result = effect_id(f, action->kind,
				      action->name, id, e)) == 0)
				k->plan(k->arg, f, r, action, id);
		}
	}
	buf_free(&b);
	return result;
}

struct rule_case
outbox_case(const struct effect *f, struct str tier)
{
	struct rule_case rc = { .event = f->what,
		.platform = f->platform,
		.tier = tier,
		.from = f->before,
		.to = f->after };
	if (f->row != NULL) {
		rc.product = f->row->product;
		rc.product_name = f->row->product_name;
		rc.test = f->row->test != 0;
	}
	return rc;
}

#include "follow/courier_own.h"

static int
is_in_hand(struct courier *c, int64_t id)
{
	size_t i = 0;
	pthread_mutex_lock(&c->lock);
	while (i < c->n_in_hand && c->in_hand[i] != id)
		i++;
	int is = i < c->n_in_hand;
	pthread_mutex_unlock(&c->lock);
	return is;
}

void
courier_let_go(struct courier *c, int64_t id)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n_in_hand; i++)
		if (c->in_hand[i] == id) {
			c->in_hand[i] = c->in_hand[--c->n_in_hand];
			break;
		}
	pthread_mutex_unlock(&c->lock);
}

void
courier_hold(struct courier *c, const struct claim *b)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < b->n; i++)
		c->in_hand[c->n_in_hand++] = b->jobs[i].row.id;
	pthread_mutex_unlock(&c->lock);
}

static int
take_job(void *arg, const struct store_outbox *row)
{
	struct claim *b = arg;
	if (is_in_hand(b->lane->courier, row->id))
		return 0;
	struct job *job = &b->jobs[b->n++];
	*job = (struct job){ .row = *row };
	job->row.payload = str_copy(b->arena, row->payload);
	job->row.dedupe = str_copy(b->arena, row->dedupe);
	return b->n == b->max;
}

static int
take_delivery(void *arg, const struct store_event *ev)
{
	struct claim *b = arg;
	struct job *job = &b->jobs[0];
	job->platform = str_copy(b->arena, ev->platform);
	job->content_type = str_copy(b->arena, ev->content_type);
	job->body = str_copy(b->arena, ev->body);
	return 1;
}

/* What was received is in the log: the row, one alone, has its number only. */
static int
add_delivery(struct store *s, struct claim *b, struct err *e)
{
	int64_t event = b->n == 0 ? STORE_NULL : b->jobs[0].row.event;
	return event == STORE_NULL ||
		store_event_get(s, event, take_delivery, b, e) == 0 ||
		e->code == ERR_ABSENT
	    ? 0
	    : -1;
}

/* Those from a number on, which were just found. */
static int
claim(struct store *s, struct claim *b, size_t from, struct err *e)
{
	if (b->lane->action->kind == ACTION_FORWARD &&
	    add_delivery(s, b, e) != 0)
		return -1;
	if (arena_failed(b->arena))
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = from; i < b->n; i++) {
		b->jobs[i].row.attempts++;
		if (store_outbox_claim(s, b->jobs[i].row.id, b->until, e) != 0)
			return -1;
	}
	return 0;
}

int
courier_claim(struct store *s, struct claim *b, struct err *e)
{
	const struct action *a = b->lane->action;
	struct str kind = str_from(action_words[a->kind]);
	if (store_outbox_take(s, kind, a->name, a->order, b->now,
		(int64_t)b->max, take_job, b, e) != 0 ||
	    claim(s, b, 0, e) != 0)
		return -1;
	size_t n = b->n;
	if (!a->order || n == b->max)
		return 0;
	return store_outbox_take_heads(s, kind, a->name, b->now,
		   (int64_t)(b->max - n), take_job, b, e) != 0
	    ? -1
	    : claim(s, b, n, e);
}

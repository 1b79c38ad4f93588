#include "follow/claim.h"

static struct str
keep(struct arena *a, struct str s)
{
	return s.p == NULL ? s : (struct str){ arena_dup(a, s.p, s.n), s.n };
}

static int
is_flying(const struct claim *b, int64_t id)
{
	for (size_t i = 0; i < b->n_flying; i++)
		if (b->flying[i] == id)
			return 1;
	return 0;
}

static int
take_job(void *arg, const struct store_outbox *row)
{
	struct claim *b = arg;
	if (is_flying(b, row->id))
		return 0;
	struct claim_job *job = &b->jobs[b->n];
	*job = (struct claim_job){ .row = *row };
	job->row.payload = keep(b->arena, row->payload);
	job->row.dedupe = keep(b->arena, row->dedupe);
	job->row.last_error = STR_NONE;
	job->row.kind = job->row.target = job->row.state = STR_NONE;
	b->n++;
	return b->n == b->max;
}

static int
take_delivery(void *arg, const struct store_event *ev)
{
	struct claim *b = arg;
	struct claim_job *job = &b->jobs[b->n];
	job->platform = keep(b->arena, ev->platform);
	job->content_type = keep(b->arena, ev->content_type);
	job->body = keep(b->arena, ev->body);
	return 1;
}

/* What was received is in the log: the row has its number only. */
static int
add_deliveries(struct store *s, struct claim *b, size_t from, struct err *e)
{
	size_t n = b->n;
	int rc = 0;
	for (b->n = from; rc == 0 && b->n < n; b->n++)
		if (b->jobs[b->n].row.event != STORE_NULL &&
		    store_event_get(
			s, b->jobs[b->n].row.event, take_delivery, b, e) != 0)
			rc = e->code == ERR_ABSENT ? 0 : -1;
	b->n = n;
	return rc;
}

int
claim_is_due(struct store *s, const struct action *a, int64_t now, int *due,
    struct err *e)
{
	return store_outbox_is_due(
	    s, str_from(action_words[a->kind]), a->name, a->order, now, due, e);
}

/* Those from a number on, which were just found. */
static int
take(struct store *s, struct claim *b, size_t from, struct err *e)
{
	if (b->action->kind == ACTION_FORWARD &&
	    add_deliveries(s, b, from, e) != 0)
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
claim_take(struct store *s, struct claim *b, struct err *e)
{
	const struct action *a = b->action;
	struct str kind = str_from(action_words[a->kind]);
	if (store_outbox_take(s, kind, a->name, a->order, b->now,
		(int64_t)b->max, take_job, b, e) != 0 ||
	    take(s, b, 0, e) != 0)
		return -1;
	size_t n = b->n;
	if (!a->order || n == b->max)
		return 0;
	return store_outbox_take_heads(s, kind, a->name, b->now,
		   (int64_t)(b->max - n), take_job, b, e) != 0
	    ? -1
	    : take(s, b, n, e);
}

static int
release(struct store *s, const struct claim *b, struct err *e)
{
	for (size_t i = b->max; i < b->n; i++)
		if (store_outbox_release(
			s, b->jobs[i].row.id, b->jobs[i].row.attempts, e) != 0)
			return -1;
	return 0;
}

int
claim_give_back(struct store *s, void *arg, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	if (release(s, arg, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

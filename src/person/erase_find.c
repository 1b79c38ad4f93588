#include "person/erase_find.h"

#include "config/config_names.h"
#include "fold/manual.h"
#include "platform/redact.h"

int
erase_subjects_has(
    const struct erase_subjects *all, struct str platform, struct str subject)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].platform, platform) &&
		    str_eq(all->v[i].subject, subject))
			return 1;
	return 0;
}

int
erase_subjects_add(struct erase_subjects *all, struct str platform,
    struct str subject, struct err *e)
{
	if (erase_subjects_has(all, platform, subject))
		return 0;
	struct erase_subject *v =
	    arena_grow(all->arena, all->v, all->n, &all->size, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	all->v = v;
	struct erase_subject *new = &all->v[all->n++];
	new->platform = str_copy(all->arena, platform);
	new->subject = str_copy(all->arena, subject);
	if (new->platform.p == NULL || new->subject.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

struct adding {
	struct erase_subjects *to;
	struct err *err;
	int failed;
};

static int
take_subject(void *arg, const struct store_purchase *row)
{
	struct adding *adding = arg;
	adding->failed = erase_subjects_add(adding->to, row->platform,
			     row->subject, adding->err) != 0;
	return adding->failed;
}

int
erase_find(struct store *s, const struct erase_who *who,
    struct erase_subjects *out, struct err *e)
{
	struct adding adding = { .to = out, .err = e };
	struct store_purchase_filter by_user = { .user_ref = who->id,
		.limit = ERASE_FIND_MAX };
	struct store_purchase_filter by_email = { .email = who->id,
		.limit = ERASE_FIND_MAX };
	/* an app may have addresses for its own user ids */
	if (store_purchase_list(s, &by_user, take_subject, &adding, e) != 0 ||
	    adding.failed)
		return -1;
	if (who->by == STORE_BY_USER)
		return 0;
	if (store_purchase_list(s, &by_email, take_subject, &adding, e) != 0 ||
	    adding.failed)
		return -1;
	return 0;
}

struct scan {
	const struct config *config;
	const struct erase_who *who;
	struct arena *arena;
	struct erase_hits *hits;
	struct err *err;
	size_t seen;
	int failed;
};

static int
is_id(const struct erase_who *who, struct str s)
{
	return who->by == STORE_BY_EMAIL ? str_eq_fold(s, who->id)
					 : str_eq(s, who->id);
}

static enum erase_how
judge_manual(const struct scan *scan, const struct store_event *ev)
{
	const struct erase_who *who = scan->who;
	struct manual m;
	struct err no;
	int by_email = who->by == STORE_BY_EMAIL;
	if (str_eq(ev->subject,
		manual_grant_subject(scan->arena, (int)who->by, who->id)) ||
	    (by_email && redact_mentions(scan->arena, ev->subject, who->id)))
		return ERASE_SUBJECT;
	if (by_email && redact_mentions(scan->arena, ev->body, who->id))
		return ERASE_BY_HAND;
	if (manual_decode(scan->arena, ev->body, ev->delivery, &m, &no) != 0)
		return ERASE_NOT;
	return is_id(who, m.user) ? ERASE_BY_HAND : ERASE_NOT;
}

static int
judge_delivery(const struct scan *scan, const struct platform *p,
    const struct store_event *ev, enum erase_how *how, struct err *e)
{
	const struct erase_who *who = scan->who;
	struct decode_opts opts = project_opts(scan->config, p);
	struct redact_opts only = { .address = who->id };
	struct redacted found = { .body = STR_NONE };
	struct fact f;
	*how = ERASE_NOT;
	if (who->by == STORE_BY_EMAIL) {
		if (platform_redact(p, ev->kind, ev->body, &only, scan->arena,
			&found, e) != 0)
			return -1;
		if (found.body.p == NULL &&
		    !redact_mentions(scan->arena, ev->subject, who->id))
			return 0;
	}
	if (platform_decode(p, ev->kind, ev->body, &opts, scan->arena, &f, e) !=
	    0)
		return -1;
	if (found.is_buyer || is_id(who, f.user_ref) ||
	    (who->by == STORE_BY_EMAIL && is_id(who, f.email)))
		*how = ERASE_SUBJECT;
	else if (who->by == STORE_BY_EMAIL)
		*how = ERASE_MENTION;
	return 0;
}

static int
look(void *arg, const struct store_event *ev)
{
	struct scan *scan = arg;
	struct erase_hits *h = scan->hits;
	const struct platform *p = platform_find(ev->platform);
	enum erase_how how = ERASE_NOT;
	scan->seen++;
	h->last = ev->id;
	arena_reset(scan->arena);
	if (p == NULL) {
		how = judge_manual(scan, ev);
	} else if (judge_delivery(scan, p, ev, &how, scan->err) != 0) {
		scan->failed = 1;
		return 1;
	}
	if (how != ERASE_NOT) {
		h->v[h->n].id = ev->id;
		h->v[h->n++].how = how;
	}
	return 0;
}

int
erase_scan(struct store *s, const struct config *c, const struct erase_who *who,
    struct arena *a, struct erase_hits *h, struct err *e)
{
	struct scan scan = {
		.config = c, .who = who, .arena = a, .hits = h, .err = e
	};
	h->n = 0;
	if (store_event_all(s, h->last, ERASE_BATCH, look, &scan, e) != 0 ||
	    scan.failed)
		return -1;
	h->done = scan.seen < ERASE_BATCH;
	return 0;
}

struct getting {
	struct arena *arena;
	struct store_event *out;
};

static int
take_event(void *arg, const struct store_event *ev)
{
	struct getting *getting = arg;
	struct store_event *o = getting->out;
	*o = *ev;
	struct str *texts[] = { &o->platform, &o->kind, &o->delivery,
		&o->subject, &o->content_type, &o->body, &o->verified_by,
		&o->peer, &o->status, &o->reason };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = str_copy(getting->arena, *texts[i]);
	return 1;
}

int
erase_get(struct store *s, int64_t id, struct arena *a, struct store_event *out,
    struct err *e)
{
	struct getting getting = { a, out };
	if (store_event_get(s, id, take_event, &getting, e) != 0)
		return -1;
	return arena_failed(a) ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

#include "ctl/plan.h"

#include "config/config_names.h"
#include "commit/intake.h"
#include "follow/outbox.h"

struct plan {
	struct ctl *ctl;
	struct store *s;
	struct store_event event; /* texts in the arena */
	struct err *err;
	size_t n;
	int refusals; /* alone */
};

static int
take_event(void *arg, const struct store_event *ev)
{
	struct plan *p = arg;
	struct str *texts[] = { &p->event.platform, &p->event.subject,
		&p->event.body, &p->event.status, &p->event.reason };
	p->event = *ev;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i]->p != NULL)
			texts[i]->p =
			    arena_dup(p->ctl->arena, texts[i]->p, texts[i]->n);
	return 1;
}

static void
tell(void *arg, const struct effect *f, const struct rule *rule,
    const struct action *action, const char *text)
{
	struct plan *p = arg;
	struct buf *b = &p->ctl->out;
	int known = 0;
	if (action != NULL && p->refusals)
		return;
	p->n++;
	if (action == NULL) {
		buf_addf(b,
		    "not        on '%s', line %d: ", rule_words[f->what],
		    rule->line);
		if (strcmp(text, "test") == 0)
			buf_addz(b, "a test, and it has no test = true\n");
		else
			buf_addf(b, "its %s does not fit\n", text);
		return;
	}
	if (p->err->code == ERR_NONE)
		store_outbox_is_known(p->s, str_from(text), &known, p->err);
	buf_addf(b, "%s  %s %.*s: %s, line %d\n",
	    known ? "is queued" : "would run", action_words[action->kind],
	    STR_ARG(action->name), rule_words[f->what], rule->line);
}

static int
take_row(void *arg, const struct store_outbox *row)
{
	struct plan *p = arg;
	struct buf *b = &p->ctl->out;
	p->n++;
	buf_addf(
	    b, "outbox %lld: %.*s ", (long long)row->id, STR_ARG(row->kind));
	buf_add_visible(b, row->target);
	buf_addf(b, ": %.*s", STR_ARG(row->state));
	if (row->last_error.p != NULL) {
		buf_addz(b, ", last answer: ");
		buf_add_visible(b, row->last_error);
	}
	buf_addc(b, '\n');
	return 0;
}

static int
take_change(void *arg, const struct store_change *c)
{
	struct plan *p = arg;
	struct buf *b = &p->ctl->out;
	if (str_eq(c->before, c->after))
		return 0;
	buf_addz(b, "access     ");
	buf_add_visible(b, c->before.p == NULL ? STR("none") : c->before);
	buf_addz(b, " -> ");
	buf_add_visible(b, c->after.p == NULL ? STR("none") : c->after);
	buf_addz(b, " (tier_changed)\n");
	return 0;
}

static int
ask_rules(struct plan *p, struct err *e)
{
	const struct platform *platform = platform_find(p->event.platform);
	struct fact fact;
	if (platform == NULL)
		return 0;
	struct decode_opts opts = project_opts(p->ctl->config, platform);
	if (platform_decode(platform, p->event.kind, p->event.body, &opts,
		p->ctl->arena, &fact, e) != 0)
		return -1;
	const struct outbox_delivery d = { .platform = platform,
		.fact = &fact,
		.subject = p->event.subject,
		.status = p->event.status,
		.reason = p->event.reason,
		.event = p->event.id,
		.at = p->event.received_at };
	return outbox_plan(p->s, p->ctl->config, &d, tell, p, p->ctl->arena, e);
}

int
plan_refusals(
    struct ctl *ctl, struct store *s, int64_t event, size_t *n, struct err *e)
{
	struct plan p = { .ctl = ctl, .s = s, .err = e, .refusals = 1 };
	int rc = store_event_get(s, event, take_event, &p, e) != 0
	    ? -1
	    : ask_rules(&p, e);
	*n = p.n;
	return rc;
}

enum ctl_exit
plan_run(struct ctl *ctl, struct err *e)
{
	int64_t id;
	struct plan p = { .ctl = ctl, .err = e };
	if (ctl_number(ctl, "event", 1, INT64_MAX, 0, &id, e) != 0)
		return CTL_USAGE;
	p.s = ctl_store(ctl, STORE_READ, e);
	if (p.s == NULL || store_event_get(p.s, id, take_event, &p, e) != 0 ||
	    ask_rules(&p, e) != 0 ||
	    store_change_of_event(p.s, id, take_change, &p, e) != 0 ||
	    store_outbox_of_event(p.s, id, take_row, &p, e) != 0)
		return CTL_SYSTEM;
	if (p.n == 0)
		buf_addz(&ctl->out, "no rule is about this event\n");
	return CTL_YES;
}

#include "explain/explain.h"

#include "base/jsonw.h"
#include "base/time.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

/* ---- JSON ---- */

static void
json_event(struct buf *b, const struct explain_event *ev)
{
	jsonw_open(b, '{');
	jsonw_int(b, "event", ev->event);
	jsonw_time(b, "received_at", ev->received_at);
	jsonw_text(b, "platform", ev->platform);
	jsonw_text(b, "kind", ev->kind);
	jsonw_text(b, "status", ev->status);
	jsonw_int(b, "seen", ev->seen);
	jsonw_text(b, "says", ev->says);
	jsonw_text(b, "rule", str_from(fold_rule_words[ev->rule]));
	jsonw_close(b, '}');
}

static void
json_subject(struct buf *b, const struct explain_subject *u)
{
	jsonw_open(b, '{');
	jsonw_text(b, "platform", u->platform);
	jsonw_text(b, "subject", u->subject);
	jsonw_key(b, "rows");
	jsonw_open(b, '[');
	for (size_t i = 0; i < u->rows.n; i++)
		print_purchase_json(b, &u->rows.v[i]);
	jsonw_close(b, ']');
	jsonw_key(b, "events");
	jsonw_open(b, '[');
	for (size_t i = 0; i < u->n_events; i++)
		json_event(b, &u->events[i]);
	jsonw_close(b, ']');
	jsonw_close(b, '}');
}

static void
print_json(struct buf *b, const struct explain *x)
{
	jsonw_open(b, '{');
	jsonw_key(b, "access");
	access_json(b, &x->access, &x->key, -1);
	jsonw_key(b, "subjects");
	jsonw_open(b, '[');
	for (size_t i = 0; i < x->n_subjects; i++)
		json_subject(b, &x->subjects[i]);
	jsonw_close(b, ']');
	jsonw_key(b, "notes");
	jsonw_open(b, '[');
	for (size_t i = 0; i < x->n_notes; i++)
		jsonw_element(b, x->notes[i]);
	jsonw_close(b, ']');
	jsonw_close(b, '}');
	buf_addc(b, '\n');
}

/* ---- text ---- */

static void
print_subject(struct buf *b, const struct explain_subject *u)
{
	char text[TIME_TEXT_MAX];
	buf_addc(b, '\n');
	buf_add_visible(b, u->platform);
	buf_addc(b, ' ');
	buf_add_visible(b, u->subject);
	if (u->subscription != NULL) {
		buf_addz(b, ", ");
		buf_add_visible(b, u->subscription->status);
	}
	buf_addc(b, '\n');
	for (size_t i = 0; i < u->n_events; i++) {
		const struct explain_event *ev = &u->events[i];
		buf_addf(b, "%s  event %lld, ",
		    time_text(ev->received_at, text), (long long)ev->event);
		if (str_eq_z(ev->platform, "manual"))
			buf_addz(b, "by hand, ");
		buf_add_visible(b, ev->kind);
		buf_addz(b, ": ");
		buf_add_visible(b, ev->says);
		buf_addf(b, " [%s]\n", fold_rule_words[ev->rule]);
	}
}

static void
print_text(struct ctl *ctl, const struct explain *x)
{
	struct buf *b = &ctl->out;
	print_access(ctl, &x->access, &x->key);
	for (size_t i = 0; i < x->n_subjects; i++)
		print_subject(b, &x->subjects[i]);
	if (x->n_notes > 0)
		buf_addc(b, '\n');
	for (size_t i = 0; i < x->n_notes; i++) {
		buf_addz(b, "note: ");
		buf_add_visible(b, x->notes[i]);
		buf_addc(b, '\n');
	}
}

static int
read_ask(struct ctl *ctl, struct explain_ask *ask, struct access_key *key,
    struct err *e)
{
	*ask = (struct explain_ask){ .sale = str_from(ctl_get(ctl, "sale")),
		.subscription = str_from(ctl_get(ctl, "subscription")),
		.now = time_now() };
	int keys = 0;
	for (size_t by = 0; by < 4; by++)
		keys += ctl_get(ctl, access_words[by]) != NULL;
	int ids = (ask->sale.p != NULL) + (ask->subscription.p != NULL);
	if (ids > 1 || (ids == 1 && keys > 0))
		return err_set(
		    e, ERR_USAGE, "give one identifier, sale or subscription");
	if (ids == 1)
		return 0;
	ask->key = key;
	return ctl_key(ctl, key, e);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct explain_ask ask;
	struct access_key key;
	struct explain x;
	if (read_ask(ctl, &ask, &key, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	if (explain_find(s, ctl->config, &ask, ctl->arena, &x, e) != 0)
		return ctl_fail(e);
	if (ctl->json)
		print_json(&ctl->out, &x);
	else
		print_text(ctl, &x);
	return x.access.tier.p != NULL ? CTL_YES : CTL_NO;
}

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{ "sale", "ID", "or one sale" },
	{ "subscription", "ID", "or one subscription" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_explain = {
	.name = "explain",
	.args = "--user ID|…",
	.help = "the deliveries behind an answer, in plain words",
	.options = options,
	.run = run,
};

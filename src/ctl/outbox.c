#include <unistd.h>

#include "base/jsonw.h"
#include "base/time.h"
#include "follow/courier.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

/* gatepost outbox: what has to be done about what happened, and what became
 * of it. */

enum { AT_ONCE = 500, PROGRESS_EVERY = 1000 };

static const char *const states[] = { "waiting", "running", "done", "dead",
	"dropped", NULL };

/* ---- list ---------------------------------------------------------------- */

static int
row_text(void *arg, const struct store_outbox *row)
{
	struct table *t = arg;
	table_cell_number(t, row->id);
	table_cell(t, row->state);
	table_cell(t, row->kind);
	table_cell(t, row->target);
	table_cell_number(t, row->attempts);
	table_cell_time(
	    t, row->done_at != STORE_NULL ? row->done_at : row->due_at);
	table_cell_number(t, row->event);
	table_cell(t, row->last_error);
	return 0;
}

static void
add_row_json(struct buf *b, const struct store_outbox *row, int payload)
{
	jsonw_open(b, '{');
	jsonw_int(b, "id", row->id);
	jsonw_text(b, "kind", row->kind);
	jsonw_text(b, "target", row->target);
	jsonw_text(b, "state", row->state);
	jsonw_int(b, "attempts", row->attempts);
	jsonw_time(b, "due_at", row->due_at);
	jsonw_time(b, "added_at", row->added_at);
	jsonw_time(b, "done_at", row->done_at);
	jsonw_int(b, "event", row->event);
	jsonw_text(b, "webhook_id", row->dedupe);
	jsonw_text(b, "last_error", row->last_error);
	jsonw_text(b, "awaits", row->awaits);
	if (payload)
		jsonw_raw(b, "payload", row->payload);
	jsonw_close(b, '}');
}

static int
row_json(void *arg, const struct store_outbox *row)
{
	add_row_json(arg, row, 0);
	return 0;
}

static enum ctl_exit
list(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "ID", "STATE", "KIND", "TARGET",
		"TRIES", "DUE OR DONE", "EVENT", "LAST ANSWER" };
	int64_t limit;
	if (ctl_one_of(ctl, "state", states, e) != 0 ||
	    list_limit(ctl, &limit, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	void *l = list_begin(ctl, heads, sizeof(heads) / sizeof(heads[0]));
	store_outbox_list(s, str_from(ctl_get(ctl, "state")),
	    str_from(ctl_get(ctl, "target")), limit,
	    ctl->json ? row_json : row_text, l, e);
	list_end(ctl, l);
	return CTL_YES;
}

/* ---- show ---------------------------------------------------------------- */

static void
line(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%-12s", name);
	buf_add_visible(b, value.p == NULL ? STR("-") : value);
	buf_addc(b, '\n');
}

static void
line_time(struct buf *b, const char *name, int64_t at)
{
	char text[TIME_TEXT_MAX];
	line(b, name,
	    at == STORE_NULL ? STR_NONE : str_from(time_text(at, text)));
}

static int
show_row(void *arg, const struct store_outbox *row)
{
	struct ctl *ctl = arg;
	struct buf *b = &ctl->out;
	if (ctl->json) {
		add_row_json(b, row, 1);
		buf_addc(b, '\n');
		return 0;
	}
	buf_addf(b, "%-12s%lld\n", "id", (long long)row->id);
	line(b, "kind", row->kind);
	line(b, "target", row->target);
	line(b, "state", row->state);
	buf_addf(b, "%-12s%lld\n", "attempts", (long long)row->attempts);
	line_time(b, "added", row->added_at);
	line_time(b, str_eq_z(row->state, "running") ? "claimed to" : "due",
	    row->due_at);
	line_time(b, "done", row->done_at);
	if (row->event != STORE_NULL)
		buf_addf(b, "%-12s%lld\n", "event", (long long)row->event);
	if (row->awaits.p != NULL)
		line(b, "awaits sale", row->awaits);
	line(b, "webhook-id", row->dedupe);
	line(b, "last answer", row->last_error);
	line(b, "payload", row->payload);
	return 0;
}

static int
read_id(const char *text, int64_t *id, struct err *e)
{
	return str_int64(str_from(text), 1, INT64_MAX, id) == 0
	    ? 0
	    : err_set(e, ERR_USAGE, "%s is no number of the outbox", text);
}

static enum ctl_exit
show(struct ctl *ctl, struct err *e)
{
	int64_t id;
	if (ctl->n_rest != 2) {
		err_set(e, ERR_USAGE, "usage: gatepost outbox show ID");
		return CTL_USAGE;
	}
	if (read_id(ctl->rest[1], &id, e) != 0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s != NULL)
		store_outbox_get(s, id, show_row, ctl, e);
	return CTL_YES;
}

/* ---- retry, drop --------------------------------------------------------- */

typedef int change_fn(struct store *s, int64_t id, int64_t now, struct err *e);

struct pick {
	const char *state;
	int64_t ids[AT_ONCE];
	size_t n;
	int right; /* of one row: its state allows it */
};

static int
take_id(void *arg, const struct store_outbox *row)
{
	struct pick *p = arg;
	p->ids[p->n++] = row->id;
	return p->n == AT_ONCE;
}

static int
take_state(void *arg, const struct store_outbox *row)
{
	struct pick *p = arg;
	p->right = !str_eq_z(row->state, "done") &&
	    !str_eq_z(row->state, "running") && !str_eq_z(row->payload, "{}");
	return 1;
}

static int
change_ids(struct store *s, const struct pick *p, change_fn *fn, struct err *e)
{
	int64_t now = time_now();
	if (store_begin(s, e) != 0)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		if (fn(s, p->ids[i], now, e) != 0) {
			store_rollback(s);
			return -1;
		}
	return store_commit(s, e);
}

/* All of a state, some hundred in a transaction. */
static int
change_all(struct ctl *ctl, struct store *s, change_fn *fn, int64_t *done,
    struct err *e)
{
	int64_t after = 0;
	struct pick p = { .state = ctl_get(ctl, "state") };
	do {
		p.n = 0;
		if (store_outbox_after(s, after, str_from(p.state),
			str_from(ctl_get(ctl, "target")), AT_ONCE, take_id, &p,
			e) != 0 ||
		    change_ids(s, &p, fn, e) != 0)
			return -1;
		*done += (int64_t)p.n;
		if (p.n > 0)
			after = p.ids[p.n - 1];
		if (isatty(STDERR_FILENO) && *done >= PROGRESS_EVERY)
			fprintf(stderr, "\r%lld", (long long)*done);
	} while (p.n == AT_ONCE);
	if (isatty(STDERR_FILENO) && *done >= PROGRESS_EVERY)
		fputc('\n', stderr);
	return 0;
}

static int
change_some(struct ctl *ctl, struct store *s, change_fn *fn, int64_t *done,
    struct err *e)
{
	for (size_t i = 1; i < ctl->n_rest; i++) {
		struct pick p = { .n = 1 };
		if (read_id(ctl->rest[i], &p.ids[0], e) != 0 ||
		    store_outbox_get(s, p.ids[0], take_state, &p, e) != 0)
			return -1;
		if (!p.right)
			return err_set(e, ERR_ABSENT,
			    "%s is done, or being done now", ctl->rest[i]);
		if (change_ids(s, &p, fn, e) != 0)
			return -1;
		++*done;
	}
	return 0;
}

/* A target that said it was gone is tried again. */
static int
enable(struct ctl *ctl, struct store *s, struct err *e)
{
	const struct rules *rules = &ctl->config->follow_ups;
	const char *target = ctl_get(ctl, "target");
	for (size_t i = 0; i < rules->n_targets; i++)
		if ((target == NULL ||
			str_eq_z(rules->targets[i]->name, target)) &&
		    courier_enable(s, rules->targets[i], e) != 0)
			return -1;
	return 0;
}

static enum ctl_exit
change(struct ctl *ctl, change_fn *fn, const char *word, struct err *e)
{
	int64_t done = 0;
	int by_state = ctl_get(ctl, "state") != NULL;
	if (ctl_one_of(ctl, "state", states, e) != 0)
		return CTL_USAGE;
	if (by_state == (ctl->n_rest > 1) ||
	    (by_state && strcmp(ctl_get(ctl, "state"), "dead") != 0 &&
		strcmp(ctl_get(ctl, "state"), "waiting") != 0)) {
		err_set(e, ERR_USAGE,
		    "give numbers, or --state dead or --state waiting, with "
		    "or without --target NAME");
		return CTL_USAGE;
	}
	struct store *s = ctl_store(ctl, STORE_WRITE, e);
	if (s == NULL)
		return CTL_SYSTEM;
	if (fn == store_outbox_again && enable(ctl, s, e) != 0)
		return CTL_SYSTEM;
	if ((by_state ? change_all(ctl, s, fn, &done, e)
		      : change_some(ctl, s, fn, &done, e)) != 0)
		return CTL_SYSTEM;
	buf_addf(&ctl->out, "%lld %s\n", (long long)done, word);
	return CTL_YES;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const char *word = ctl->n_rest == 0 ? "list" : ctl->rest[0];
	if (strcmp(word, "list") == 0)
		return list(ctl, e);
	if (strcmp(word, "show") == 0)
		return show(ctl, e);
	if (strcmp(word, "retry") == 0)
		return change(
		    ctl, store_outbox_again, "due again from now on", e);
	if (strcmp(word, "drop") == 0)
		return change(ctl, store_outbox_give_up, "dropped", e);
	err_set(
	    e, ERR_USAGE, "%s: outbox knows list, show, retry and drop", word);
	return CTL_USAGE;
}

static const struct ctl_option options[] = {
	{ "state", "WORD", "waiting, running, done, dead or dropped" },
	{ "target", "NAME", "of this target only" },
	{ "limit", "N", "how many, 20 unless told" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_outbox = {
	.name = "outbox",
	.args = "[list|show ID|retry ID…|drop ID…]",
	.help = "what is to be done about what happened, and its state",
	.options = options,
	.max_rest = CTL_VALUES_MAX,
	.run = run,
};

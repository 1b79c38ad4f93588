#include "base/jsonw.h"
#include "base/time.h"
#include "fold/column.h"
#include "config/config_names.h"
#include "ctl/ctl.h"
#include "ctl/decode.h"
#include "ctl/table.h"

static void
add_json(struct buf *b, const struct store_event *ev)
{
	jsonw_int(b, "id", ev->id);
	jsonw_text(b, "platform", ev->platform);
	jsonw_text(b, "kind", ev->kind);
	jsonw_text(b, "status", ev->status);
	jsonw_text(b, "reason", ev->reason);
	jsonw_text(b, "subject", ev->subject);
	jsonw_text(b, "delivery", ev->delivery);
	jsonw_time(b, "sent_at", ev->sent_at);
	jsonw_time(b, "received_at", ev->received_at);
	jsonw_int(b, "seen", ev->seen);
	jsonw_time(b, "last_seen_at", ev->last_seen_at);
	jsonw_text(b, "content_type", ev->content_type);
	jsonw_text(b, "verified_by", ev->verified_by);
	jsonw_text(b, "peer", ev->peer);
}

static int
json_row(void *arg, const struct store_event *ev)
{
	struct buf *b = arg;
	jsonw_open(b, '{');
	add_json(b, ev);
	jsonw_close(b, '}');
	return 0;
}

static int
table_row(void *arg, const struct store_event *ev)
{
	struct table *t = arg;
	table_cell_number(t, ev->id);
	table_cell_time(t, ev->received_at);
	table_cell(t, ev->platform);
	table_cell(t, ev->kind);
	table_cell(t, ev->status);
	table_cell(t, ev->reason);
	table_cell_number(t, ev->seen);
	table_cell(t, ev->subject);
	return 0;
}

static enum ctl_exit
run_events(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "ID", "RECEIVED", "PLATFORM",
		"KIND", "STATUS", "REASON", "SEEN", "SUBJECT" };
	struct store_event_filter f = {
		.platform = str_from(ctl_get(ctl, "platform")),
		.kind = str_from(ctl_get(ctl, "kind")),
		.status = str_from(ctl_get(ctl, "status")),
	};
	static const char *const statuses[] = { "applied", "kept", "test",
		NULL };
	if (ctl_one_of(ctl, "status", statuses, e) != 0 ||
	    ctl_one_of(ctl, "platform", platform_columns, e) != 0 ||
	    list_limit(ctl, &f.limit, e) != 0 ||
	    ctl_number(ctl, "before", 1, INT64_MAX, STORE_NULL, &f.before, e) !=
		0)
		return CTL_USAGE;
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL)
		return CTL_SYSTEM;
	void *list = list_begin(ctl, heads, 8);
	store_event_list(s, &f, ctl->json ? json_row : table_row, list, e);
	list_end(ctl, list);
	return CTL_YES;
}

static const struct ctl_option events_options[] = {
	{ "limit", "N", "how many, 20 unless told" },
	{ "before", "ID", "only older ones" },
	{ "platform", "NAME", platform_words },
	{ "kind", "KIND", "sale, refund, membership, readback, …" },
	{ "status", "STATUS", "applied, kept, test" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_events = {
	.name = "events",
	.args = "",
	.help = "list the deliveries received, newest first",
	.options = events_options,
	.run = run_events,
};

static void
line(struct buf *b, const char *name, struct str value)
{
	if (value.p == NULL)
		return;
	buf_addf(b, "%-13s ", name);
	buf_add_visible(b, value);
	buf_addc(b, '\n');
}

static void
line_time(struct buf *b, const char *name, int64_t at)
{
	char text[TIME_TEXT_MAX];
	if (at != STORE_NULL)
		line(b, name, str_from(time_text(at, text)));
}

struct show {
	struct ctl *ctl;
	struct err *err;
};

/* Body lines as they are; only what could move a terminal is escaped. */
static void
add_body(struct buf *b, struct str body)
{
	while (body.p != NULL) {
		struct str head, tail;
		str_cut(body, '\n', &head, &tail);
		buf_add_visible(b, head);
		buf_addc(b, '\n');
		body = tail;
	}
}

static void
show_text(struct buf *b, const struct store_event *ev, struct str decoded)
{
	char id[24];
	snprintf(id, sizeof(id), "%lld", (long long)ev->id);
	line(b, "event", str_from(id));
	line(b, "platform", ev->platform);
	line(b, "kind", ev->kind);
	line(b, "status", ev->status);
	line(b, "reason", ev->reason);
	line(b, "subject", ev->subject);
	line(b, "delivery", ev->delivery);
	line_time(b, "sent", ev->sent_at);
	line_time(b, "received", ev->received_at);
	snprintf(id, sizeof(id), "%lld", (long long)ev->seen);
	line(b, "seen", str_from(id));
	line_time(b, "last seen", ev->last_seen_at);
	line(b, "content type", ev->content_type);
	line(b, "verified by", ev->verified_by);
	line(b, "peer", ev->peer);
	buf_addz(b, "body\n");
	add_body(b, ev->body);
	buf_addz(b, "decoded\n");
	buf_adds(b, decoded);
}

static int
show_event(void *arg, const struct store_event *ev)
{
	struct show *show = arg;
	struct ctl *ctl = show->ctl;
	const struct platform *p = platform_find(ev->platform);
	struct decode_input in = { p, ev->kind, ev->body, { STR_NONE } };
	struct buf decoded;
	buf_init(&decoded, CTL_OUT_MAX);
	if (p != NULL) {
		in.opts = project_opts(ctl->config, p);
		decode_print(ctl, &in, !ctl->json, &decoded, show->err);
	}
	if (ctl->json) {
		jsonw_open(&ctl->out, '{');
		add_json(&ctl->out, ev);
		jsonw_text(
		    &ctl->out, "body", project_column(ctl->arena, ev->body));
		jsonw_raw(&ctl->out, "decoded",
		    p == NULL ? STR("null") : str_trim(buf_str(&decoded)));
		buf_addz(&ctl->out, "}\n");
	} else {
		show_text(&ctl->out, ev, buf_str(&decoded));
	}
	buf_free(&decoded);
	return 0;
}

static enum ctl_exit
run_event(struct ctl *ctl, struct err *e)
{
	int64_t id;
	struct show show = { ctl, e };
	if (str_int64(str_from(ctl->rest[0]), 1, INT64_MAX, &id) != 0) {
		err_set(e, ERR_USAGE, "an event is named by its number");
		return CTL_USAGE;
	}
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s != NULL)
		store_event_get(s, id, show_event, &show, e);
	return CTL_YES;
}

const struct ctl_command ctl_event = {
	.name = "event",
	.args = "ID",
	.help = "show one delivery: what came, and what it was understood as",
	.min_rest = 1,
	.max_rest = 1,
	.run = run_event,
};

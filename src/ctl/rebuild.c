#include "commit/rebuild.h"

#include <unistd.h>

#include "base/time.h"
#include "config/config_names.h"
#include "commit/account.h"
#include "commit/intake.h"
#include "follow/outbox.h"
#include "commit/project.h"
#include "commit/sweep.h"
#include "ctl/ctl.h"

enum { MEMORY_MAX = 256 * 1024 * 1024, PATIENCE_MS = 30000 };

static void
progress(int64_t done, int64_t total)
{
	char line[96];
	if (!isatty(STDERR_FILENO))
		return;
	int n = snprintf(line, sizeof(line), "\r%lld of %lld subjects",
	    (long long)done, (long long)total);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) {
		/* only a courtesy */
	}
}

static void
progress_end(void)
{
	if (isatty(STDERR_FILENO) && write(STDERR_FILENO, "\n", 1) < 0) {
		/* only a courtesy */
	}
}

int
ctl_rebuild_all(struct store *s, const struct config *c,
    struct rebuild_result *r, struct err *e)
{
	int64_t total = 0, shown = 0;
	struct arena *a = arena_new(MEMORY_MAX);
	if (a == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	int rc = store_subject_count(s, &total, e);
	store_patience(s, PATIENCE_MS);
	while (rc == 0 && !r->done) {
		rc = rebuild_step(s, c, time_now(), a, r, e);
		if (r->subjects - shown >= 1000) {
			progress(r->subjects, total);
			shown = r->subjects;
		}
	}
	if (shown > 0)
		progress_end();
	arena_free(a);
	return rc;
}

static void
print_diff(void *arg, struct str platform, struct str subject, size_t rows)
{
	struct ctl *ctl = arg;
	buf_add_visible(&ctl->out, platform);
	buf_addc(&ctl->out, ' ');
	buf_add_visible(&ctl->out, subject);
	buf_addf(&ctl->out, ": %zu row%s would change\n", rows,
	    rows == 1 ? "" : "s");
}

static enum ctl_exit
run_diff(struct ctl *ctl, struct err *e)
{
	struct rebuild_result r = { 0 };
	struct store *s = ctl_store(ctl, STORE_READ, e);
	struct arena *a = arena_new(MEMORY_MAX);
	if (s != NULL && a != NULL)
		rebuild_diff(s, ctl->config, a, print_diff, ctl, &r, e);
	arena_free(a);
	buf_addf(&ctl->out, "%lld subjects, %lld rows would change\n",
	    (long long)r.subjects, (long long)r.changed_rows);
	return r.changed_rows > 0 ? CTL_NO : CTL_YES;
}

static enum ctl_exit
run_rebuild(struct ctl *ctl, struct err *e)
{
	struct rebuild_result r = { 0 };
	if (ctl_get(ctl, "diff") != NULL)
		return run_diff(ctl, e);
	struct store *s = ctl_store(ctl, STORE_CREATE, e);
	if (s == NULL || project_tiers(s, ctl->config, e) != 0)
		return CTL_SYSTEM;
	if (ctl_get(ctl, "resume") == NULL &&
	    rebuild_restart(s, ctl->config, e) != 0)
		return CTL_SYSTEM;
	if (ctl_rebuild_all(s, ctl->config, &r, e) != 0)
		return CTL_SYSTEM;
	buf_addf(&ctl->out, "%lld subjects folded, %lld changed (%lld rows)\n",
	    (long long)r.subjects, (long long)r.changed_subjects,
	    (long long)r.changed_rows);
	return CTL_YES;
}

static const struct ctl_option rebuild_options[] = {
	{ "diff", NULL, "change nothing; exit 1 when rows would differ" },
	{ "resume", NULL, "go on where an interrupted one stood" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_rebuild = {
	.name = "rebuild",
	.args = "",
	.help = "work the state tables out from the log again",
	.options = rebuild_options,
	.run = run_rebuild,
};

/* ---- replay ---- */

struct replay {
	struct ctl *ctl;
	struct store *s;
	struct arena *arena;
	struct err *err;
	size_t applied, still;
	int64_t last;
};

/* As on arrival: by the settings, and by the account that is known. */
static int
judge(struct replay *r, const struct platform *p, const struct fact *f,
    struct str *status, struct str *reason)
{
	struct str account;
	intake_judge(r->ctl->config, p, f, status, reason);
	if (account_read(r->s, p, r->arena, &account, r->err) != 0)
		return -1;
	if (account_is_other(account, f)) {
		*status = STR("kept");
		*reason = STR("other_seller");
	}
	return 0;
}

/* Judges one event anew; what is understood now is applied. */
static int
replay_event(void *arg, const struct store_event *ev)
{
	struct replay *r = arg;
	const struct platform *p = platform_find(ev->platform);
	struct str status, reason, subject;
	struct fact f;
	r->last = ev->id;
	if (p == NULL)
		return 0;
	arena_reset(r->arena);
	char *body = arena_dup(r->arena, ev->body.p, ev->body.n);
	struct decode_opts opts = project_opts(r->ctl->config, p);
	if (body == NULL ||
	    platform_decode(p, ev->kind, (struct str){ body, ev->body.n },
		&opts, r->arena, &f, r->err) != 0) {
		if (r->err->code == ERR_NONE)
			err_set(r->err, ERR_MEMORY, "out of memory");
		return 1;
	}
	if (judge(r, p, &f, &status, &reason) != 0)
		return 1;
	buf_addf(&r->ctl->out, "event %lld: ", (long long)ev->id);
	buf_adds(&r->ctl->out, status);
	if (reason.p != NULL)
		buf_addf(&r->ctl->out, " (%.*s)", STR_ARG(reason));
	buf_addc(&r->ctl->out, '\n');
	if (!str_eq_z(status, "applied")) {
		r->still++;
		return 0;
	}
	subject = (struct str){ arena_dup(r->arena, f.subject.p, f.subject.n),
		f.subject.n };
	/* what was read once is no news when it is understood */
	int is_read = platform_is_reading(ev->kind);
	struct project_when when = {
		.at = time_now(), .event = ev->id, .is_old = is_read
	};
	if (store_begin(r->s, r->err) != 0)
		return 1;
	struct outbox_delivery again = { .platform = p,
		.fact = &f,
		.subject = subject,
		.status = status,
		.event = ev->id,
		.at = when.at };
	int was_kept = str_eq_z(ev->status, "kept") && !is_read;
	if (store_event_apply(r->s, ev->id, subject, r->err) != 0 ||
	    project_any(r->s, r->ctl->config, str_from(p->name), subject, &when,
		r->arena, r->err) != 0 ||
	    /* what was applied before has had its follow-ups */
	    (was_kept &&
		outbox_delivered(
		    r->s, r->ctl->config, &again, r->arena, r->err) != 0) ||
	    store_commit(r->s, r->err) != 0) {
		store_rollback(r->s);
		return 1;
	}
	r->applied++;
	return 0;
}

/* One at a time: a row's statement must be over before the next write. */
struct one_event {
	struct arena *arena;
	struct store_event row;
	int found;
};

static int
take_one(void *arg, const struct store_event *ev)
{
	struct one_event *one = arg;
	one->found = 1;
	one->row = *ev;
	struct str *texts[] = { &one->row.platform, &one->row.kind,
		&one->row.body, &one->row.status };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		texts[i]->p = arena_dup(one->arena, texts[i]->p, texts[i]->n);
	return 1;
}

static int
replay_kept(struct replay *r, struct err *e)
{
	struct arena *a = arena_new(MEMORY_MAX);
	if (a == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (;;) {
		struct one_event one = { .arena = a };
		arena_reset(a);
		if (store_event_kept(r->s, r->last, 1, take_one, &one, e) !=
			0 ||
		    !one.found || replay_event(r, &one.row) != 0)
			break;
	}
	arena_free(a);
	return e->code == ERR_NONE ? 0 : -1;
}

static int
replay_ids(struct replay *r, struct err *e)
{
	struct arena *a = arena_new(MEMORY_MAX);
	if (a == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; e->code == ERR_NONE && i < r->ctl->n_rest; i++) {
		struct one_event one = { .arena = a };
		int64_t id;
		arena_reset(a);
		if (str_int64(str_from(r->ctl->rest[i]), 1, INT64_MAX, &id) !=
		    0)
			err_set(e, ERR_USAGE, "%s is no event number",
			    r->ctl->rest[i]);
		else if (store_event_get(r->s, id, take_one, &one, e) == 0)
			replay_event(r, &one.row);
	}
	arena_free(a);
	return e->code == ERR_NONE ? 0 : -1;
}

static enum ctl_exit
run_replay(struct ctl *ctl, struct err *e)
{
	const char *status = ctl_get(ctl, "status");
	struct replay r = { .ctl = ctl, .err = e };
	if ((status == NULL) == (ctl->n_rest == 0) ||
	    (status != NULL && strcmp(status, "kept") != 0)) {
		err_set(e, ERR_USAGE,
		    "give event numbers, or --status kept for all of those");
		return CTL_USAGE;
	}
	r.s = ctl_store(ctl, STORE_WRITE, e);
	r.arena = arena_new(MEMORY_MAX);
	if (r.s != NULL && r.arena != NULL &&
	    (status != NULL ? replay_kept(&r, e) : replay_ids(&r, e)) == 0)
		buf_addf(
		    &ctl->out, "%zu applied, %zu not\n", r.applied, r.still);
	arena_free(r.arena);
	return r.still > 0 ? CTL_NO : CTL_YES;
}

static const struct ctl_option replay_options[] = {
	{ "status", "kept", "all that were kept" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_replay = {
	.name = "replay",
	.args = "ID…|--status kept",
	.help = "judge stored deliveries anew, after a change of config",
	.options = replay_options,
	.max_rest = CTL_VALUES_MAX,
	.run = run_replay,
};

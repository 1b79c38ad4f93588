#include <grp.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/time.h"
#include "follow/courier.h"
#include "commit/heard.h"
#include "commit/rebuild.h"
#include "ctl/check_truth.h"
#include "ctl/ctl.h"
#include "ctl/exposed.h"
#include "ctl/mail_way.h"
#include "ctl/plan.h"
#include "ctl/unmatched.h"
#include "store/db_sqlite_shrink.h"

enum {
	CLOCK_SLACK = 120, /* seconds */
	KEPT_FRESH = 7 * 86400, /* older ones have been seen by now */
	BACKUP_FRESH = 7 * 86400,
};

struct check {
	struct ctl *ctl;
	int problems;
	int64_t now;
	int64_t events, kept, kept_at;
};

static void
ok(struct check *k, const char *fmt, const char *what)
{
	buf_addz(&k->ctl->out, "ok       ");
	buf_addf(&k->ctl->out, "%s %s\n", fmt, what);
}

static void
note(struct check *k, const char *text)
{
	buf_addf(&k->ctl->out, "note     %s\n", text);
}

static void
problem(struct check *k, const char *text)
{
	buf_addf(&k->ctl->out, "PROBLEM  %s\n", text);
	k->problems++;
}

static void
check_config(struct check *k, const struct config *c)
{
	ok(k, "config", c->file);
	for (size_t i = 0; i < c->n_warnings; i++)
		((c->problems & UINT32_C(1) << i) != 0 ? problem : note)(
		    k, c->warnings[i]);
	if (c->public_url.p == NULL)
		note(k,
		    "public_url is not set: 'gatepost urls' cannot tell "
		    "whole addresses");
	int any = 0;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		any += c->platforms[i].secrets.n > 0;
	if (!any)
		problem(k,
		    "no platform has a token or secret: every delivery "
		    "would be refused");
	if (c->listen_group != NULL && getgrnam(c->listen_group) == NULL)
		problem(k,
		    arena_printf(k->ctl->arena,
			"listen_group: there is no group %s here: "
			"gatepost.fcgi would not start",
			c->listen_group));
	if (str_starts(c->public_url, STR("http://")) &&
	    strstr(c->public_url.p, "127.0.0.1") == NULL)
		note(k,
		    "public_url is http: tokens would travel in clear; use "
		    "https");
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		if (c->platforms[i].secrets.n == 0)
			note(k,
			    arena_printf(k->ctl->arena,
				"%s has no %s: its deliveries are answered 503",
				platforms[i]->name, platforms[i]->secrets_key));
		else if (platforms[i]->words.limits != NULL)
			note(k, platforms[i]->words.limits);
		if (c->rules.accept_test[i])
			note(k,
			    arena_printf(k->ctl->arena,
				"%s.accept_test is on: test purchases give "
				"access",
				platforms[i]->name));
	}
	if (c->rules.n_tiers == 0)
		note(k,
		    "no tier is configured: a purchase gives a tier of "
		    "the platform's own name, rank 0");
	if (c->api_keys.n == 0)
		note(k, "no api_keys: /v1/ answers nobody");
}

static void
check_files(struct check *k, const struct config *c)
{
	struct stat st;
	if (store_is_url(c->database) || stat(c->database, &st) != 0)
		return;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		problem(k,
		    arena_printf(k->ctl->arena,
			"others may read %s, which holds buyers' data: chmod "
			"600 %s",
			c->database, c->database));
	if (st.st_uid != geteuid())
		note(k,
		    arena_printf(k->ctl->arena,
			"%s belongs to user %u, you are user %u: the web "
			"program has to run as its owner",
			c->database, (unsigned)st.st_uid, (unsigned)geteuid()));
}

static void
check_wal(struct check *k, const struct config *c)
{
	int64_t bytes = db_wal_bytes(c->database);
	if (store_is_url(c->database))
		return;
	ok(k, "write-ahead log",
	    arena_printf(k->ctl->arena, "%lld kB", (long long)bytes / 1024));
	if (bytes > DB_WAL_MAX)
		note(k,
		    arena_printf(k->ctl->arena,
			"%s-wal is larger than usual: some program has been "
			"reading the database for long, such as sqlite3 or a "
			"backup. Once that one ends gatepost.fcgi shrinks the "
			"file by itself; as plain CGI 'gatepost work --once' "
			"does",
			c->database));
}

static void
say_exposed(void *arg, int is_problem, const char *text)
{
	(is_problem ? problem : note)(arg, text);
}

static void
check_mail(struct check *k)
{
	const char *text = NULL;
	switch (mail_way(k->ctl, &text)) {
	case MAIL_GOOD:
		ok(k, "mail", text);
		break;
	case MAIL_BAD:
		problem(k, text);
		break;
	default:
		break;
	}
}

static void
check_backup(struct check *k, struct store *s, struct err *e)
{
	char text[TIME_TEXT_MAX];
	int64_t at = STORE_NULL;
	if (store_meta_number(s, STR("backup_at"), &at, e) != 0 ||
	    at == STORE_NULL)
		return;
	ok(k, "backup",
	    arena_printf(
		k->ctl->arena, "last made on %s", time_text(at, text)));
	if (at < k->now - BACKUP_FRESH)
		note(k,
		    "that is more than a week ago: 'gatepost backup FILE' "
		    "makes "
		    "a new one, gatepost-backup.timer one a day");
}

static void
check_moved(struct check *k, struct store *s, struct err *e)
{
	int moved = 0;
	if (store_is_moved(s, &moved, e) == 0 && moved)
		problem(k,
		    "this database was moved by 'gatepost copy --switch' and "
		    "takes no more: every delivery is answered 503. Name the "
		    "one it was moved to as database in gatepost.conf and "
		    "restart the programs");
}

/* Those that are needed when it is too late to find them wrong. */
static void
check_urls(struct check *k, const struct config *c)
{
	struct err e = { .code = ERR_NONE };
	struct store *s = NULL;
	if (c->standby_url != NULL &&
	    store_open(c->standby_url, STORE_STANDBY, &s, &e) != 0)
		problem(k,
		    arena_printf(k->ctl->arena,
			"standby_url cannot be used: %s", e.text));
	store_close(s);
	s = NULL;
	if (c->listen_url != NULL &&
	    (store_open(c->listen_url, STORE_READ, &s, &e) != 0 ||
		store_listen(s, &e) != 0))
		note(k,
		    arena_printf(k->ctl->arena,
			"listen_url cannot be used, streams look twice a "
			"second: %s",
			e.text));
	store_close(s);
}

static int
count_kinds(void *arg, const struct store_event_count *row)
{
	struct check *k = arg;
	k->events += row->count;
	if (str_eq_z(row->status, "kept")) {
		k->kept += row->count;
		if (row->last_seen_at > k->kept_at)
			k->kept_at = row->last_seen_at;
	}
	return 0;
}

/* The kinds it sends only after they were asked for: a seller has to notice
 * that refunds would not arrive. */
static void
check_extra(
    struct check *k, struct store *s, const struct platform *p, struct err *e)
{
	const char *const *kinds = p->words.extra_kinds;
	int64_t last[PLATFORM__MAX];
	struct buf b;
	buf_init(&b, 1024);
	for (; kinds != NULL && *kinds != NULL; kinds++)
		if (heard_last(
			s, k->ctl->config, p, str_from(*kinds), last, e) == 0 &&
		    last[platform_index(p)] == 0)
			buf_addf(&b, "%s%s", b.n > 0 ? ", " : "", *kinds);
	if (b.n > 0)
		note(k,
		    arena_printf(k->ctl->arena, "%s has never sent: %s. %s",
			p->name, b.p, p->words.extra));
	buf_free(&b);
}

static void
check_deliveries(struct check *k, struct store *s, struct err *e)
{
	char text[TIME_TEXT_MAX];
	if (store_event_counts(s, count_kinds, k, e) != 0)
		return;
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		int64_t last[PLATFORM__MAX];
		if (heard_last(s, k->ctl->config, platforms[i], STR_NONE, last,
			e) != 0)
			return;
		if (last[i] == 0)
			continue;
		ok(k, platforms[i]->name,
		    arena_printf(k->ctl->arena, "last heard of %s",
			time_text(last[i], text)));
		if (last[i] > k->now + CLOCK_SLACK)
			problem(k,
			    "a delivery lies in the future: the clock "
			    "was ahead then, or is behind now");
		check_extra(k, s, platforms[i], e);
	}
	if (k->kept > 0)
		(k->kept_at > k->now - KEPT_FRESH ? problem : note)(k,
		    arena_printf(k->ctl->arena,
			"%lld deliveries are kept, not applied, the last on "
			"%s: 'gatepost events --status kept', then 'gatepost "
			"event ID'; after a change of settings 'gatepost "
			"replay --status kept'",
			(long long)k->kept, time_text(k->kept_at, text)));
}

static void
check_products(struct check *k, struct store *s, struct err *e)
{
	int needed = 0;
	if (rebuild_needed(s, k->ctl->config, &needed, e) != 0)
		return;
	if (needed && k->events > 0)
		note(k,
		    "a rebuild is outstanding: sales of before may count by "
		    "settings or a version of before. 'gatepost work "
		    "--once', by hand or from cron, does it, and so does "
		    "gatepost.fcgi when it is restarted");
	struct unmatched *u = unmatched_find(k->ctl, s, e);
	if (u != NULL && u->n > 0)
		note(k,
		    "sales that no grant matches (their tier's name is "
		    "the platform's own). To give a tier for them, paste "
		    "into its grants:");
	if (u != NULL)
		unmatched_print(u, &k->ctl->out);
}

static void
check_clock(struct check *k)
{
	struct timex t = { 0 };
	if (adjtimex(&t) == TIME_ERROR)
		note(k,
		    "the kernel says the clock is not synchronised: signed "
		    "deliveries are judged by it");
	else
		ok(k, "clock", "synchronised");
}

/* "3 follow-ups of mail welcome" */
static const char *
follow_ups(struct check *k, int64_t count, struct str kind, struct str target)
{
	return arena_printf(k->ctl->arena, "%lld follow-up%s of %.*s %.*s",
	    (long long)count, count == 1 ? "" : "s", STR_ARG(kind),
	    STR_ARG(target));
}

static int
count_outbox(void *arg, struct str kind, struct str target, struct str state,
    int64_t count, int64_t tried)
{
	struct check *k = arg;
	struct arena *a = k->ctl->arena;
	if (str_eq_z(state, "dead"))
		problem(k,
		    arena_printf(a,
			"given up: %s: 'gatepost outbox --state dead', then "
			"'gatepost outbox retry ID' or 'gatepost outbox drop "
			"ID'",
			follow_ups(k, count, kind, target)));
	if (!str_eq_z(state, "waiting"))
		return 0;
	if (rules_target(&k->ctl->config->follow_ups, kind, target) == NULL)
		note(k,
		    arena_printf(a,
			"waiting: %s, which the settings do not have (any "
			"more)",
			follow_ups(k, count, kind, target)));
	else if (tried > 0)
		problem(k,
		    arena_printf(a,
			"failed, and will be tried again: %s: 'gatepost outbox "
			"--state waiting' has the reason",
			follow_ups(k, tried, kind, target)));
	return 0;
}

static void
check_outbox(struct check *k, struct store *s, struct err *e)
{
	const struct rules *rules = &k->ctl->config->follow_ups;
	struct str why = STR_NONE;
	if (store_outbox_counts(s, count_outbox, k, e) != 0 ||
	    store_meta_text(s, STR("outbox_error"), k->ctl->arena, &why, e) !=
		0)
		return;
	if (why.n > 0)
		note(k,
		    arena_printf(k->ctl->arena,
			"a follow-up could not be queued: %.*s", STR_ARG(why)));
	for (size_t i = 0; i < rules->n_targets; i++) {
		int off = 0;
		if (courier_is_disabled(s, rules->targets[i], &off, e) != 0)
			return;
		if (off)
			problem(k,
			    arena_printf(k->ctl->arena,
				"%s %.*s answered 410 and is left alone: "
				"'gatepost outbox retry --state waiting "
				"--target %.*s'",
				action_words[rules->targets[i]->kind],
				STR_ARG(rules->targets[i]->name),
				STR_ARG(rules->targets[i]->name)));
	}
}

static void
say_truth(void *arg, enum check_level level, const char *what, const char *text)
{
	struct check *k = arg;
	const char *both = arena_printf(k->ctl->arena, "%s %s", what, text);
	if (level == CHECK_OK)
		ok(k, what, text);
	else
		(level == CHECK_NOTE ? note : problem)(k, both);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct check k = { .ctl = ctl, .now = time_now() };
	if (ctl_get(ctl, "event") != NULL)
		return plan_run(ctl, e);
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return CTL_SYSTEM;
	check_config(&k, c);
	check_files(&k, c);
	const char *nginx = ctl_get(ctl, "nginx");
	exposed_look(c, nginx == NULL ? EXPOSED_NGINX : nginx, ctl->arena,
	    say_exposed, &k);
	check_mail(&k);
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL || store_integrity(s, e) != 0)
		return CTL_SYSTEM;
	char shown[STORE_SHOWN_MAX];
	ok(&k, "database", store_shown(c->database, shown));
	check_wal(&k, c);
	check_backup(&k, s, e);
	check_moved(&k, s, e);
	check_urls(&k, c);
	check_outbox(&k, s, e);
	check_clock(&k);
	check_deliveries(&k, s, e);
	check_truth(ctl, s, k.now, say_truth, &k, e);
	if (e->code == ERR_NONE)
		check_products(&k, s, e);
	return k.problems > 0 ? CTL_NO : CTL_YES;
}

static const struct ctl_option options[] = {
	{ "event", "ID", "which follow-ups it has, and why not others" },
	{ "nginx", "FILE", "nginx's settings; default: " EXPOSED_NGINX },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_check = {
	.name = "check",
	.args = "",
	.help = "look at config, database, clock and what has arrived",
	.options = options,
	.run = run,
};

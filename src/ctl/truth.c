#include <signal.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "ctl/ctl.h"
#include "ctl/table.h"
#include "truth/progress.h"
#include "truth/turn.h"

/* register, import and reconcile: what a platform's API is asked. */

enum { LEASE_MS = 15000 }; /* the web program reads now and then */

static volatile int stopped;

static void
stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* The platform named, or the one that can be asked: it has a token. */
static const struct platform *
asked_platform(struct ctl *ctl, const char *name, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	const struct platform *p = NULL;
	if (c == NULL)
		return NULL;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (name != NULL ? str_eq_z(str_from(name), platforms[i]->name)
				 : p == NULL && platforms[i]->api != NULL &&
			    c->platforms[i].api_token.p != NULL)
			p = platforms[i];
	if (p == NULL && name != NULL)
		err_set(e, ERR_USAGE, "%s is no platform; there is %s", name,
		    platform_words);
	else if (p == NULL)
		err_set(e, ERR_CONFIG,
		    "no platform has a token for its API; gatepost-truth(7) "
		    "says how to get one");
	return p;
}

/* A dead token is no "no", which other commands end with. */
static enum ctl_exit
failed(struct err *e)
{
	if (e->code == ERR_AUTH || e->code == ERR_ABSENT)
		e->code = ERR_CONFIG;
	return e->code == ERR_USAGE ? CTL_USAGE : CTL_SYSTEM;
}

/* A day of an option, or fallback. */
static int
day_option(const struct ctl *ctl, const char *option, int64_t fallback,
    int64_t *out, struct err *e)
{
	const char *text = ctl_get(ctl, option);
	char whole[32];
	*out = fallback;
	if (text == NULL)
		return 0;
	snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
	if (strlen(text) == 10 && time_parse(str_from(whole), out) == 0)
		return 0;
	return err_set(
	    e, ERR_USAGE, "--%s takes a day, such as 2026-11-04", option);
}

/* ---- a pass from here ----------------------------------------------------- */

struct run {
	struct ctl *ctl;
	struct pass pass;
	struct commit *commit;
	struct confirming confirming;
	struct table *table;
	json_t *drift;
	struct progress progress; /* of an import */
};

static int
begin(struct run *r, struct ctl *ctl, const char *platform, struct err *e)
{
	const struct platform *p = asked_platform(ctl, platform, e);
	*r = (struct run){ .ctl = ctl };
	progress_begin(&r->progress, isatty(STDERR_FILENO));
	if (p == NULL)
		return -1;
	struct store *s = ctl_store(ctl, STORE_CREATE, e);
	if (s == NULL || commit_new(ctl->config, &r->commit, e) != 0)
		return -1;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	r->pass.ask.stop = &stopped;
	r->pass.patience_ms = LEASE_MS;
	r->pass.dry = ctl_get(ctl, "dry-run") != NULL;
	if (!r->pass.dry &&
	    ctl->config->rules.confirm[platform_index(p)] != TIER_CONFIRM_OFF) {
		r->pass.ask.spare = ASK_SPARE;
		r->pass.between = confirm_between;
		r->pass.between_arg = &r->confirming;
	}
	return pass_open(&r->pass, ctl->config, p, s, r->commit, e);
}

static int
can_ask(const struct pass *p, enum platform_ask what)
{
	return (p->ask.platform->api->asks & 1U << what) != 0;
}

static void
end(struct run *r)
{
	pass_close(&r->pass);
	commit_free(r->commit);
	json_decref(r->drift);
}

/* ---- register ------------------------------------------------------------- */

static void
tell_registered(
    void *arg, const char *kind, enum registered what, const char *where)
{
	static const char *const words[] = {
		[REGISTERED] = "stands",
		[REGISTERED_NOW] = "registered",
		[REGISTERED_NOT] = "would be registered",
		[REGISTERED_DOUBLE] = "stood twice: taken away",
		[REGISTERED_GONE] = "taken away",
		[REGISTERED_OTHERS] = "somebody else's, let alone",
	};
	struct ctl *ctl = arg;
	buf_addf(&ctl->out, "%-24s %-24s %s\n", kind, words[what], where);
}

static enum ctl_exit
run_register(struct ctl *ctl, struct err *e)
{
	const struct registering how = {
		.no_first = ctl_get(ctl, "no-sale") != NULL,
		.remove = ctl_get(ctl, "remove") != NULL,
		.dry = ctl_get(ctl, "dry-run") != NULL,
	};
	struct run r;
	int stands = 0;
	int rc = begin(&r, ctl, ctl->n_rest > 0 ? ctl->rest[0] : NULL, e);
	if (rc == 0)
		rc = registration_run(&r.pass.ask, r.pass.store, &how,
		    tell_registered, ctl, &stands, e);
	end(&r);
	if (rc != 0)
		return failed(e);
	return stands ? CTL_YES : CTL_NO;
}

static const struct ctl_option register_options[] = {
	{ "no-sale", NULL, "leave sales to the account's own ping URL" },
	{ "remove", NULL, "take our URLs away" },
	{ "dry-run", NULL, "say what would be done, do nothing" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_register = {
	.name = "register",
	.args = "[PLATFORM]",
	.help = "have the platform send refunds, disputes, cancellations here",
	.options = register_options,
	.max_rest = 1,
	.run = run_register,
};

/* ---- import --------------------------------------------------------------- */

static void
say_progress(void *arg, const struct pass *p, int64_t from)
{
	struct run *r = arg;
	struct buf b;
	buf_init(&b, 256);
	if (progress_line(&r->progress, p, from, &b))
		fprintf(stderr, "%s%.*s%s",
		    r->progress.on_terminal ? "\r" : "gatepost: ",
		    STR_ARG(buf_str(&b)),
		    r->progress.on_terminal ? "  " : "\n");
	buf_free(&b);
}

static enum ctl_exit
run_import(struct ctl *ctl, struct err *e)
{
	struct run r;
	int64_t since, until;
	if (day_option(ctl, "since", FACT_NO_TIME, &since, e) != 0 ||
	    day_option(ctl, "until", time_now() + WALK_DAY, &until, e) != 0)
		return CTL_USAGE;
	int resume = ctl_get(ctl, "since") == NULL &&
	    ctl_get(ctl, "until") == NULL && ctl_get(ctl, "dry-run") == NULL;
	int rc = begin(&r, ctl, ctl->rest[0], e);
	if (rc == 0 && !can_ask(&r.pass, ASK_SALES)) {
		buf_addf(&ctl->out,
		    "%s lists no past sales, only its members of now\n",
		    r.pass.ask.platform->words.title);
		rc = turn_members(&r.pass, e);
	} else if (rc == 0) {
		rc = turn_import(
		    &r.pass, since, until, resume, say_progress, &r, e);
	}
	if (r.progress.on_terminal && r.progress.told != r.progress.begun)
		fputc('\n', stderr);
	if (r.pass.row.read > 0 || rc == 0)
		buf_addf(&ctl->out, "%lld read, %lld of them %s\n",
		    (long long)r.pass.row.read, (long long)r.pass.row.found,
		    r.pass.dry ? "differ from what is here"
			       : "were new or differed");
	end(&r);
	return rc == 0 ? CTL_YES : failed(e);
}

static const struct ctl_option import_options[] = {
	{ "since", "DAY", "from that day on; without, from the first sale" },
	{ "until", "DAY", "up to that day" },
	{ "dry-run", NULL, "read and count, store nothing" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_import = {
	.name = "import",
	.args = "PLATFORM",
	.help = "read all sales and members there were before",
	.options = import_options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run_import,
};

/* ---- reconcile ------------------------------------------------------------ */

static void
take_drift(void *arg, const struct pass *p, const struct reading_result *result)
{
	struct run *r = arg;
	(void)p;
	for (size_t i = 0; i < result->n_drift; i++) {
		const struct reading_drift *d = &result->drift[i];
		struct str of = result->sale.p != NULL ? result->sale
						       : result->subscription;
		table_cell(r->table, of);
		table_cell(r->table, str_from(d->what));
		table_cell(r->table, d->had);
		table_cell(r->table, d->has);
		json_array_append_new(r->drift,
		    json_pack("{s:o,s:o,s:s,s:o,s:o,s:o}", "sale",
			json_from_text(result->sale), "subscription",
			json_from_text(result->subscription), "what", d->what,
			"had", json_from_text(d->had), "has",
			json_from_text(d->has), "event",
			p->dry ? json_null() : json_integer(result->event)));
	}
}

static void
print_drift(struct run *r, int64_t read, int64_t found, int64_t repaired)
{
	struct ctl *ctl = r->ctl;
	struct buf *b = &ctl->out;
	if (!ctl->json) {
		if (json_array_size(r->drift) > 0)
			table_print(r->table, b);
		buf_addf(b, "%lld read, %lld differed, %lld repaired\n",
		    (long long)read, (long long)found, (long long)repaired);
		return;
	}
	json_t *all = json_pack("{s:s,s:I,s:I,s:I,s:I,s:O}", "platform",
	    r->pass.ask.platform->name, "read", (json_int_t)read, "found",
	    (json_int_t)found, "repaired", (json_int_t)repaired, "open",
	    (json_int_t)(found - repaired), "drift", r->drift);
	char *text = all == NULL ? NULL : json_dumps(all, JSON_COMPACT);
	if (text != NULL) {
		buf_addz(b, text);
		buf_addc(b, '\n');
	}
	free(text);
	json_decref(all);
}

static enum ctl_exit
run_reconcile(struct ctl *ctl, struct err *e)
{
	static const char *const heads[] = { "SALE OR MEMBERSHIP", "WHAT",
		"HERE", "THERE" };
	struct run r;
	int64_t since, sum[3] = { 0, 0, 0 };
	if (day_option(ctl, "since", time_now() - 2 * WALK_DAY, &since, e) != 0)
		return CTL_USAGE;
	int rc = begin(&r, ctl, ctl->n_rest > 0 ? ctl->rest[0] : NULL, e);
	r.table = table_new(ctl->arena, heads, 4);
	r.drift = json_array();
	r.pass.tell = take_drift;
	r.pass.arg = &r;
	if (rc == 0 && can_ask(&r.pass, ASK_SALES))
		rc = turn_reconcile(&r.pass, since, e);
	sum[0] = r.pass.row.read;
	sum[1] = r.pass.row.found;
	sum[2] = r.pass.row.repaired;
	if (rc == 0)
		rc = turn_members(&r.pass, e);
	if (rc == 0)
		print_drift(&r, sum[0] + r.pass.row.read,
		    sum[1] + r.pass.row.found, sum[2] + r.pass.row.repaired);
	int64_t found = sum[1] + r.pass.row.found;
	end(&r);
	if (rc != 0)
		return failed(e);
	return found > 0 ? CTL_NO : CTL_YES;
}

static const struct ctl_option reconcile_options[] = {
	{ "since", "DAY", "sales from that day on; without, of two days" },
	{ "dry-run", NULL, "say what differs, change nothing" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_reconcile = {
	.name = "reconcile",
	.args = "[PLATFORM]",
	.help = "compare with the platform now; exit 1: something differed",
	.options = reconcile_options,
	.max_rest = 1,
	.run = run_reconcile,
};

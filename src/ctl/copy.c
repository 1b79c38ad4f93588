#include <unistd.h>

#include "base/crypto.h"
#include "commit/project.h"
#include "ctl/ctl.h"
#include "store/copy.h"

enum {
	PATIENCE_MS = 30000,
	PASSES_MAX =
	    5, /* the first carries all, the next what came meanwhile */
	DIGITS = 16, /* of a digest, for people */
};

struct copy {
	struct ctl *ctl;
	struct store *from, *to;
	struct copy_result result;
	int64_t total; /* events there are; for the bar */
	int shown;
};

static void
show(void *arg, const char *table, int64_t rows)
{
	enum { BAR = 30 };
	static const char full[] = "##############################";
	struct copy *c = arg;
	char line[160];
	if (!isatty(STDERR_FILENO))
		return;
	int64_t part = c->total > 0 ? rows * BAR / c->total : 0;
	int bar = part > BAR ? BAR : (int)part;
	int n = snprintf(line, sizeof(line), "\r%-13s [%.*s%*s] %lld", table,
	    bar, full, BAR - bar, "", (long long)rows);
	c->shown = 1;
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) {
		/* only a courtesy */
	}
}

static int
pass(struct copy *c, struct err *e)
{
	int rc = copy_pass(c->from, c->to, show, c, &c->result, e);
	if (c->shown && write(STDERR_FILENO, "\n", 1) < 0) {
		/* only a courtesy */
	}
	c->shown = 0;
	return rc;
}

/* While deliveries come in. */
static int
carry(struct copy *c, struct err *e)
{
	struct store_watch w;
	if (copy_prepare(c->to, e) != 0 || store_watch(c->from, &w, e) != 0)
		return -1;
	c->total = w.events;
	for (int i = 0; i < PASSES_MAX; i++) {
		if (pass(c, e) != 0)
			return -1;
		if (i > 0 && c->result.written == 0)
			break;
	}
	return 0;
}

/* While deliveries wait, or are answered 503: until a pass has compared all
 * and found nothing to do. */
static int
settle(struct copy *c, int close, struct err *e)
{
	int rc = store_begin(c->from, e);
	if (rc != 0)
		return -1;
	rc = copy_hold(c->from, e);
	c->result.written = 1;
	for (int i = 0; rc == 0 && i < PASSES_MAX && c->result.written > 0; i++)
		rc = pass(c, e);
	if (rc == 0 && c->result.written > 0)
		rc = err_set(e, ERR_DB, "somebody else writes to the second");
	if (rc == 0 && close)
		rc = copy_close(c->from, e);
	if (rc == 0)
		rc = copy_finish(c->from, c->to, close, e);
	if (rc == 0 && close)
		rc = store_commit(c->from, e);
	if (rc != 0 || !close)
		store_rollback(c->from);
	return rc;
}

/* Are both the same, as they were read? */
static int
print(struct copy *c)
{
	char from[2 * COPY_DIGEST + 1], to[2 * COPY_DIGEST + 1];
	int same = 1;
	for (size_t i = 0; i < COPY_TABLES; i++) {
		const struct copy_table *t = &c->result.tables[i];
		crypto_hex(t->from, COPY_DIGEST, from);
		crypto_hex(t->to, COPY_DIGEST, to);
		int agree = strcmp(from, to) == 0;
		same = same && agree;
		if (c->ctl->json)
			buf_addf(&c->ctl->out,
			    "{\"table\":\"%s\",\"rows\":%lld,\"sha256\":"
			    "\"%s\",\"same\":%s}\n",
			    t->name, (long long)t->rows, from,
			    agree ? "true" : "false");
		else
			buf_addf(&c->ctl->out, "%-13s %10lld rows  %.*s  %s\n",
			    t->name, (long long)t->rows, DIGITS, from,
			    agree ? "same" : "DIFFERS");
	}
	return same;
}

static int
copy_all(struct copy *c, const struct config *config, const char *from,
    const char *to, int close, struct err *e)
{
	if (store_open(from, STORE_WRITE, &c->from, e) != 0 ||
	    store_open(to, STORE_CREATE, &c->to, e) != 0)
		return -1;
	store_patience(c->from, PATIENCE_MS);
	store_patience(c->to, PATIENCE_MS);
	return carry(c, e) == 0 && settle(c, close, e) == 0
	    ? project_tiers(c->to, config, e)
	    : -1;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct copy c = { .ctl = ctl };
	const struct config *config = ctl_config(ctl, e);
	const char *from = ctl_get(ctl, "from"), *to = ctl_get(ctl, "to");
	int close = ctl_get(ctl, "switch") != NULL;
	if (config == NULL)
		return CTL_SYSTEM;
	if (from == NULL)
		from = config->database;
	if (to == NULL || strcmp(from, to) == 0) {
		err_set(e, ERR_USAGE,
		    "--to names the other database: a path, or "
		    "postgresql://…");
		return CTL_USAGE;
	}
	int rc = copy_all(&c, config, from, to, close, e);
	store_close(c.from);
	store_close(c.to);
	if (rc != 0)
		return CTL_SYSTEM;
	if (!print(&c))
		return CTL_NO;
	if (!ctl->json)
		buf_addz(&ctl->out,
		    close ? "The first takes nothing more. Name the second as "
			    "database in gatepost.conf and restart the "
			    "programs.\n"
			  : "The first is in use as before: with --switch "
			    "it takes nothing more.\n");
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "from", "DATABASE", "a path or URL; default: the configuration's" },
	{ "to", "DATABASE", "an empty one; or one that this has begun" },
	{ "switch", NULL, "in the end the first takes nothing more" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_copy = {
	.name = "copy",
	.args = "--to DATABASE [--switch]",
	.help = "move to another database, while the server runs",
	.options = options,
	.run = run,
};

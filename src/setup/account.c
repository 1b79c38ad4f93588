#include "setup/account.h"

#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "setup/ask.h"
#include "setup/database.h"
#include "truth/turn.h"

/* The web program reads too, for minutes when it has just got a token. */
enum { SOON_MS = 2000, LEASE_MS = 600000 };

static int
open_pass(struct account *r, int patience_ms, struct err *e)
{
	r->pass = (struct pass){ .patience_ms = patience_ms };
	r->pass.ask.stop = &ask_broken;
	return pass_open(
	    &r->pass, r->config, r->platform, r->store, r->commit, e);
}

int
account_open(struct account *r, struct err *e)
{
	if (database_make(r->config, r->setup->arena, &r->store, e) != 0 ||
	    commit_new(r->config, &r->commit, e) != 0)
		return -1;
	int rc = open_pass(r, SOON_MS, e);
	if (rc == 0 || e->code != ERR_BUSY || r->pass.has_lease)
		return rc;
	setup_say(r->setup,
	    "%s: the web program is reading it now; waiting for our turn …",
	    r->platform->words.title);
	pass_close(&r->pass);
	*e = (struct err){ .code = ERR_NONE };
	return open_pass(r, LEASE_MS, e);
}

int
account_close(struct account *r, int rc)
{
	pass_close(&r->pass);
	commit_free(r->commit);
	store_close(r->store);
	return rc;
}

int
account_can(const struct platform *p, enum platform_ask what)
{
	return p->api != NULL && (p->api->asks & 1U << what) != 0;
}

int
account_has_token(const struct setup *s, const struct platform *p)
{
	return s->config->platforms[platform_index(p)].api_token.n > 0;
}

/* ---- the token -------------------------------------------------------------- */

/* A user_fn. The account and the products were asked for by pass_open; sales
 * and members want rights of their own. */
static int
check(void *arg, struct err *e)
{
	struct account *r = arg;
	struct platform_answer a;
	enum platform_said said;
	char day[16];
	int rc = account_open(r, e);
	struct platform_question q = { .what = ASK_SALES };
	q.from_day = q.to_day = str_from(pass_day(time_now(), day));
	if (!account_can(r->platform, ASK_SALES))
		q = (struct platform_question){ .what = ASK_MEMBERS,
			.number = 1 };
	if (rc == 0)
		rc = asker_ask(&r->pass.ask, &q, 0, &a, &said, e);
	return account_close(r, rc);
}

int
account_check(
    struct setup *s, const struct platform *p, struct str token, struct err *e)
{
	struct config c = *s->config;
	struct account r = { .setup = s, .config = &c, .platform = p };
	c.platforms[platform_index(p)].api_token = token;
	return user_run(&s->user, check, &r, NULL, 0, e);
}

/* ---- registration ------------------------------------------------------------ */

struct registered_all {
	int stands, now, others;
};

static void
count(void *arg, const char *kind, enum registered what, const char *where)
{
	struct registered_all *all = arg;
	(void)kind;
	(void)where;
	all->stands += what == REGISTERED;
	all->now += what == REGISTERED_NOW;
	all->others += what == REGISTERED_OTHERS;
}

/* A user_fn. */
static int
register_all(void *arg, struct err *e)
{
	struct account *r = arg;
	const struct registering how = { .dry = 0 };
	struct registered_all all = { 0 };
	int stands = 0, rc = account_open(r, e);
	if (rc == 0)
		rc = registration_run(
		    &r->pass.ask, r->pass.store, &how, count, &all, &stands, e);
	if (rc == 0)
		setup_say(r->setup,
		    "%s: registered for %d kinds of deliveries (%d of them "
		    "stood already).%s",
		    r->platform->words.title, all.stands + all.now, all.stands,
		    all.others > 0 ? " Other programs' stay as they are." : "");
	return account_close(r, rc);
}

int
account_register(struct setup *s, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		struct account r = {
			.setup = s, .config = s->config, .platform = p
		};
		if (account_has_token(s, p) && account_can(p, ASK_REGISTER) &&
		    user_run(&s->user, register_all, &r, NULL, 0, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- what was sold before ----------------------------------------------------- */

static void
say_progress(void *arg, const struct pass *p, int64_t from)
{
	struct account *r = arg;
	struct buf b;
	buf_init(&b, 256);
	if (progress_line(&r->progress, p, from, &b))
		setup_say(r->setup, "%s  %s  ",
		    r->progress.on_terminal ? "\r" : "", b.p);
	buf_free(&b);
}

static int
note_found(void *arg, const struct store_reading *row)
{
	(void)row;
	*(int *)arg = 1;
	return 0;
}

/* A user_fn. */
static int
import(void *arg, struct err *e)
{
	struct account *r = arg;
	int was_imported = 0, rc = account_open(r, e);
	if (rc == 0)
		rc = store_reading_newest(r->store, str_from(r->platform->name),
		    STR("import"), READING_WHOLE, note_found, &was_imported, e);
	if (rc == 0 && was_imported) {
		setup_say(r->setup,
		    "%s: what was sold before was imported already.",
		    r->platform->words.title);
		return account_close(r, 0);
	}
	if (rc == 0)
		setup_say(r->setup, "%s: importing what was sold before …",
		    r->platform->words.title);
	if (rc == 0)
		rc = account_can(r->platform, ASK_SALES)
		    ? turn_import(&r->pass, FACT_NO_TIME, time_now() + WALK_DAY,
			  1, say_progress, r, e)
		    : turn_members(&r->pass, e);
	if (rc == 0)
		setup_say(r->setup, "%s%s: %lld read, %lld of them were new.",
		    r->progress.on_terminal &&
			    r->progress.told != r->progress.begun
			? "\n"
			: "",
		    r->platform->words.title, (long long)r->pass.row.read,
		    (long long)r->pass.row.found);
	return account_close(r, rc);
}

int
account_import(struct setup *s, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		struct account r = { .setup = s,
			.config = s->config,
			.platform = platforms[i] };
		progress_begin(&r.progress, s->asks);
		if (account_has_token(s, platforms[i]) &&
		    user_run(&s->user, import, &r, NULL, 0, e) != 0)
			return -1;
	}
	return 0;
}

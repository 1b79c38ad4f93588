#include "setup/setup.h"

#include <string.h>
#include <unistd.h>

#include "setup/account.h"
#include "setup/ask.h"
#include "setup/database.h"
#include "setup/enable.h"
#include "setup/prove.h"
#include "setup/settings.h"
#include "setup/tiers.h"

enum { MEMORY_MAX = 256 << 20 };

/* ---- steps --------------------------------------------------------------------- */

/* A user_fn. */
static int
make_database(void *arg, struct err *e)
{
	struct setup *s = arg;
	struct store *store = NULL;
	int rc = database_make(s->config, s->arena, &store, e);
	store_close(store);
	return rc;
}

static int
make_settings(struct setup *s, struct err *e)
{
	return settings_open(s, e) != 0 || settings_public_url(s, e) != 0 ||
		(!s->opts->dry_run &&
		    user_run(&s->user, make_database, s, NULL, 0, e) != 0) ||
		enable_choose(s, e) != 0 || settings_platforms(s, e) != 0 ||
		settings_owner(s, e) != 0 ||
		(!s->opts->dry_run && tiers_offer(s, e) != 0)
	    ? -1
	    : 0;
}

static int
has_address(const struct setup *s)
{
	return s->config->public_url.n > 0;
}

static int
catch_up(struct setup *s, struct err *e)
{
	if (has_address(s) && !s->opts->no_register &&
	    account_register(s, e) != 0)
		return -1;
	return s->opts->no_import ? 0 : account_import(s, e);
}

static enum setup_end
show(struct setup *s)
{
	if (s->edit.is_changed)
		setup_say(s, "%s: lines would be changed.", s->edit.path);
	enable_show(s);
	enable_say_lines(s);
	setup_say(s, "Nothing was written.");
	return SETUP_WAITING;
}

static enum setup_end
prove(struct setup *s, struct err *e)
{
	if (prove_way(s, e) != 0 || catch_up(s, e) != 0)
		return SETUP_WRONG;
	if (!has_address(s)) {
		setup_say(s,
		    "waiting: there is no public address yet, so nobody can "
		    "send here. Proved on this\nmachine: %s.\nWhen there is "
		    "one, run 'gatepost setup' again.",
		    s->proof);
		return SETUP_WAITING;
	}
	if (s->asks && prove_own_tests(s, e) != 0)
		return SETUP_WRONG;
	setup_say(s, "ready: %s.", s->proof);
	return SETUP_READY;
}

static enum setup_end
steps(struct setup *s, struct err *e)
{
	int waits = 0;
	if (make_settings(s, e) != 0)
		return SETUP_WRONG;
	if (s->opts->dry_run)
		return show(s);
	if (enable_run(s, &waits, e) != 0)
		return SETUP_WRONG;
	if (waits) {
		setup_say(s, "waiting: run the lines above.");
		return SETUP_WAITING;
	}
	return prove(s, e);
}

enum setup_end
setup_run(const struct setup_opts *opts, struct err *e)
{
	struct setup s = { .opts = opts,
		.arena = arena_new(MEMORY_MAX),
		.lock = -1,
		.asks = ask_is_terminal() && !opts->yes && !opts->dry_run };
	ask_catch_signals();
	enum setup_end end = steps(&s, e);
	if (ask_broken ||
	    (end == SETUP_WRONG && e->code == ERR_BUSY && s.asks &&
		strcmp(e->text, "broken off") == 0)) {
		end = SETUP_WRONG;
		err_set(e, ERR_BUSY,
		    "broken off; what was answered is kept in %s, and "
		    "'gatepost "
		    "setup' goes on from there",
		    s.file == NULL ? "the settings" : s.file);
	}
	if (s.lock >= 0)
		close(s.lock);
	arena_free(s.arena);
	return end;
}

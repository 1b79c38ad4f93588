#include "cgi/server/tail.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/time.h"
#include "config/config_names.h"
#include "follow/courier.h"
#include "access/signin.h"

enum {
	MEMORY_MAX = 64 * 1024 * 1024,
	LOOK_MS = 20, /* between two looks whether all is done */
	STOP_MS = 2000,
};

struct tail {
	struct config config;
	const struct action *target;
	struct share share;
	struct arena *arena;
};

/* The web server waits until nobody has them open; and the turn at the
 * database's lock is held by its descriptor. */
static void
let_go(void)
{
	closefrom(0);
	if (open("/dev/null", O_RDWR) != STDIN_FILENO ||
	    dup2(STDIN_FILENO, STDOUT_FILENO) < 0 ||
	    dup2(STDIN_FILENO, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
}

/* A share_fn. */
static int
settle(struct store *s, void *arg, struct err *e)
{
	struct tail *t = arg;
	int64_t mails;
	return signin_settle(s, &t->config, time_now(), t->arena, &mails, e);
}

static void
carry_out(struct tail *t)
{
	const struct timespec pause = { 0, LOOK_MS * 1000000L };
	const struct courier_opts o = { .config = &t->config,
		.share = &t->share };
	struct err e = { .code = ERR_NONE };
	struct courier *c;
	int64_t end = time_ticks() + TAIL_MS;
	int busy = 1;
	if (share_with(&t->share, settle, t, &e) != 0 ||
	    courier_new(&o, &c, &e) != 0)
		return;
	while (courier_look(c, time_now(), &busy, &e) == 0 && busy &&
	    time_ticks() < end)
		nanosleep(&pause, NULL);
	courier_stop(c, STOP_MS);
}

void
tail_mail(const struct config *config)
{
	struct tail t = { .config = *config,
		.share = SHARE(config->database, STORE_WRITE) };
	struct rules *rules = &t.config.follow_ups;
	t.target = rules_target(
	    rules, str_from(action_words[ACTION_MAIL]), STR(SIGNIN_TARGET));
	if (t.target == NULL || fork() != 0)
		return;
	/* all others are not waited for, and left to the next `work` */
	rules->targets = &t.target;
	rules->n_targets = 1;
	setsid();
	let_go();
	t.arena = arena_new(MEMORY_MAX);
	carry_out(&t);
	_exit(EXIT_SUCCESS);
}

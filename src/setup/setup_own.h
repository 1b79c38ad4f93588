#ifndef SETUP_SETUP_OWN_H
#define SETUP_SETUP_OWN_H

/* What the steps of one setup share. */

#include "base/buf.h"
#include "config/config.h"
#include "setup/edit.h"
#include "setup/server.h"
#include "setup/setup.h"
#include "setup/user.h"

struct setup {
	const struct setup_opts *opts;
	struct arena *arena;
	int asks; /* on a terminal */
	const char *file; /* the configuration */
	int lock; /* a descriptor; -1 */
	struct edit edit;
	const struct config *config; /* as edit has it on disk */
	struct user user; /* whose the database is */
	int is_changed; /* the configuration, by this run */
	/* where it is proved: public_url, or without one this machine */
	const char *url;
	struct server server;
	char proof[ERR_TEXT_MAX]; /* what was proved so far */
};

/* Says some lines; '\n' is added to each call. */
void setup_say(const struct setup *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Are the settings those in /etc, which the units of systemd read? */
int setup_is_of_system(const struct setup *s);

/* The address that a platform's deliveries go to, with the secret in it where
 * that has to be. */
const char *setup_hook(const struct setup *s, const struct platform *p);
/* text with that in place of {hook}; NULL stays. */
const char *
setup_text(const struct setup *s, const struct platform *p, const char *text);

#endif

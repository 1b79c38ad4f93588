#ifndef SETUP_SETUP_H
#define SETUP_SETUP_H

/*
 * The room setup: from a program just installed to deliveries that arrive. In:
 * answers, typed at a terminal or given as options. Out: lines of gatepost.conf,
 * the web server's files, registrations, an import, and the proof that the way
 * from public_url to the database is open. setup_run.c has the steps in their
 * order; each can be taken again and changes nothing where all is so already.
 * settings.h makes and edits the configuration (edit.h one line of it), ask.h
 * asks, account.h asks the platforms, tiers.h offers tiers, server.h writes the
 * web server's files, enable.h switches them on, prove.h proves. What touches
 * the database is done as the user whose it is (user.h).
 * Keeps the promise that what was there before stays where a step fails.
 */

#include "base/err.h"
#include "platform/platform.h"

enum { SETUP_SETTINGS_MAX = 4 }; /* of one platform */

struct setup_opts {
	const char *file; /* the configuration; NULL: as config_locate */
	const char *public_url, *server, *alert_mail, *tiers; /* or NULL */
	/* by platform_index and the place in its settings: a file's name for
	 * what is secret, else the value; or NULL */
	const char *settings[PLATFORM__MAX][SETUP_SETTINGS_MAX];
	int enable, no_import, no_register, dry_run, yes;
	/* Prints some lines at once, each ended by '\n'. */
	void (*say)(void *arg, const char *text);
	void *arg;
};

enum setup_end {
	SETUP_READY, /* proved */
	SETUP_WAITING, /* for a person: what was said is to be done */
	SETUP_WRONG, /* *e has the first thing that is wrong */
};

enum setup_end setup_run(const struct setup_opts *opts, struct err *e);

/* The names for opts->server, ended by NULL. */
extern const char *const setup_servers[];

#endif

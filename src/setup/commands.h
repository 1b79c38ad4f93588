#ifndef SETUP_COMMANDS_H
#define SETUP_COMMANDS_H

#include "setup/setup_own.h"

/* The programs that switch on what was written. */
enum { COMMANDS_MAX = 8, COMMAND_WORDS_MAX = 8 };

struct command {
	const char *words[COMMAND_WORDS_MAX]; /* ended by NULL */
	int is_test; /* the web server looks at its files */
};

struct commands {
	struct command v[COMMANDS_MAX];
	size_t n;
};

/* In their order, for the web server and the units of this system. */
void commands_list(const struct setup *s, struct commands *c);
/* The units of systemd are there, and read these settings. */
int commands_have_unit(const struct setup *s);

/* As it is typed. */
const char *commands_joined(struct arena *a, const struct command *c);

/* Runs all of them, or the tests alone. -1: one failed, *e has its words, and
 * the web server's files are as they were. */
int commands_run(
    struct setup *s, const struct commands *c, int tests_only, struct err *e);

#endif

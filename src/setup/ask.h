#ifndef SETUP_ASK_H
#define SETUP_ASK_H

#include "base/err.h"
#include "base/str.h"

/* Questions on a terminal: standard input and output. */
struct question {
	const char *what; /* "Public address" */
	const char *about; /* lines: what for, how to get it; or NULL */
	const char *preset; /* what an empty line means; NULL: nothing */
	int is_secret; /* typed without echo; preset is shown as it is */
};

enum { ASK_LINE_MAX = 4096 };

/* Are both a terminal? */
int ask_is_terminal(void);

/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT only set ask_broken. */
void ask_catch_signals(void);
extern volatile int ask_broken;

/* The answer without blanks around it, in the arena; the preset for an empty
 * line, or STR_NONE. -1, ERR_BUSY: broken off, by a signal or by the end of
 * input. The echo is on again in any case. */
int ask_text(struct arena *a, const struct question *q, struct str *answer,
    struct err *e);

/* *yes: the answer, or the preset. */
int
ask_yes(struct arena *a, const char *what, int preset, int *yes, struct err *e);

/* Waits for so many milliseconds at most: 1 as soon as a line was typed, 0, or
 * -1 with ERR_BUSY. */
int ask_wait(int ms, struct err *e);

#endif

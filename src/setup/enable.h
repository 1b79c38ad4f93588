#ifndef SETUP_ENABLE_H
#define SETUP_ENABLE_H

#include "setup/setup_own.h"

/* Chooses the web server, plans its files. */
int enable_choose(struct setup *s, struct err *e);

/* Shows what would be written. */
void enable_show(struct setup *s);

/* Writes the web server's files, has it test them, and with consent switches
 * them on, and the units of systemd. -1: what was written is undone. *waits: a
 * person has to do what was said. */
int enable_run(struct setup *s, int *waits, struct err *e);

/* Says the lines to run. */
void enable_say_lines(struct setup *s);

#endif

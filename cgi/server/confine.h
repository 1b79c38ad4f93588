#ifndef CGI_SERVER_CONFINE_H
#define CGI_SERVER_CONFINE_H

#include "cgi/server/listen.h"
#include "config/config.h"

/*
 * What the long-lived program gives up, so that somebody who takes it over
 * finds little to do with it. As far as the kernel goes along; nothing here is
 * needed to be right. Before threads, which inherit it; never as plain CGI.
 *
 * - No new privileges (prctl(2)): no program started from here gains any.
 * - No core dump, which would hold secrets, and no debugger of the same user.
 * - System calls that no web program has a use for fail with EPERM
 *   (seccomp(2)): starting programs, tracing, mounting, namespaces, modules.
 * - Files (landlock(7)): the database's folder is for reading and writing,
 *   what holds the roots of files for reading; libraries and /proc too. Nothing
 *   else can be opened.
 *
 * What starts programs, sendmail for one, is another process (cgi/server/worker.h):
 * exec is refused here, and where it were not, a set-group-ID program such as
 * postdrop would not get its group. A database driver that reads files
 * of its own (certificates, ~/.pgpass) names them in confine.c.
 */
struct confined {
	int privileges; /* each: 1 once it is so */
	int dumps;
	int calls;
	int landlock; /* version of its interface; 0: files are open */
};

/* Before the database is opened: its temporary files go beside it. */
void confine_begin(const struct config *config, struct confined *out);

/*
 * The rest. is_open: the database could be opened. Until it can, nobody knows
 * which folder that will be (a disk may not be mounted yet), and files stay
 * as they are.
 */
void confine(const struct config *config, const struct listener *listeners,
    int is_open, struct confined *out);

enum { CONFINED_TEXT_MAX = 160 };

/* For the log: what is so, "nothing" if nothing is. Returns text. */
const char *
confined_text(const struct confined *c, char text[CONFINED_TEXT_MAX]);

#endif

#ifndef CGI_WORKER_H
#define CGI_WORKER_H

#include <sys/types.h>

#include "core/config.h"

/*
 * The outbox is carried out by a process of its own: the web program gives up
 * starting programs and opening files (cgi/confine.h), and mail, exec and
 * names of hosts need both. It ends with the web program, however that ends.
 */

/* Before threads, and before rights are given up. 0 where the settings ask for
 * nothing, -1 where it cannot be started. */
pid_t worker_start(const struct config *config, struct err *e);

/* Asks it to end, and waits at most ms; then it is killed, and what was on its
 * way to a target is done again. 0 is fine. */
void worker_stop(pid_t pid, int ms);

#endif

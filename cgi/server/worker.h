#ifndef CGI_SERVER_WORKER_H
#define CGI_SERVER_WORKER_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"

/*
 * The process that carries out what the outbox holds, and asks the platforms
 * what they know. One of its own, since it
 * needs what the web program gives up (cgi/server/confine.h): starting programs, the
 * resolver's files, certificates. It listens nowhere and ends with the process
 * that started it; one that dies is started again. With no target in the
 * settings there is none.
 */
struct worker {
	pid_t pid; /* 0: none */
};

enum { WORKER_STOP_MS = 2500 };

/* Before threads and before anything is given up. signals: what ends the
 * process, blocked already. */
int worker_start(const struct config *config, const sigset_t *signals,
    struct worker *out, struct err *e);

/* Ends it; what is at hand may take WORKER_STOP_MS. */
void worker_stop(struct worker *w);

#endif

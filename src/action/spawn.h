#ifndef ACTION_SPAWN_H
#define ACTION_SPAWN_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Runs a program and waits for it: no shell, its own session, no descriptor
 * but 0, 1 and 2, all signals as at the start of a process. May be called from
 * several threads at once: between fork and exec only async-signal-safe calls
 * (POSIX.1-2017, 2.4.3) are made.
 */
enum {
	SPAWN_SAID_MAX = 4096, /* bytes of output kept: the last ones */
	SPAWN_CPU = 60, /* seconds of CPU time */
	SPAWN_FILES = 256, /* open files */
};
/* Bytes of private memory it may write. Not of address space: the runtimes of
 * JavaScript, Go and Java reserve far more of that than they use. */
#define SPAWN_DATA (1UL << 30)

struct spawn_opts {
	const char *const *argv; /* argv[0] is a path; ended by NULL */
	const char *const *env; /* all of it; "NAME=value", ended by NULL */
	struct str in; /* what it reads from descriptor 0, a file */
	int timeout_ms;
	int limits; /* the limits above; never a core file, either way */
	/* What it left running may go on: mailers go on in the background.
	 * Otherwise its process group is killed when it ends. */
	int linger;
};

struct spawn_result {
	int code; /* exit code, -1: none */
	int signal; /* that ended it, 0: none */
	int late; /* timeout_ms were over: its process group was killed */
	size_t n_said;
	char said[SPAWN_SAID_MAX]; /* the end of what it wrote to 1 and 2 */
};

/* 0: it has run, and ended in the way result tells. -1: it was not started;
 * ERR_ABSENT: there is no such program, ERR_SYSTEM otherwise. Takes timeout_ms
 * and a moment at most. */
int spawn_run(
    const struct spawn_opts *o, struct spawn_result *result, struct err *e);

/* The end of what it said on one line, into line, which has size bytes: without
 * hide, which may be STR_NONE, lines joined, control characters and ill-formed
 * bytes made visible, cut in front. Returns line. */
const char *spawn_said(const struct spawn_result *result, struct str hide,
    char *line, size_t size);

#endif

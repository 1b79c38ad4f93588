#ifndef STORE_TURN_H
#define STORE_TURN_H

#include "base/err.h"

/*
 * Plain CGI: many processes, each with one delivery. SQLite's own waiting for
 * a lock lets late comers overtake (some waited 4 s); here they write in the
 * order they came, by flock(2) on DATABASE-turn beside the database.
 *
 * Waits for this process's turn, at most ms, and keeps it until the process
 * ends. 0, also where no such file can be made or locked (then SQLite's own
 * waiting has to do); -1 with ERR_BUSY when the time is over. For a process
 * with one thread: it uses SIGALRM and its timer.
 */
int turn_take(const char *database, int ms, struct err *e);

#endif

#include "store/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/banned.h"
#include "base/time.h"

/* Again and again: one that comes before flock is called would be lost. Not
 * before the time is over: an interrupted flock goes to the end of the line. */
enum { ALARM_US = 20 * 1000 };

static void
interrupt(int signal)
{
	(void)signal;
}

static int
lock(int fd, int ms)
{
	int64_t until = time_ticks() + ms;
	/* without SA_RESTART: flock comes back */
	const struct sigaction on = { .sa_handler = interrupt };
	const struct itimerval over = { { 0, ALARM_US },
		{ ms / 1000, (ms % 1000 + 1) * 1000 - 1 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction before;
	int rc;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	sigaction(SIGALRM, &on, &before);
	setitimer(ITIMER_REAL, &over, NULL);
	do {
		rc = flock(fd, LOCK_EX);
	} while (rc != 0 && errno == EINTR && time_ticks() < until);
	int why = errno;
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	errno = why;
	return rc;
}

int
turn_take(const char *database, int ms, struct err *e)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s-turn", database) >=
	    (int)sizeof(path))
		return 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* left open: the lock goes with the process */
	if (fd < 0 || lock(fd, ms) == 0)
		return 0;
	if (errno == EINTR)
		return err_set(e, ERR_BUSY,
		    "other deliveries are being written; no turn came in "
		    "time");
	close(fd);
	return 0;
}

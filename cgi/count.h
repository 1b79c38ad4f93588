#ifndef CGI_COUNT_H
#define CGI_COUNT_H

#include <stdint.h>

/* What happened since the program started; any thread. */
enum count {
	COUNT_WRONG_CLOCK, /* signature right, time outside the tolerance */
	COUNT__MAX
};

int64_t count_up(enum count which); /* the new number */
int64_t count_get(enum count which);

#endif

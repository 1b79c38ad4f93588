#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include "base/str.h"

/*
 * Opens what lies below a folder and nothing else: no symbolic link is
 * followed, wherever it points, and no step leads up.
 */
enum {
	BENEATH_STEPS_MAX = 32,
	BENEATH_NAME_MAX = 255, /* bytes of one step; NAME_MAX of Linux */
};

/* May it be one step of a path from outside? Not empty, not hidden (a '.' in
 * front), no slash of either kind, no control character, UTF-8. */
int beneath_is_name(struct str name);

/* path: names with single slashes between. flags are open(2)'s, O_NOFOLLOW
 * and O_CLOEXEC are added. A descriptor, or -1 with errno. folder may
 * be opened with O_PATH. With O_PATH a last step that is a link is opened
 * itself: look at what was opened. One openat(2) a step, which every kernel
 * has. */
int beneath_open(int folder, const char *path, int flags);

#endif

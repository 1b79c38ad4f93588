#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
beneath_is_name(struct str name)
{
	return name.n > 0 && name.n <= BENEATH_NAME_MAX && name.p[0] != '.' &&
	    !str_has_byte(name, '/') && !str_has_byte(name, '\\') &&
	    !str_has_byte(name, '\0') && str_is_utf8(name) &&
	    !str_has_control(name);
}

int
beneath_open(int folder, const char *path, int flags)
{
	const int always = O_NOFOLLOW | O_CLOEXEC;
	char name[BENEATH_NAME_MAX + 1];
	struct str rest = str_from(path), step;
	int at = folder, next = -1;
	for (int i = 0; rest.p != NULL; i++) {
		str_cut(rest, '/', &step, &rest);
		next = -1;
		errno = i == BENEATH_STEPS_MAX ? ELOOP : ENAMETOOLONG;
		if (step.n == 0 || str_eq_z(step, ".") || str_eq_z(step, ".."))
			errno = EXDEV;
		else if (i < BENEATH_STEPS_MAX && step.n < sizeof(name)) {
			memcpy(name, step.p, step.n);
			name[step.n] = '\0';
			next = openat(at, name,
			    always |
				(rest.p == NULL ? flags
						: O_PATH | O_DIRECTORY));
		}
		int why = errno;
		if (at != folder)
			close(at);
		errno = why;
		if (next < 0)
			return -1;
		at = next;
	}
	return next;
}

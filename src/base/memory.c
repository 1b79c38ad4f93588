#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

enum { EXIT_SYSTEM = 3 };

void *
memory_new(size_t n)
{
	void *p = calloc(1, n);
	if (p == NULL)
		memory_out();
	return p;
}

void
memory_out(void)
{
	static const char text[] = "gatepost: error: no memory left, ending\n";
	ssize_t said = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)said;
	_exit(EXIT_SYSTEM);
}

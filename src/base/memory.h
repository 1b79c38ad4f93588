#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory, for free(3). Never NULL: see memory_out. */
void *memory_new(size_t n);

/* There is no memory for what cannot be left undone: says so on standard error
 * and ends the program with status 3. What was acknowledged is on disk. */
_Noreturn void memory_out(void);

#endif

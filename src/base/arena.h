#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/banned.h"

/*
 * Memory that lives as long as one request: many small allocations, one
 * reset. Every arena has a hard limit. Allocations are aligned for any type.
 * An arena belongs to one thread at a time.
 */
struct arena;

/* limit: bytes handed out at most. Never NULL: see base/memory.h. */
struct arena *arena_new(size_t limit);

/* Zeroed memory, or NULL when the limit or the machine's memory is reached. */
void *arena_alloc(struct arena *a, size_t n);

/* n bytes of p and a NUL after them. */
char *arena_dup(struct arena *a, const void *p, size_t n);

char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for one more in a list of n things, of `each` bytes: the list, or a copy
 * twice as large where n is *size, which is raised. NULL: no memory. */
void *
arena_grow(struct arena *a, void *list, size_t n, size_t *size, size_t each);

/* fn(ptr) is called at the reset or free; last deferred, first called.
 * Returns -1, and calls fn at once, when there is no memory to remember it. */
int arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

/* Has an allocation failed since the last reset? */
int arena_failed(const struct arena *a);

/* Has one since then because of the limit, and not for want of memory? */
int arena_full(const struct arena *a);

/* Keeps the first block for the next request. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif

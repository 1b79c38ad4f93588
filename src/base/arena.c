#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK_SIZE = 16 * 1024, ALIGN = 16 };

struct block {
	struct block *next;
	size_t size;
	size_t used;
	_Alignas(16) unsigned char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *ptr;
};

struct arena {
	size_t limit;
	size_t used;
	int failed, full;
	struct block *blocks; /* the one in use first */
	struct deferred *deferred;
};

static struct block *
block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);
	if (b != NULL) {
		b->next = NULL;
		b->size = size;
		b->used = 0;
	}
	return b;
}

struct arena *
arena_new(size_t limit)
{
	struct arena *a = memory_new(sizeof(*a));
	a->limit = limit;
	a->blocks = block_new(BLOCK_SIZE);
	if (a->blocks == NULL)
		memory_out();
	return a;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	if (n > a->limit - a->used || n > SIZE_MAX - ALIGN) {
		a->failed = a->full = 1;
		return NULL;
	}
	size_t need = (n + ALIGN - 1) / ALIGN * ALIGN;
	struct block *b = a->blocks;
	if (need > b->size - b->used) {
		b = block_new(need > BLOCK_SIZE ? need : BLOCK_SIZE);
		if (b == NULL) {
			a->failed = 1;
			return NULL;
		}
		b->next = a->blocks;
		a->blocks = b;
	}
	void *p = b->data + b->used;
	b->used += need;
	a->used += n;
	memset(p, 0, need);
	return p;
}

char *
arena_dup(struct arena *a, const void *p, size_t n)
{
	char *d = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;
	if (d != NULL && n > 0)
		memcpy(d, p, n);
	return d;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	char *p = arena_alloc(a, (size_t)n + 1);
	if (p != NULL) {
		va_start(ap, fmt);
		vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	return p;
}

void *
arena_grow(struct arena *a, void *list, size_t n, size_t *size, size_t each)
{
	enum { FIRST = 8 };
	if (n < *size)
		return list;
	size_t more = n == 0 ? FIRST : 2 * n;
	void *grown = arena_alloc(a, more * each);
	if (grown == NULL)
		return NULL;
	if (n > 0)
		memcpy(grown, list, n * each);
	*size = more;
	return grown;
}

int
arena_defer(struct arena *a, void (*fn)(void *), void *ptr)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));
	if (d == NULL) {
		fn(ptr);
		return -1;
	}
	d->fn = fn;
	d->ptr = ptr;
	d->next = a->deferred;
	a->deferred = d;
	return 0;
}

int
arena_failed(const struct arena *a)
{
	return a->failed;
}

int
arena_full(const struct arena *a)
{
	return a->full;
}

static void
run_deferred(struct arena *a)
{
	for (struct deferred *d = a->deferred; d != NULL; d = d->next)
		d->fn(d->ptr);
	a->deferred = NULL;
}

void
arena_reset(struct arena *a)
{
	run_deferred(a);
	while (a->blocks->next != NULL) {
		struct block *b = a->blocks;
		a->blocks = b->next;
		free(b);
	}
	a->blocks->used = 0;
	a->used = 0;
	a->failed = a->full = 0;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a->blocks);
	free(a);
}

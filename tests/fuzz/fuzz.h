#ifndef FUZZ_H
#define FUZZ_H
/*
 * What the fuzz targets share. A target is tests/fuzz/NAME.c: one function
 * that libFuzzer calls with bytes of its making. A crash, a read outside of
 * them, undefined behaviour and a HOLD that does not hold end the run;
 * libFuzzer then leaves the input in a file.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { FUZZ_ARENA_MAX = 256 * 1024 * 1024 };

#define HOLD(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
			    __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	HOLD(crypto_init(NULL) == 0);
	return 0;
}

/* The same text, or both none. */
static inline int
fuzz_same(struct str a, struct str b)
{
	return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

static inline struct str
fuzz_input(const uint8_t *data, size_t n)
{
	return (struct str){ (const char *)data, n };
}

#endif

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

/* Parameters as a web server hands them on: one a line, ended by NULL. */
static inline size_t
fuzz_params(struct arena *a, struct str text, const char **params, size_t max)
{
	size_t n = 0;
	while (text.p != NULL && n + 1 < max) {
		struct str line;
		str_cut(text, '\n', &line, &text);
		if (memchr(line.p, '\0', line.n) == NULL)
			params[n++] = str_z(a, line);
	}
	params[n] = NULL;
	return n;
}

/* text with what in place of each word, so that an input can have what only
 * this process can make. */
static inline struct str
fuzz_put(struct arena *a, struct str text, const char *word, struct str what)
{
	struct str out = { "", 0 };
	while (text.n > 0) {
		const char *at = memmem(text.p, text.n, word, strlen(word));
		size_t n = at == NULL ? text.n : (size_t)(at - text.p);
		struct str put = at == NULL ? STR("") : what;
		char *p = arena_alloc(a, out.n + n + put.n + 1);
		HOLD(p != NULL);
		memcpy(p, out.p, out.n);
		memcpy(p + out.n, text.p, n);
		memcpy(p + out.n + n, put.p, put.n);
		out = (struct str){ p, out.n + n + put.n };
		n += at == NULL ? 0 : strlen(word);
		text = (struct str){ text.p + n, text.n - n };
	}
	return out;
}

static inline struct str
fuzz_input(const uint8_t *data, size_t n)
{
	return (struct str){ (const char *)data, n };
}

#endif

#ifndef TEST_H
#define TEST_H
/*
 * A unit test is a program that prints TAP: one line per check, a plan at the
 * end. It goes on after a failed check and exits 1 if there was one.
 *
 *	int main(void)
 *	{
 *		test_group("str_cut");
 *		OK(str_eq_z(head, "a"), "head of a=b");
 *		return test_end();
 *	}
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define TEST_SANITIZED 1
#else
#define TEST_SANITIZED 0
#endif

static int test_count, test_failed;
static const char *test_name = "";

static inline void
test_group(const char *name)
{
	test_name = name;
}

static inline int test_ok(int ok, const char *file, int line, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

static inline int
test_ok(int ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("%sok %d - %s: ", ok ? "" : "not ", ++test_count, test_name);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	if (!ok) {
		test_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return ok;
}

/* OK(condition, "what it shows", …) */
#define OK(condition, ...) \
	test_ok((condition) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)

static inline int
test_is(struct str got, const char *want, const char *file, int line,
    const char *what)
{
	int ok = got.p != NULL && str_eq_z(got, want);
	test_ok(ok, file, line, "%s", what);
	if (!ok)
		printf("#  got: %.*s\n# want: %s\n",
		    got.p == NULL ? 4 : (int)got.n,
		    got.p == NULL ? "NULL" : got.p, want);
	return ok;
}

/* IS(struct str, "expected", "what it shows") */
#define IS(s, want, what) test_is((s), (want), __FILE__, __LINE__, (what))

static inline int
test_end(void)
{
	printf("1..%d\n", test_count);
	return test_failed == 0 ? 0 : 1;
}

/* A file below $top_srcdir (or the current folder), NUL-ended, to be freed.
 * NULL with a failed check when it cannot be read. */
static inline char *
test_file(const char *name, size_t *n)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", top == NULL ? "." : top, name);
	FILE *f = fopen(path, "rb");
	char *p = NULL;
	*n = 0;
	if (f != NULL && fseek(f, 0, SEEK_END) == 0) {
		long size = ftell(f);
		rewind(f);
		p = calloc(1, (size_t)size + 1);
		if (p != NULL)
			*n = fread(p, 1, (size_t)size, f);
		fclose(f);
	}
	if (p == NULL)
		test_ok(0, __FILE__, __LINE__, "read %s", path);
	return p;
}

#endif

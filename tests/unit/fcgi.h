#ifndef FCGI_TEST_H
#define FCGI_TEST_H
/*
 * FastCGI records made by hand, for tests: right ones and wrong ones.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum {
	T_BEGIN = 1,
	T_ABORT = 2,
	T_END = 3,
	T_PARAMS = 4,
	T_STDIN = 5,
	T_STDOUT = 6,
	T_GET_VALUES = 9
};
enum { T_RECORD_MAX = 65535, T_BUF_MAX = 64 * 1024 * 1024 };

/* A record of n content bytes; p NULL: the header alone. */
static inline void
t_record(struct buf *b, int type, int id, const void *p, size_t n, int padding)
{
	const unsigned char h[8] = { 1, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(n >> 8), (unsigned char)n,
		(unsigned char)padding, 0 };
	buf_add(b, h, sizeof(h));
	if (p == NULL)
		return;
	buf_add(b, p, n);
	for (int i = 0; i < padding; i++)
		buf_addc(b, 'p');
}

static inline void
t_begin(struct buf *b, int id, int role, int keep)
{
	const unsigned char body[8] = { 0, (unsigned char)role,
		(unsigned char)keep };
	t_record(b, T_BEGIN, id, body, sizeof(body), 0);
}

static inline void
t_length(struct buf *b, size_t n)
{
	const unsigned char l[4] = { (unsigned char)(n >> 24 | 0x80),
		(unsigned char)(n >> 16), (unsigned char)(n >> 8),
		(unsigned char)n };
	if (n < 128)
		buf_addc(b, (char)n);
	else
		buf_add(b, l, sizeof(l));
}

static inline void
t_pair(struct buf *b, const char *name, const char *value)
{
	t_length(b, strlen(name));
	t_length(b, strlen(value));
	buf_addz(b, name);
	buf_addz(b, value);
}

/* A stream of content in records of at most step bytes, and its end. */
static inline void
t_stream(struct buf *b, int type, int id, const char *p, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step)
		t_record(b, type, id, p + i, n - i < step ? n - i : step,
		    (int)(i % 8));
	t_record(b, type, id, "", 0, 0);
}

/* A whole request; path goes to PATH_INFO. */
static inline void
t_request(struct buf *b, int id, int keep, const char *method, const char *path,
    const char *body, size_t n)
{
	struct buf params;
	buf_init(&params, T_BUF_MAX);
	t_pair(&params, "REQUEST_METHOD", method);
	t_pair(&params, "PATH_INFO", path);
	t_begin(b, id, 1, keep);
	t_stream(b, T_PARAMS, id, params.p, params.n, T_RECORD_MAX);
	t_stream(b, T_STDIN, id, body, n, T_RECORD_MAX);
	buf_free(&params);
}

#endif

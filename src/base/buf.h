#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A growing byte string with a hard maximum. Appending past it, or without
 * memory, sets an error that sticks: append freely, ask buf_ok once.
 * The bytes are ended by a NUL that does not count.
 */
struct buf {
	char *p;
	size_t n;
	size_t size;
	size_t max;
	int failed;
};

void buf_init(struct buf *b, size_t max);
void buf_reset(struct buf *b); /* empty again, memory kept */
void buf_free(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_addi(struct buf *b, int64_t v);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; ill-formed bytes become U+FFFD. What a terminal
 * obeys instead of showing it, control characters (C1 too) and those that turn
 * the direction of text, becomes \uXXXX. */
void buf_add_json(struct buf *b, struct str s);

/* JSON that somebody else has written: the same characters become \uXXXX, but
 * for line ends. */
void buf_add_shown(struct buf *b, struct str json);

/* For one line of a terminal or a log: the same characters and ill-formed
 * bytes become \xNN, \n becomes \n in two characters. */
void buf_add_visible(struct buf *b, struct str s);

/* n more bytes, to be written by the caller; NULL when there is no room. */
char *buf_room(struct buf *b, size_t n);

int buf_ok(const struct buf *b);
struct str buf_str(const struct buf *b);

/* A copy in the arena, ended by a NUL, and frees the buffer. STR_NONE: it
 * failed, or there is no memory. */
struct str buf_take(struct buf *b, struct arena *a);

#endif

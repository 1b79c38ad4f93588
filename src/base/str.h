#ifndef BASE_STR_H
#define BASE_STR_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/*
 * A slice: n bytes at p, not ended by a NUL, owned by somebody else. A slice
 * with p NULL is "no value" and differs from the empty one.
 */
struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf("%.*s"). Not for lengths over INT_MAX. */
#define STR_ARG(s) (int)(s).n, (s).p == NULL ? "" : (s).p

struct str str_from(const char *z); /* NULL gives STR_NONE */
int str_eq(struct str a, struct str b);
int str_eq_z(struct str a, const char *z);
int str_eq_fold(struct str a, struct str b); /* ASCII case folded */
int str_same(struct str a, struct str b); /* and both are values, or neither */
int str_compare(struct str a, struct str b); /* by bytes: < 0, 0 or > 0 */
int str_starts(struct str s, struct str prefix);
int str_has_byte(struct str s, char c);
struct str str_trim(struct str s); /* blanks, tabs, line ends at both ends */

/* Cuts s at the first c: *head is what stands before, *tail what follows.
 * Returns 0 and leaves *tail STR_NONE when there is no c. */
int str_cut(struct str s, char c, struct str *head, struct str *tail);

/* A copy, ended by a NUL; STR_NONE stays so, and is what comes of it without
 * memory. */
struct str str_copy(struct arena *a, struct str s);
/* NUL-terminated copy; a NUL inside stays inside. NULL: out of memory. */
char *str_z(struct arena *a, struct str s);
struct str str_lower(struct arena *a, struct str s); /* ASCII */
struct str str_upper(struct arena *a, struct str s);

/* Decimal digits, an optional '-', nothing else, within [min, max]. 0 or -1. */
int str_int64(struct str s, int64_t min, int64_t max, int64_t *out);

/* "7d", "90s", "5m", "12h", "2w" or plain seconds; seconds >= 0. 0 or -1. */
int str_duration(struct str s, int64_t *seconds);

/* Well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong)? */
int str_is_utf8(struct str s);
/* Bytes of the well-formed character at s.p[i], 0 when there is none. */
size_t str_char(struct str s, size_t i);
/* Holds a control character (U+0000 to U+001F, U+007F, U+0080 to U+009F)? */
int str_has_control(struct str s);
/* A copy in which ill-formed bytes, and NUL when asked for, are U+FFFD. The
 * slice itself when nothing has to change. p NULL: out of memory. */
struct str str_clean_utf8(struct arena *a, struct str s, int nul_too);

/* The byte of the percent escape "%XX" at s.p[i] (RFC 3986 2.1), either case;
 * -1 when there is none. */
int str_escape(struct str s, size_t i);
int str_hex_digit(char c); /* 0 to 15, -1 */

/* Shell pattern: only * and ? are special, ASCII case folded; ? is one
 * character of UTF-8. At most pattern.n times s.n steps. */
int str_match_fold(struct str pattern, struct str s);

#endif

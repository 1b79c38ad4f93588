#ifndef BASE_ERR_H
#define BASE_ERR_H
/*
 * The room base: what a C program of this kind lacks. Errors, slices, buffers
 * with a maximum, arenas, bounded readers of forms and JSON, crypto, time. It
 * knows nothing of payments.
 * Keeps the promise that every reader of outside bytes is bounded.
 */

/*
 * An error is a short code and a message, in a struct the caller owns. Calls
 * that can fail return 0 or -1 and take a struct err * last; it may be NULL.
 * Floors below the top never log and never exit: they set an error.
 */
enum err_code {
	ERR_NONE,
	ERR_INPUT, /* what came in is wrong: the message says what to change */
	ERR_AUTH, /* not who it says it is */
	ERR_ABSENT, /* there is no such thing */
	ERR_LIMIT, /* larger than a named maximum */
	ERR_BUSY, /* the database is locked by somebody else: try again */
	ERR_DB, /* the database cannot be read or written now */
	ERR_CONFLICT, /* a row would break a rule of its table */
	ERR_CONFIG, /* gatepost.conf has to change */
	ERR_SYSTEM, /* a system call failed */
	ERR_MEMORY, /* out of memory */
	ERR_USAGE, /* the command line is wrong */
	ERR__MAX
};

enum { ERR_TEXT_MAX = 512 };

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* one line, no secret, no end of line */
};

/* Sets the error and returns -1; a NULL e is allowed. Too long: cut. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

int err_no_memory(struct err *e); /* the same, ERR_MEMORY */

/* Puts "what: " before the message already set. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Is it one that passes by itself (busy, database, system, memory)? */
int err_is_passing(const struct err *e);

/* Is it the database's own (away, busy, not there), so that a transaction
 * cannot go on? */
int err_ends_transaction(const struct err *e);

#endif

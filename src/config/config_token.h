#ifndef CONFIG_CONFIG_TOKEN_H
#define CONFIG_CONFIG_TOKEN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * gatepost.conf in tokens: strings and the marks { } = and comma. Comments are
 * left out, ${NAME} is filled in.
 */
enum {
	CONFIG_BYTES_MAX = 1 << 20, /* of the file, and of one string */
	CONFIG_TEXT_MAX = 4 << 20, /* of all strings, ${NAME} filled in */
};

enum config_token { T_END, T_TEXT, T_OPEN, T_CLOSE, T_EQUAL, T_COMMA, T_BAD };

struct config_lexer {
	const char *file;
	struct str in; /* borrowed */
	size_t at;
	int line;
	size_t total; /* bytes of all strings so far */
	struct err *e;

	struct buf token; /* of a T_TEXT: the string itself */
	int token_line;
	int quoted;
	int literal; /* no ${NAME} in it */
};

/* 0, or -1 with ERR_CONFIG for bytes no line may hold (not UTF-8, control
 * characters). Close it in both cases. */
int config_token_open(
    struct config_lexer *s, const char *file, struct str in, struct err *e);
void config_token_close(struct config_lexer *s);

/* T_BAD: the error is set. */
enum config_token config_token_next(struct config_lexer *s);

/* May an error show the token, because it reads like a key and not like a
 * secret that lost its key? */
int config_token_is_key(const struct config_lexer *s);

/* Sets ERR_CONFIG "file:line: …" and returns -1. */
int config_bad(struct err *e, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif

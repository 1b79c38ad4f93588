#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		e->code = code;
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return -1;
}

int
err_no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	if (e != NULL) {
		char text[2 * ERR_TEXT_MAX];
		va_list ap;
		va_start(ap, fmt);
		int n = vsnprintf(text, ERR_TEXT_MAX, fmt, ap);
		va_end(ap);
		size_t at = n < 0 ? 0 : strlen(text);
		snprintf(text + at, sizeof(text) - at, ": %s", e->text);
		memcpy(e->text, text, sizeof(e->text) - 1);
		e->text[sizeof(e->text) - 1] = '\0';
	}
	return -1;
}

int
err_is_passing(const struct err *e)
{
	return e->code == ERR_BUSY || e->code == ERR_DB ||
	    e->code == ERR_SYSTEM || e->code == ERR_MEMORY;
}

int
err_ends_transaction(const struct err *e)
{
	return e->code == ERR_DB || e->code == ERR_BUSY ||
	    e->code == ERR_ABSENT;
}

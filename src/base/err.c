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
err_prefix(struct err *e, const char *fmt, ...)
{
	if (e != NULL) {
		char old[ERR_TEXT_MAX];
		memcpy(old, e->text, sizeof(old));
		va_list ap;
		va_start(ap, fmt);
		int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof(e->text))
			snprintf(e->text + n, sizeof(e->text) - (size_t)n,
			    ": %s", old);
	}
	return -1;
}

int
err_is_passing(const struct err *e)
{
	return e->code == ERR_BUSY || e->code == ERR_DB ||
	    e->code == ERR_SYSTEM || e->code == ERR_MEMORY;
}

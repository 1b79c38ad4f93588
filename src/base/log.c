#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *log_name = "gatepost";

void
log_open(const char *name)
{
	log_name = name;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = { [LOG_ERROR] = "error: ",
		[LOG_WARNING] = "warning: ",
		[LOG_INFO] = "" };
	char text[LINE_MAX_BYTES];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	struct buf b;
	buf_init(&b, (size_t)5 * LINE_MAX_BYTES);
	buf_addf(&b, "%s: %s", log_name, words[level]);
	buf_add_visible(&b, (struct str){ text, len });
	buf_addc(&b, '\n');
	/* one write: lines of several threads and processes do not mix */
	if (buf_ok(&b) && write(STDERR_FILENO, b.p, b.n) < 0) {
		/* nowhere left to say so */
	}
	buf_free(&b);
}

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 2048, NAME_MAX_BYTES = 64 };

static const char *log_name = "gatepost";

void
log_open(const char *name)
{
	log_name = name;
}

static void
write_line(struct str s)
{
	if (write(STDERR_FILENO, s.p, s.n) < 0) {
		/* nowhere left to say so */
	}
}

/* Without memory, which is when a line is wanted most: what is not ASCII is
 * not shown. */
static void
write_plain(const char *word, const char *text)
{
	char line[LINE_MAX_BYTES + NAME_MAX_BYTES];
	int n =
	    snprintf(line, sizeof(line) - 1, "%s: %s%s", log_name, word, text);
	size_t len = n < 0 ? 0 : (size_t)n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[len] = '\n';
	write_line((struct str){ line, len + 1 });
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
	if (buf_ok(&b))
		write_line(buf_str(&b));
	else
		write_plain(words[level], text);
	buf_free(&b);
}

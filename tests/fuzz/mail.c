/* Mails: lines of a sender, a name beside it, a recipient, an address to
 * answer to and a subject; then the text, and after a line --html-- the HTML. */
#include "action/mailbox.h"
#include "action/mime.h"

#include "fuzz.h"

enum { BODY_LINE = 76, HEADER_LINE = 998 };

/* ---- addresses ----------------------------------------------------------- */

/* Nothing in it that a shell, a mailer or a header would read. */
static void
check_address(struct str s)
{
	if (mailbox_fault(s) != NULL)
		return;
	HOLD(s.n > 0 && s.n <= MAILBOX_MAX && s.p[0] != '-');
	for (size_t i = 0; i < s.n; i++)
		HOLD(s.p[i] > ' ' && s.p[i] < 0x7F &&
		    strchr("|/\\!%:;,`\"<>()[]", s.p[i]) == NULL);
	HOLD(mailbox_domain(s).n > 0);
}

static void
check_split(struct str s)
{
	struct str name, address;
	if (mailbox_split(s, &name, &address) != NULL)
		return;
	HOLD(mailbox_fault(address) == NULL);
	HOLD(name.p == NULL ||
	    (str_is_utf8(name) && !str_has_control(name) &&
		!str_has_byte(name, '"')));
}

/* ---- what was written ---------------------------------------------------- */

static struct str
next_line(struct str *rest)
{
	struct str line;
	HOLD(str_cut(*rest, '\n', &line, rest));
	for (size_t i = 0; i < line.n; i++)
		HOLD((line.p[i] >= ' ' && line.p[i] <= '~') ||
		    line.p[i] == '\t');
	return line;
}

/* The headers that there are, each once; *rest then is what follows. */
static void
check_head(struct str *rest, const struct mime_mail *m)
{
	static const char *const names[] = { "From", "To", "Reply-To",
		"Subject", "Date", "Message-ID", "Auto-Submitted",
		"MIME-Version", "Content-Type", "Content-Transfer-Encoding" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	int seen[N] = { 0 };
	for (;;) {
		struct str name, value, line = next_line(rest);
		size_t i = 0;
		HOLD(line.n <= HEADER_LINE && !str_has_byte(line, '\t'));
		if (line.n == 0)
			break;
		/* a line that is folded goes on with a blank */
		if (line.p[0] == ' ') {
			HOLD(line.n > 1 && line.p[1] != ' ');
			continue;
		}
		HOLD(str_cut(line, ':', &name, &value));
		while (i < N && !str_eq_z(name, names[i]))
			i++;
		HOLD(i < N && !seen[i]);
		seen[i] = 1;
	}
	HOLD(seen[0] && seen[1] && seen[3] && seen[8]);
	HOLD(seen[2] == (m->reply_to.p != NULL));
	HOLD(seen[9] == (m->html.p == NULL));
}

static int
from_hex(struct str line, size_t i)
{
	HOLD(i + 2 < line.n);
	int high = str_hex_digit(line.p[i + 1]);
	int low = str_hex_digit(line.p[i + 2]);
	HOLD(high >= 0 && low >= 0);
	return high << 4 | low;
}

/* A body as a reader of mail sees it. No mailer finds anything in a line. */
static void
decode(struct buf *out, struct str text)
{
	while (text.n > 0) {
		struct str line = next_line(&text);
		int soft = line.n > 0 && line.p[line.n - 1] == '=';
		HOLD(line.n <= BODY_LINE);
		HOLD(line.n == 0 || line.p[0] != '.');
		HOLD(!str_starts(line, STR("From ")));
		HOLD(line.n == 0 ||
		    !str_has_byte(STR(" \t"), line.p[line.n - 1]));
		line.n -= (size_t)soft;
		for (size_t i = 0; i < line.n; i++) {
			int c = (unsigned char)line.p[i];
			if (c == '=') {
				c = from_hex(line, i);
				i += 2;
			}
			buf_addc(out, (char)c);
		}
		if (!soft)
			buf_addc(out, '\n');
	}
}

/* The same text with LF for line ends and one at its end. */
static void
check_body(struct arena *a, struct str body, struct str text)
{
	struct buf got, want;
	struct str clean = str_clean_utf8(a, text, 0);
	buf_init(&got, MIME_MAIL_MAX);
	buf_init(&want, MIME_MAIL_MAX);
	decode(&got, body);
	for (size_t i = 0; i < clean.n; i++)
		if (clean.p[i] != '\r' || i + 1 == clean.n ||
		    clean.p[i + 1] != '\n')
			buf_addc(&want, clean.p[i]);
	if (want.n > 0 && want.p[want.n - 1] != '\n')
		buf_addc(&want, '\n');
	HOLD(str_eq(buf_str(&got), buf_str(&want)));
	buf_free(&got);
	buf_free(&want);
}

/* What stands between two boundaries. */
static struct str
next_part(struct str *rest)
{
	static const char mark[] = "\n--=_gatepost";
	const char *at = memmem(rest->p, rest->n, mark, sizeof(mark) - 1);
	HOLD(at != NULL);
	struct str part = { rest->p, (size_t)(at - rest->p) };
	size_t used = part.n + sizeof(mark) - 1;
	*rest = (struct str){ rest->p + used, rest->n - used };
	return part;
}

static struct str
without_head(struct str part)
{
	const char *at = memmem(part.p, part.n, "\n\n", 2);
	HOLD(at != NULL);
	size_t used = (size_t)(at - part.p) + 2;
	return (struct str){ part.p + used, part.n - used };
}

static void
check_mail(struct arena *a, const struct mime_mail *m)
{
	struct buf b;
	buf_init(&b, MIME_MAIL_MAX);
	if (mime_write(&b, m, NULL) == 0) {
		struct str rest = buf_str(&b);
		check_head(&rest, m);
		if (m->html.p == NULL) {
			check_body(a, rest, m->text);
		} else {
			HOLD(str_starts(rest, STR("--=_gatepost\n")));
			check_body(a, without_head(next_part(&rest)), m->text);
			check_body(a, without_head(next_part(&rest)), m->html);
			HOLD(str_eq_z(rest, "--\n"));
		}
	} else {
		HOLD(mailbox_fault(m->from) != NULL ||
		    mailbox_fault(m->to) != NULL || m->reply_to.p != NULL);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char mark[] = "\n--html--\n";
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct str rest = fuzz_input(data, n);
	struct mime_mail m = { .id = STR("id-1"), .date = 1772000000 };
	struct str *const lines[] = { &m.from, &m.from_name, &m.to, &m.reply_to,
		&m.subject };
	for (size_t i = 0; i < 5; i++) {
		str_cut(rest, '\n', lines[i], &rest);
		check_address(*lines[i]);
		check_split(*lines[i]);
	}
	if (m.reply_to.n == 0)
		m.reply_to = STR_NONE;
	const char *at =
	    rest.n == 0 ? NULL : memmem(rest.p, rest.n, mark, sizeof(mark) - 1);
	m.text = rest.p == NULL ? STR("") : rest;
	m.html = STR_NONE;
	if (at != NULL) {
		m.text.n = (size_t)(at - rest.p);
		m.html = (struct str){ at + sizeof(mark) - 1,
			rest.n - m.text.n - (sizeof(mark) - 1) };
	}
	check_mail(a, &m);
	/* a mail that is always written */
	m.from = STR("shop@example.org");
	m.to = STR("a@example.org");
	m.reply_to = STR_NONE;
	m.from_name = str_has_control(m.from_name) ? STR_NONE : m.from_name;
	check_mail(a, &m);
	arena_free(a);
	return 0;
}

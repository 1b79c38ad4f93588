#include "action/mime.h"

#include "action/mailbox.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum {
	LINE_MAX_QP = 76, /* RFC 2045, 6.7 (5), the '=' at its end included */
	WORD_MAX = 75, /* RFC 2047, 2 */
	HEADER_LINE = 76,
	CHAR_MAX = 4, /* bytes of one character in UTF-8 */
};
static const char word_open[] = "=?UTF-8?Q?";
static const char word_close[] = "?=";
static const char digits[] = "0123456789ABCDEF";

static void
add_hex(struct buf *out, unsigned char c)
{
	buf_addc(out, '=');
	buf_addc(out, digits[c >> 4]);
	buf_addc(out, digits[c & 15]);
}

/* ---- headers ------------------------------------------------------------- */

/* May stand as it is in an encoded word, wherever one may stand (RFC 2047,
 * 5 (3))? */
static int
word_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '!' || c == '*' || c == '+' ||
	    c == '-' || c == '/';
}

/* The next character of s, well-formed and no control character; n of it are
 * used up. */
static struct str
next_char(struct str s, size_t at, size_t *n)
{
	*n = str_char(s, at);
	if (*n == 0) {
		*n = 1;
		return STR(REPLACEMENT);
	}
	struct str c = { s.p + at, *n };
	return str_has_control(c) ? STR(" ") : c;
}

static size_t
word_size(struct str c)
{
	size_t n = 0;
	for (size_t i = 0; i < c.n; i++)
		n += c.p[i] == ' ' || word_plain((unsigned char)c.p[i]) ? 1 : 3;
	return n;
}

static void
word_add(struct buf *out, struct str c)
{
	for (size_t i = 0; i < c.n; i++) {
		unsigned char b = (unsigned char)c.p[i];
		if (b == ' ')
			buf_addc(out, '_');
		else if (word_plain(b))
			buf_addc(out, (char)b);
		else
			add_hex(out, b);
	}
}

/* Encoded words of whole characters, folded; col is where the line stands,
 * and where it then is. */
static size_t
add_words(struct buf *out, struct str s, size_t col)
{
	const size_t frame = sizeof(word_open) - 1 + sizeof(word_close) - 1;
	size_t n, in_word = 0;
	buf_addz(out, word_open);
	for (size_t at = 0; at < s.n; at += n) {
		struct str c = next_char(s, at, &n);
		size_t more = word_size(c);
		if (in_word + more + frame > WORD_MAX ||
		    col + in_word + more + frame > HEADER_LINE) {
			buf_addz(out, word_close);
			buf_addz(out, "\n ");
			buf_addz(out, word_open);
			col = 1;
			in_word = 0;
		}
		word_add(out, c);
		in_word += more;
	}
	buf_addz(out, word_close);
	return col + in_word + frame;
}

static int
is_plain(struct str s, size_t col)
{
	if (s.n + col > HEADER_LINE || s.n == 0 || s.p[0] == ' ' ||
	    s.p[s.n - 1] == ' ')
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' || c > '~')
			return 0;
		if (c == '=' && i + 1 < s.n && s.p[i + 1] == '?')
			return 0;
	}
	return 1;
}

void
mime_header(struct buf *out, const char *name, struct str value)
{
	size_t col = strlen(name) + 2;
	buf_addf(out, "%s: ", name);
	if (is_plain(value, col))
		buf_adds(out, value);
	else if (value.n > 0)
		add_words(out, value, col);
	buf_addc(out, '\n');
}

/* From: a name is always quoted or encoded, so nothing of it is syntax. */
static void
add_from(struct buf *out, const struct mime_mail *m)
{
	size_t col = sizeof("From: ") - 1;
	buf_addz(out, "From: ");
	if (m->from_name.n > 0) {
		if (is_plain(m->from_name, col + 2) &&
		    !str_has_byte(m->from_name, '"') &&
		    !str_has_byte(m->from_name, '\\')) {
			buf_addf(out, "\"%.*s\"", STR_ARG(m->from_name));
			col += m->from_name.n + 2;
		} else {
			col = add_words(out, m->from_name, col);
		}
		buf_addz(
		    out, col + m->from.n + 3 > HEADER_LINE ? "\n <" : " <");
	}
	buf_adds(out, m->from);
	buf_addz(out, m->from_name.n > 0 ? ">\n" : "\n");
}

void
mime_date(struct buf *out, int64_t at)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;
	time_t t = (time_t)at;
	if (gmtime_r(&t, &tm) == NULL)
		return;
	buf_addf(out, "%.3s, %d %.3s %04d %02d:%02d:%02d +0000",
	    days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday,
	    months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

/* Cut after the last whole character that fits. */
static struct str
shorten(struct str s, size_t most)
{
	if (s.n <= most)
		return s;
	while (most > 0 && ((unsigned char)s.p[most] & 0xC0) == 0x80)
		most--;
	s.n = most;
	return s;
}

/* ---- bodies -------------------------------------------------------------- */

/* One character, which no line cuts; first and last of its line of the text. */
static void
add_piece(struct buf *out, struct str c, size_t *col, int last, int first)
{
	unsigned char b = (unsigned char)c.p[0];
	int blank = b == ' ' || b == '\t';
	int plain = c.n == 1 && ((b > ' ' && b <= '~' && b != '=') || blank);
	/* a blank at the end of a line would be lost on the way; a dot or an
	 * F in front would be read by a mailer */
	if ((blank && last) || (first && (b == '.' || b == 'F')))
		plain = 0;
	size_t size = plain ? 1 : 3 * c.n;
	if (*col + size > LINE_MAX_QP - 1) {
		buf_addz(out, "=\n");
		*col = 0;
		if (plain && (b == '.' || b == 'F')) {
			plain = 0;
			size = 3;
		}
	}
	for (size_t i = 0; i < c.n; i++)
		if (plain)
			buf_addc(out, c.p[i]);
		else
			add_hex(out, (unsigned char)c.p[i]);
	*col += size;
}

static int
at_line_end(struct str s, size_t at)
{
	return at >= s.n || s.p[at] == '\n' ||
	    (s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n');
}

void
mime_quoted(struct buf *out, struct str text)
{
	size_t n, col = 0;
	for (size_t at = 0; at < text.n; at += n) {
		n = 1;
		if (at_line_end(text, at)) {
			n = text.p[at] == '\r' ? 2 : 1;
			buf_addc(out, '\n');
			col = 0;
			continue;
		}
		struct str c = { text.p + at, str_char(text, at) };
		if (c.n == 0)
			c = STR(REPLACEMENT);
		else
			n = c.n;
		add_piece(out, c, &col, at_line_end(text, at + n), col == 0);
	}
	if (col > 0)
		buf_addc(out, '\n');
}

static void
add_body(struct buf *out, const char *type, struct str body)
{
	buf_addf(out,
	    "Content-Type: text/%s; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n",
	    type);
	mime_quoted(out, body);
}

/* The boundary holds "=_", which quoted-printable never writes (RFC 2045,
 * 6.7 (1)). */
static void
add_bodies(struct buf *out, const struct mime_mail *m)
{
	if (m->html.p == NULL) {
		add_body(out, "plain", m->text);
		return;
	}
	buf_addz(out,
	    "Content-Type: multipart/alternative; boundary=\"=_gatepost\"\n"
	    "\n--=_gatepost\n");
	add_body(out, "plain", m->text);
	buf_addz(out, "\n--=_gatepost\n");
	add_body(out, "html", m->html);
	buf_addz(out, "\n--=_gatepost--\n");
}

static int
id_is_good(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-'))
			return 0;
	}
	return s.n > 0 && s.n <= MIME_ID_MAX;
}

static int
check(const struct mime_mail *m, struct err *e)
{
	const char *fault = mailbox_fault(m->from);
	if (fault != NULL)
		return err_set(e, ERR_INPUT, "sender: %s", fault);
	fault = mailbox_fault(m->to);
	if (fault != NULL)
		return err_set(e, ERR_INPUT, "recipient: %s", fault);
	if (m->reply_to.p != NULL &&
	    (fault = mailbox_fault(m->reply_to)) != NULL)
		return err_set(e, ERR_INPUT, "Reply-To: %s", fault);
	if (!id_is_good(m->id))
		return err_set(e, ERR_INPUT, "no id for the mail");
	if (m->text.n > MIME_BODY_MAX || m->html.n > MIME_BODY_MAX)
		return err_set(e, ERR_LIMIT, "the mail is larger than %d bytes",
		    MIME_BODY_MAX);
	return 0;
}

int
mime_write(struct buf *out, const struct mime_mail *m, struct err *e)
{
	if (check(m, e) != 0)
		return -1;
	add_from(out, m);
	buf_addf(out, "To: %.*s\n", STR_ARG(m->to));
	if (m->reply_to.p != NULL)
		buf_addf(out, "Reply-To: %.*s\n", STR_ARG(m->reply_to));
	mime_header(out, "Subject", shorten(m->subject, MIME_SUBJECT_MAX));
	buf_addz(out, "Date: ");
	mime_date(out, m->date);
	buf_addf(out, "\nMessage-ID: <%.*s@%.*s>\n", STR_ARG(m->id),
	    STR_ARG(mailbox_domain(m->from)));
	/* RFC 3834, 5: nobody's vacation program is to answer */
	buf_addz(out, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n");
	add_bodies(out, m);
	return buf_ok(out) ? 0 : err_set(e, ERR_LIMIT, "the mail is too large");
}

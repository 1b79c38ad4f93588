#include "action/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/mailbox.h"
#include "action/mailer.h"
#include "action/mime.h"
#include "action/place.h"

/* ---- templates ----------------------------------------------------------- */

/* STR_NONE with *e, which comes in clean; ERR_ABSENT: there is no such file. */
static struct str
slurp(struct arena *a, const char *file, struct err *e)
{
	struct str text = STR_NONE;
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err_set(e, errno == ENOENT ? ERR_ABSENT : ERR_SYSTEM, "%s: %s",
		    file, strerror(errno));
		return STR_NONE;
	}
	char *p = arena_alloc(a, ACTION_TEXT_MAX + 1);
	size_t n = 0;
	ssize_t got = -1;
	if (p == NULL)
		err_set(e, ERR_MEMORY, "out of memory");
	else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		err_set(e, ERR_INPUT, "%s: not a file", file);
	else
		while ((got = read(fd, p + n, ACTION_TEXT_MAX + 1 - n)) > 0)
			n += (size_t)got;
	close(fd);
	if (got == 0 && n <= ACTION_TEXT_MAX)
		text = (struct str){ p, n };
	else if (got == 0)
		err_set(e, ERR_INPUT, "%s: larger than %d bytes", file,
		    ACTION_TEXT_MAX);
	else if (e->code == ERR_NONE)
		err_set(e, ERR_SYSTEM, "%s: cannot be read", file);
	return text;
}

static int
line_of(struct str text, const char *p)
{
	int line = 1;
	for (const char *q = text.p; q < p; q++)
		line += *q == '\n';
	return line;
}

static int
check(
    const char *file, struct str text, const char *const *names, struct err *e)
{
	struct str word;
	if (!str_is_utf8(text))
		return err_set(
		    e, ERR_INPUT, "%s:1: not UTF-8; save it as UTF-8", file);
	if (names != NULL && place_unknown(text, names, &word))
		return err_set(e, ERR_INPUT,
		    "%s:%d: {%.*s} is no placeholder here; %s", file,
		    line_of(text, word.p), STR_ARG(word), place_advice(word));
	return 0;
}

/* Cuts the next line off; its end may be CR LF. */
static struct str
next_line(struct str *rest)
{
	struct str line, tail;
	str_cut(*rest, '\n', &line, &tail);
	*rest = tail;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static int
read_head(
    const char *file, struct str text, struct mail_template *out, struct err *e)
{
	struct str rest = text;
	int line = 0;
	while (rest.p != NULL && rest.n > 0) {
		struct str name, value, one = next_line(&rest);
		line++;
		if (one.n == 0)
			break;
		if (str_cut(one, ':', &name, &value))
			value = str_trim(value);
		if (value.p != NULL && str_eq_fold(name, STR("Subject"))) {
			out->subject = value;
		} else if (value.p != NULL &&
		    str_eq_fold(name, STR("Reply-To")) &&
		    mailbox_fault(value) == NULL) {
			out->reply_to = value;
		} else {
			return err_set(e, ERR_INPUT,
			    "%s:%d: here stands 'Subject: …' or 'Reply-To: "
			    "name@example.org', then an empty line and the "
			    "text",
			    file, line);
		}
	}
	out->text = rest.p == NULL ? STR("") : rest;
	if (out->subject.n == 0)
		return err_set(e, ERR_INPUT,
		    "%s:1: the first line is 'Subject: …', and not empty",
		    file);
	return 0;
}

int
mail_template_read(struct arena *a, const char *path, const char *const *names,
    struct mail_template *out, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	*out = (struct mail_template){ .html = STR_NONE };
	const char *file = arena_printf(a, "%s.txt", path);
	const char *html = arena_printf(a, "%s.html", path);
	if (file == NULL || html == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct str text = slurp(a, file, &why);
	if (text.p != NULL)
		out->html = slurp(a, html, &why);
	if (text.p == NULL || (out->html.p == NULL && why.code != ERR_ABSENT))
		return err_set(e, why.code, "%s", why.text);
	if (check(file, text, names, e) != 0 ||
	    (out->html.p != NULL && check(html, out->html, names, e) != 0))
		return -1;
	return read_head(file, text, out, e);
}

/* ---- the mail ------------------------------------------------------------ */

/* The text of a mail without a template: to the owner, what there is to
 * tell. */
static void
add_facts(struct buf *b, const struct action_effect *f)
{
	struct str text = action_fact(f, "text");
	if (text.n > 0) {
		buf_adds(b, text);
		buf_addz(b, "\n\n");
	}
	for (size_t i = 0; i < f->n_facts; i++) {
		const struct action_fact *fact = &f->facts[i];
		if (fact->value.n == 0 || strcmp(fact->name, "text") == 0)
			continue;
		buf_addf(b, "%s: ", fact->name);
		place_value(b, fact->value, PLACE_TEXT);
		buf_addc(b, '\n');
	}
}

static void
add_subject(struct buf *b, const struct action_effect *f)
{
	struct str line = action_fact(f, "text"), rest;
	struct str product = action_fact(f, "product_name");
	buf_addz(b, "gatepost: ");
	if (line.n > 0) {
		str_cut(line, '\n', &line, &rest);
		place_value(b, line, PLACE_TEXT);
		return;
	}
	if (product.n == 0)
		product = action_fact(f, "product");
	place_value(b, f->type, PLACE_TEXT);
	buf_addz(b, product.n > 0 ? ", " : "");
	place_value(b, product, PLACE_TEXT);
}

/* Filled in; the bytes are the arena's. */
static struct str
fill(struct arena *a, struct str text, enum place_where where,
    const struct action_effect *f)
{
	struct buf b;
	buf_init(&b, MIME_BODY_MAX);
	place_fill(&b, text, where, 0, f);
	return buf_take(&b, a);
}

static struct str
made(struct arena *a, const struct action_effect *f,
    void (*add)(struct buf *b, const struct action_effect *f))
{
	struct buf b;
	buf_init(&b, MIME_BODY_MAX);
	add(&b, f);
	return buf_take(&b, a);
}

static int
compose(const struct action_mail *m, const struct action_effect *f,
    struct arena *a, struct mime_mail *out, struct err *e)
{
	struct mail_template t = { .html = STR_NONE };
	struct err why = { .code = ERR_NONE };
	const char *fault = mailbox_split(m->from, &out->from_name, &out->from);
	if (fault != NULL)
		return err_set(e, ERR_CONFIG, "sender: %s", fault);
	out->to = str_eq_z(m->to, "{email}") ? action_fact(f, "email") : m->to;
	out->id = str_from(f->id);
	out->date = f->now;
	if (m->template == NULL && m->text.p == NULL) {
		out->subject = made(a, f, add_subject);
		out->text = made(a, f, add_facts);
	} else {
		if (m->template != NULL
			? mail_template_read(
			      a, m->template, m->names, &t, &why) != 0
			: read_head("built in", m->text, &t, &why) != 0)
			return err_set(e, ERR_CONFIG, "%s", why.text);
		out->reply_to = t.reply_to;
		out->subject = fill(a, t.subject, PLACE_TEXT, f);
		out->text = fill(a, t.text, PLACE_TEXT, f);
		if (t.html.p != NULL)
			out->html = fill(a, t.html, PLACE_HTML, f);
		if (t.html.p != NULL && out->html.p == NULL)
			out->text = STR_NONE;
	}
	if (out->subject.p == NULL || out->text.p == NULL)
		return arena_failed(a)
		    ? err_set(e, ERR_MEMORY, "out of memory")
		    : err_set(e, ERR_INPUT, "the mail is larger than %d bytes",
			  MIME_BODY_MAX);
	return 0;
}

void
action_run_mail(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	struct mime_mail m = { .html = STR_NONE };
	struct err e = { .code = ERR_NONE };
	struct buf b;
	buf_init(&b, MIME_MAIL_MAX);
	if (compose(&action->u.mail, effect, arena, &m, &e) == 0 &&
	    mime_write(&b, &m, &e) == 0)
		mailer_run(action, arena, &m, buf_str(&b), answer);
	else
		/* the owner may mend his settings; a bad address stays one */
		action_say(answer,
		    e.code == ERR_INPUT || e.code == ERR_LIMIT ? ACTION_NEVER
							       : ACTION_AGAIN,
		    "mail: %s", e.text);
	buf_free(&b);
}

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/mail.h"
#include "tests/unit/test.h"

enum { LONG_MS = 20000, SHORT_MS = 300, MEMORY = 4 << 20, PATH_SIZE = 300 };
enum { MAILS_MAX = 64 };

static char folder[] = "/tmp/gp.XXXXXX";
static char template[PATH_SIZE]; /* of the fixtures */

static const char *
path(const char *name)
{
	static char p[PATH_SIZE];
	snprintf(p, sizeof(p), "%s/%s", folder, name);
	return p;
}

static void
put(const char *name, const char *text)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		OK(0, "write %s", name);
	close(fd);
}

/* What a file of the folder holds; "" when it is not there. */
static const char *
get(const char *name)
{
	static char text[65536];
	int fd = open(path(name), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static const char *const names[] = { "type", "email", "product_name", "variant",
	"tier", "until", NULL };

static struct action_fact facts[] = {
	{ "type", STR("purchase") },
	{ "email", STR("buyer@example.com") },
	{ "product_name", STR("Caf\xC3\xA9 <b>") },
	{ "variant", STR("\"><script>\r\n.\r\nx") },
	{ "tier", STR("gold\r\nBcc: x@example.net") },
	{ "until", { NULL, 0 } },
};
enum { EMAIL = 1 };

static struct action_answer
run(struct action *action)
{
	const struct action_effect f = { .id = "purchase_00ff",
		.type = STR("purchase"),
		.payload = STR("{\"type\":\"purchase\"}"),
		.facts = facts,
		.n_facts = sizeof(facts) / sizeof(facts[0]),
		.now = 1795336920,
		.attempt = 2 };
	struct action_answer answer;
	struct arena *a = arena_new(MEMORY);
	action_run(action, &f, a, &answer);
	arena_free(a);
	return answer;
}

static struct action
mail_action(void)
{
	static char sendmail[PATH_SIZE];
	snprintf(sendmail, sizeof(sendmail), "%s/sendmail", folder);
	return (struct action){ .kind = ACTION_MAIL,
		.name = STR("welcome"),
		.timeout_ms = LONG_MS,
		.u.mail = { .to = STR("{email}"),
		    .from = STR("Shop <shop@example.org>"),
		    .template = template,
		    .sendmail = sendmail } };
}

static void
test_mail(void)
{
	struct action m = mail_action();
	struct action_answer got = run(&m);
	test_group("mail");
	OK(got.outcome == ACTION_DONE, "sent: %s", got.said);
	IS(str_from(get("mails/0.args")),
	    "-i\n-f\nshop@example.org\n--\nbuyer@example.com\n", "arguments");
	const char *mail = get("mails/0.eml");
	OK(strstr(mail,
	       "From: \"Shop\" <shop@example.org>\n"
	       "To: buyer@example.com\n"
	       "Reply-To: help@example.org\n"
	       "Subject: =?UTF-8?Q?") == mail,
	    "headers");
	OK(strstr(mail, "\nBcc:") == NULL, "no header by a name");
	OK(strstr(mail, "\nMessage-ID: <purchase_00ff@example.org>\n") != NULL,
	    "its id");
	OK(strstr(mail, "=C3=A9 <b> (\"><script>") != NULL, "the text");
	OK(strstr(mail, "\n=2E\n") != NULL, "a dot on its own line");
	OK(strstr(mail, "<b title=3D\"&#34;&#62;&#60;script&#62;") != NULL &&
		strstr(mail, "&#60;b&#62;</b>") != NULL,
	    "the HTML");
}

static void
test_answers(void)
{
	static const struct {
		const char *then;
		enum action_outcome outcome;
		const char *said;
	} cases[] = {
		{ "exit 0\n", ACTION_DONE, "sendmail took it" },
		{ "exit 75\n", ACTION_AGAIN, "sendmail: exit 75" },
		{ "exit 67\n", ACTION_NEVER, "sendmail: exit 67" },
		{ "exit 65\n", ACTION_NEVER, "sendmail: exit 65" },
		{ "exit 68\n", ACTION_AGAIN, "sendmail: exit 68" },
		{ "exit 1\n", ACTION_AGAIN, "sendmail: exit 1" },
		{ "echo \"no $6: $5\" >&2; exit 67\n", ACTION_NEVER,
		    "sendmail: exit 67: no : (hidden)" },
		{ "kill -9 $$\n", ACTION_AGAIN, "sendmail: signal 9" },
	};
	struct action m = mail_action();
	struct action_answer got;
	test_group("answers");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("then", cases[i].then);
		got = run(&m);
		OK(got.outcome == cases[i].outcome &&
			strcmp(got.said, cases[i].said) == 0,
		    "%s: %s", cases[i].said, got.said);
	}
	put("then", "sleep 60\n");
	m.timeout_ms = SHORT_MS;
	got = run(&m);
	OK(got.outcome == ACTION_AGAIN &&
		strcmp(got.said, "sendmail: killed after 0 s") == 0,
	    "hangs: %s", got.said);
	unlink(path("then"));
	m.u.mail.sendmail = "/nowhere/sendmail";
	got = run(&m);
	OK(got.outcome == ACTION_AGAIN && strstr(got.said, "/nowhere/") != NULL,
	    "absent: %s", got.said);
}

static void
test_recipients(void)
{
	static const char *const bad[] = { "-bd@example.com",
		"a@example.com,b@example.com", "a@example.com\r\nBcc: b@c.de",
		"|id@example.com", "\"a b\"@example.com", "@everyone", NULL };
	struct action m = mail_action();
	struct str before = facts[EMAIL].value;
	test_group("recipients");
	for (size_t i = 0; bad[i] != NULL; i++) {
		facts[EMAIL].value = str_from(bad[i]);
		struct action_answer got = run(&m);
		OK(got.outcome == ACTION_NEVER &&
			strstr(got.said, "com") == NULL,
		    "%zu: %s", i, got.said);
	}
	facts[EMAIL].value = STR_NONE;
	OK(run(&m).outcome == ACTION_NEVER, "none");
	facts[EMAIL].value = before;
	m.u.mail.template = NULL;
	m.u.mail.to = STR("me@example.org");
	OK(run(&m).outcome == ACTION_DONE, "without a template");
	/* the newest; one that was killed before may have written none */
	char name[32], last[32] = "";
	for (int n = 0; n < MAILS_MAX; n++) {
		snprintf(name, sizeof(name), "mails/%d.eml", n);
		if (*get(name) != '\0')
			memcpy(last, name, sizeof(last));
	}
	OK(strstr(get(last), "\ntype: purchase\nemail: buyer@example.com\n") !=
		NULL,
	    "tells the facts");
}

static void
test_templates(void)
{
	static const struct {
		const char *text, *html, *why;
	} cases[] = {
		{ "Subject: x\n\n{tier}\n", NULL, "" },
		{ "Subject: x\r\nReply-To: a@b.co\r\n\r\n{tier}\r\n", NULL,
		    "" },
		{ "Subject: x\n\na\n{tire}\n", NULL, "x.txt:4: {tire}" },
		{ "Subject: {tire}\n\na\n", NULL, "x.txt:1: {tire}" },
		{ "Subject: x\n\na\n", "<p>\n{tire}", "x.html:2: {tire}" },
		{ "Hello\n\na\n", NULL, "x.txt:1: here stands" },
		{ "Subject: x\nBcc: a@b.co\n\na\n", NULL,
		    "x.txt:2: here stands" },
		{ "Subject: x\nReply-To: a b\n\na\n", NULL,
		    "x.txt:2: here stands" },
		{ "Subject:\n\na\n", NULL, "x.txt:1: the first line" },
		{ "", NULL, "x.txt:1: the first line" },
		{ "Subject: \xFF\n", NULL, "x.txt:1: not UTF-8" },
	};
	struct mail_template t;
	struct arena *a = arena_new(MEMORY);
	char base[PATH_SIZE];
	test_group("templates");
	snprintf(base, sizeof(base), "%s", path("x"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		arena_reset(a);
		put("x.txt", cases[i].text);
		unlink(path("x.html"));
		if (cases[i].html != NULL)
			put("x.html", cases[i].html);
		int rc = mail_template_read(a, base, names, &t, &e);
		OK((rc == 0) == (cases[i].why[0] == '\0') &&
			strstr(e.text, cases[i].why) != NULL,
		    "%zu: %s", i, e.text);
	}
	struct err e = { 0 };
	OK(mail_template_read(a, path("none"), names, &t, &e) != 0 &&
		e.code == ERR_ABSENT,
	    "absent: %s", e.text);
	e = (struct err){ 0 };
	unlink(path("x.txt"));
	mkfifo(path("x.txt"), 0600);
	OK(mail_template_read(a, base, names, &t, &e) != 0, "a pipe: %s",
	    e.text);
	e = (struct err){ 0 };
	unlink(path("x.txt"));
	put("x.txt", "Subject: x\n\n");
	if (truncate(path("x.txt"), ACTION_TEXT_MAX + 1) == 0)
		OK(mail_template_read(a, base, names, &t, &e) != 0,
		    "too large: %s", e.text);
	unlink(path("x.txt"));
	arena_free(a);
}

static void
test_exec(void)
{
	static const char script[] =
	    "cat >in; env | grep ^GATEPOST_ | sort >env; "
	    "printf '%s\\n' \"$@\" >args; . ./then";
	char cd[PATH_SIZE + sizeof(script)];
	snprintf(cd, sizeof(cd), "cd %s; %s", folder, script);
	const char *argv[] = { "/bin/sh", "-c", cd, "sh", "{email}", NULL };
	struct action x = {
		.kind = ACTION_EXEC, .timeout_ms = LONG_MS, .u.exec = { argv }
	};
	test_group("exec");
	put("then", "echo made >&2");
	struct action_answer got = run(&x);
	OK(got.outcome == ACTION_DONE &&
		strcmp(got.said, "exec: exit 0: made") == 0,
	    "%s", got.said);
	IS(str_from(get("in")), "{\"type\":\"purchase\"}\n", "input");
	IS(str_from(get("args")), "{email}\n", "arguments are as they are");
	IS(str_from(get("env")),
	    "GATEPOST_ATTEMPT=2\n"
	    "GATEPOST_EMAIL=buyer@example.com\n"
	    "GATEPOST_ID=purchase_00ff\n"
	    "GATEPOST_PRODUCT_NAME=Caf\xC3\xA9 <b>\n"
	    "GATEPOST_TIER=gold  Bcc: x@example.net\n"
	    "GATEPOST_TYPE=purchase\n"
	    "GATEPOST_UNTIL=\n"
	    "GATEPOST_VARIANT=\"><script>  .  x\n",
	    "environment");
	put("then", "echo 'x\033[2J buyer@example.com'; exit 75");
	got = run(&x);
	OK(got.outcome == ACTION_AGAIN &&
		strcmp(got.said, "exec: exit 75: x\\x1B[2J (hidden)") == 0,
	    "%s", got.said);
	put("then", "exit 65");
	OK(run(&x).outcome == ACTION_NEVER, "65");
	put("then", "exit 1");
	OK(run(&x).outcome == ACTION_AGAIN, "1");
	argv[0] = "/nowhere/at/all";
	OK(run(&x).outcome == ACTION_AGAIN, "absent");
}

int
main(void)
{
	const char *top = getenv("top_srcdir");
	char sink[PATH_SIZE], cleanup[PATH_SIZE];
	/* a link's target counts from the link, and mailers start in / */
	char *here = realpath(top == NULL ? "." : top, NULL);
	snprintf(
	    sink, sizeof(sink), "%.200s/tests/fixtures/mail/sendmail", here);
	snprintf(template, sizeof(template),
	    "%.200s/tests/fixtures/mail/welcome", here);
	if (mkdtemp(folder) == NULL || symlink(sink, path("sendmail")) != 0)
		return 1;
	test_mail();
	test_answers();
	test_recipients();
	test_templates();
	test_exec();
	snprintf(cleanup, sizeof(cleanup), "rm -rf %s", folder);
	if (system(cleanup) != 0)
		OK(0, "removed");
	free(here);
	return test_end();
}

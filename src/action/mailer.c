#include "action/mailer.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "action/smtp.h"
#include "action/spawn.h"

/* What sendmail(8) exits with, from sysexits.h; a mail is given up for these
 * two alone. The others may pass: EX_NOHOST is also what msmtp says without a
 * network, EX_UNAVAILABLE what it says of a refusal for now (4xx) and of one
 * after the whole mail; of one before that, for good (5xx), EX_DATAERR. */
enum { MAIL_DATAERR = 65, MAIL_NOUSER = 67 };

enum { ENV_MAX = 6, LINE_MAX_SAID = 160, PATH_MAX_LEN = 4096 };

/* ---- sendmail(8) --------------------------------------------------------- */

/* Where mailers that run as a user look for his settings. */
static int
make_env(struct arena *a, const char *env[ENV_MAX])
{
	static const char *const names[] = { "HOME", "USER", "LOGNAME" };
	size_t n = 0;
	env[n++] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value == NULL)
			continue;
		env[n] = arena_printf(a, "%s=%s", names[i], value);
		if (env[n++] == NULL)
			return -1;
	}
	env[n] = NULL;
	return 0;
}

static void
judge(const struct spawn_result *r, struct str to, int timeout_ms,
    struct action_answer *answer)
{
	char line[LINE_MAX_SAID];
	spawn_said(r, to, line, sizeof(line));
	const char *sep = line[0] != '\0' ? ": " : "";
	if (r->late)
		action_say(answer, ACTION_AGAIN,
		    "sendmail: killed after %d s%s%s", timeout_ms / 1000, sep,
		    line);
	else if (r->signal != 0)
		action_say(answer, ACTION_AGAIN, "sendmail: signal %d%s%s",
		    r->signal, sep, line);
	else if (r->code == 0)
		action_say(answer, ACTION_DONE, "sendmail took it");
	else
		action_say(answer,
		    r->code == MAIL_DATAERR || r->code == MAIL_NOUSER
			? ACTION_NEVER
			: ACTION_AGAIN,
		    "sendmail: exit %d%s%s", r->code, sep, line);
}

static void
run_sendmail(const struct action *action, struct arena *a, const char *from,
    const char *to, struct str mail, struct action_answer *answer)
{
	const char *env[ENV_MAX];
	struct err e = { .code = ERR_NONE };
	/* -i: a dot alone ends nothing; never -t, which reads recipients out
	 * of the mail */
	const char *argv[] = { action->u.mail.sendmail, "-i", "-f", from, "--",
		to, NULL };
	const struct spawn_opts o = { .argv = argv,
		.env = env,
		.in = mail,
		.timeout_ms = action->timeout_ms,
		.linger = 1 };
	struct spawn_result *r = arena_alloc(a, sizeof(*r));
	if (r == NULL || make_env(a, env) != 0)
		action_say(answer, ACTION_AGAIN, "mail: out of memory");
	else if (spawn_run(&o, r, &e) != 0)
		action_say(answer, ACTION_AGAIN, "mail: %s", e.text);
	else
		judge(r, str_from(to), action->timeout_ms, answer);
}

/* ---- SMTP ---------------------------------------------------------------- */

int
mailer_is_smtp(const char *sendmail)
{
	return str_starts(str_from(sendmail), STR("smtp://"));
}

static int
is_set_id(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)) != 0;
}

int
mailer_needs_rights(const char *sendmail)
{
	char postdrop[PATH_MAX_LEN];
	const char *slash = strrchr(sendmail, '/');
	snprintf(postdrop, sizeof(postdrop), "%.*s/postdrop",
	    slash == NULL ? 0 : (int)(slash - sendmail), sendmail);
	return is_set_id(sendmail) || is_set_id(postdrop);
}

/* Says no to the buyer's address for good (RFC 3463, 3.2; 5.1.7 and 5.1.8 are
 * about the sender's, 5.1.0 about either). What else it says no to, the owner may
 * mend. */
static int
is_address_fault(const struct smtp_reply *r)
{
	static const char *const codes[] = { "5.1.1 ", "5.1.2 ", "5.1.3 ",
		"5.1.6 ", "5.1.10 " };
	struct str text = { r->text, r->n };
	if (r->code < 500 || text.n < 4)
		return 0;
	text = (struct str){ text.p + 4, text.n - 4 };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_starts(text, str_from(codes[i])))
			return 1;
	return 0;
}

/* 0: nobody answers there. */
static int
run_smtp(const struct action *action, struct arena *a, const char *url,
    const char *from, const char *to, struct str mail,
    struct action_answer *answer)
{
	const struct smtp_mail m = { url, from, to, mail, action->timeout_ms };
	struct smtp_reply reply;
	struct err e = { .code = ERR_NONE };
	struct spawn_result *r = arena_alloc(a, sizeof(*r));
	char line[LINE_MAX_SAID];
	int rc = r == NULL ? -1 : smtp_send(&m, &reply, &e);
	/* a time-out after the server said yes is none of its words */
	if (r == NULL || (rc != 0 && reply.code < 400)) {
		action_say(answer, ACTION_AGAIN, "mail: %s",
		    r == NULL ? "out of memory" : e.text);
		return r == NULL || reply.code != 0;
	}
	r->n_said = reply.n;
	memcpy(r->said, reply.text, reply.n);
	spawn_said(r, str_from(to), line, sizeof(line));
	action_say(answer,
	    rc == 0			   ? ACTION_DONE
		: is_address_fault(&reply) ? ACTION_NEVER
					   : ACTION_AGAIN,
	    "%s: %s", url, line);
	return 1;
}

void
mailer_run(const struct action *action, struct arena *a,
    const struct mime_mail *m, struct str mail, struct action_answer *answer)
{
	const char *sendmail = action->u.mail.sendmail;
	const char *from = str_z(a, m->from), *to = str_z(a, m->to);
	int may_not_rise = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	if (from == NULL || to == NULL)
		action_say(answer, ACTION_AGAIN, "mail: out of memory");
	else if (mailer_is_smtp(sendmail))
		run_smtp(action, a, sendmail, from, to, mail, answer);
	/* one without a server, such as dma, may have got its rights from the
	 * unit */
	else if (!may_not_rise || !mailer_needs_rights(sendmail) ||
	    !run_smtp(action, a, SMTP_LOCAL, from, to, mail, answer))
		run_sendmail(action, a, from, to, mail, answer);
}

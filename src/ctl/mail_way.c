#include "ctl/mail_way.h"

#include <unistd.h>

#include "action/mailer.h"
#include "action/smtp.h"

enum { ANSWER_MS = 3000 };

/* Does systemd run the web program here, by the unit that comes with it? */
static int
is_unit(void)
{
	static const char *const units[] = {
		"/etc/systemd/system/gatepost.service",
		"/lib/systemd/system/gatepost.service",
		"/usr/local/lib/systemd/system/gatepost.service"
	};
	int there = 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		there |= access(units[i], F_OK) == 0;
	return there && access("/run/systemd/system", F_OK) == 0;
}

enum mail_way
mail_way(struct ctl *ctl, const char **text)
{
	const struct rules *rules = &ctl->config->follow_ups;
	const char *sendmail = rules->sendmail;
	struct err e = { .code = ERR_NONE };
	int by_url = mailer_is_smtp(sendmail);
	if ((rules->mail_from.p == NULL && rules->alert_mail.p == NULL) ||
	    (!by_url && !(mailer_needs_rights(sendmail) && is_unit())))
		return MAIL_NONE;
	const char *url = by_url ? sendmail : SMTP_LOCAL;
	if (smtp_answers(url, ANSWER_MS, &e) == 0) {
		*text = arena_printf(ctl->arena, "by SMTP, %s", url);
		return MAIL_GOOD;
	}
	*text = by_url
	    ? arena_printf(ctl->arena,
		  "mails wait: %s; start the mail server there, or let "
		  "sendmail in gatepost.conf name another",
		  e.text)
	    : arena_printf(ctl->arena,
		  "mails wait: gatepost.service cannot run %s, which needs the "
		  "rights of another user, and sends by SMTP to 127.0.0.1, "
		  "port 25, where nobody answers. Start the mail server, or "
		  "install msmtp-mta: gatepost-recipes(7), A MAILER",
		  sendmail);
	return MAIL_BAD;
}

#include <unistd.h>

#include "action/mailer.h"
#include "action/smtp.h"
#include "follow/outbox.h"
#include "health/look.h"

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

int
look_mail(struct health *h, struct err *e)
{
	const struct rules *rules = &h->config->follow_ups;
	const char *sendmail = rules->sendmail;
	struct err why = { .code = ERR_NONE };
	int by_url = mailer_is_smtp(sendmail);
	(void)e;
	if ((rules->mail_from.p == NULL && rules->alert_mail.p == NULL) ||
	    (!by_url && !(mailer_needs_rights(sendmail) && is_unit())))
		return 0;
	const char *url = by_url ? sendmail : SMTP_LOCAL;
	if (smtp_answers(url, ANSWER_MS, &why) == 0)
		health_say(h, FINDING_OK, FINDING_mail, NULL,
		    arena_printf(h->arena, "mail by SMTP, %s", url));
	else if (by_url)
		health_say(h, FINDING_PROBLEM, FINDING_mail, NULL,
		    arena_printf(h->arena,
			"mails wait: %s; start the mail server there, or let "
			"sendmail in gatepost.conf name another",
			why.text));
	else
		health_say(h, FINDING_PROBLEM, FINDING_mail, NULL,
		    arena_printf(h->arena,
			"mails wait: gatepost.service cannot run %s, which "
			"needs the rights of another user, and sends by SMTP "
			"to 127.0.0.1, port 25, where nobody answers. Start "
			"the mail server, or install msmtp-mta",
			sendmail));
	return 0;
}

/* Queues it, as an alert is. */
static int
queue(struct health *h, struct err *e)
{
	struct store *s = NULL;
	const char *once =
	    arena_printf(h->arena, "doctor %lld", (long long)h->now);
	int rc = store_open(h->config->database, STORE_WRITE, &s, e);
	if (rc == 0)
		rc = store_begin(s, e);
	if (rc == 0)
		rc = outbox_alert(s, h->config, once,
		    "This is the mail that 'gatepost doctor --deep' sends: "
		    "alerts reach you.\n",
		    h->now, h->arena, e);
	if (rc == 0)
		rc = store_commit(s, e);
	store_close(s);
	return rc;
}

int
look_owner_mail(struct health *h, struct err *e)
{
	struct str to = h->config->follow_ups.alert_mail;
	struct err why = { .code = ERR_NONE };
	(void)e;
	if (to.p == NULL)
		health_say(h, FINDING_NOTE, FINDING_owner_mail, NULL,
		    "alert_mail is not set: you hear of trouble by looking");
	else if (queue(h, &why) != 0)
		health_say(h, FINDING_PROBLEM, FINDING_owner_mail, NULL,
		    arena_printf(h->arena, "a mail to %.*s was not queued: %s",
			STR_ARG(to), why.text));
	else
		health_say(h, FINDING_OK, FINDING_owner_mail, NULL,
		    arena_printf(h->arena,
			"a mail to %.*s was queued: look whether it arrives; "
			"'gatepost outbox' tells why not",
			STR_ARG(to)));
	return 0;
}

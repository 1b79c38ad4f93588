#ifndef ACTION_MAILER_H
#define ACTION_MAILER_H

#include "action/action.h"
#include "action/mime.h"

/*
 * How a mail leaves this machine: by a program like sendmail(8), or by SMTP.
 * Exim's, Postfix's and dma's sendmail reach their queues by rights of another
 * user or group, which a process with no_new_privs cannot gain (prctl(2)): the
 * shipped systemd unit makes such processes. There the mail goes to the same
 * mailer by SMTP, at 127.0.0.1, port 25.
 */
void mailer_run(const struct action *action, struct arena *a,
    const struct mime_mail *m, struct str mail, struct action_answer *answer);

/* Does the setting name a server, smtp://host[:port], and no program? */
int mailer_is_smtp(const char *sendmail);

/* Is the program, or Postfix's postdrop beside it, set-user-id or
 * set-group-id? */
int mailer_needs_rights(const char *sendmail);

#endif

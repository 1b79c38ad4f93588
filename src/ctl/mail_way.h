#ifndef CTL_MAIL_WAY_H
#define CTL_MAIL_WAY_H

#include "ctl/ctl.h"

enum mail_way {
	MAIL_NONE, /* no mails in the settings, or nothing is known */
	MAIL_GOOD,
	MAIL_BAD, /* none will get out */
};

/* Can the settings' mails leave this host? *text says how, or what to do. */
enum mail_way mail_way(struct ctl *ctl, const char **text);

#endif

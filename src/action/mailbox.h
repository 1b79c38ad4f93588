#ifndef ACTION_MAILBOX_H
#define ACTION_MAILBOX_H

#include "base/str.h"

/*
 * One e-mail address, fit to be an argument of sendmail(8) and a header. Much
 * narrower than RFC 5321, 4.1.2: a dot-atom, '@', and a domain of two labels
 * or more, in ASCII. No quoted local part, no comment, no address literal, no
 * route; nor the characters that mailers have read as pipes, files, relays or
 * lists ( | / \ ! % : ; , ` ), nor a '-' in front, which reads as an option.
 */
enum {
	MAILBOX_MAX = 254, /* bytes; RFC 5321, 4.5.3.1.3 less "<>" */
	MAILBOX_LOCAL_MAX = 64, /* RFC 5321, 4.5.3.1.1 */
	MAILBOX_LABEL_MAX = 63, /* RFC 1035, 2.3.4 */
	MAILBOX_NAME_MAX = 128, /* bytes of a name beside it */
};

/* NULL: it is one. Else what is wrong with it, to stand after "…: "; it shows
 * nothing of the address. */
const char *mailbox_fault(struct str s);

/* "Shop <shop@example.org>" or the address alone, of the settings, never from
 * outside. name is STR_NONE without one, unquoted otherwise. The same
 * answer. */
const char *mailbox_split(struct str s, struct str *name, struct str *address);

/* What stands after '@'. */
struct str mailbox_domain(struct str address);

#endif

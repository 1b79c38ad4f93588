#ifndef CGI_SERVER_TAIL_H
#define CGI_SERVER_TAIL_H

#include "config/config.h"

/*
 * What plain CGI does behind an answer: the mail with a link to sign in, which
 * somebody waits for at the page. It is carried out by a process of its own,
 * so that the answer's end, for which web servers wait, tells nothing about
 * the address. A host that ends such processes, or has no room for one, leaves
 * the mail to `gatepost work --once`.
 */
enum { TAIL_MS = 60000 }; /* no longer than that */

/* Once the answer is written and the database closed. Returns at once. */
void tail_mail(const struct config *config);

#endif

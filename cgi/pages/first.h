#ifndef CGI_PAGES_FIRST_H
#define CGI_PAGES_FIRST_H

#include "cgi/web/app.h"
#include "config/site.h"

/*
 * The first page: what plain CGI shows at its root while there is no
 * configuration anywhere, for a day after the program was uploaded. It asks for
 * what the settings need (first_form.h); posted to itself it shows a
 * configuration with that and with fresh secrets, where to save it, and a button
 * that proves the way (proof.h). Nothing is stored or logged: what a stranger
 * was shown is worth nothing. As soon as there is a file, good, bad or empty, it
 * is not shown again. Of this machine it tells the folder to make, and no other
 * path.
 */
enum { FIRST_SECONDS = 86400 }; /* since the program's own ctime */

struct first {
	const char *file; /* where the configuration belongs */
	const char *refusal; /* why not to go on here, and what to do, in
				whole sentences; NULL: nothing */
};

/*
 * The configuration of a plain CGI request, once nothing speaks against it
 * (config/site.h). NULL with *e, which is for the log alone; where there is no
 * file at all, *first is filled as well, else first->file is NULL.
 */
struct config *
first_config(struct arena *a, struct first *first, struct err *e);

/* Is it a GET or POST of the program's own address? */
int first_asked(const struct request *r);
void first_page(const struct first *first, struct request *r, struct reply *p);

#endif

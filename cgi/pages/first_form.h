#ifndef CGI_PAGES_FIRST_FORM_H
#define CGI_PAGES_FIRST_FORM_H

#include "cgi/web/request.h"
#include "config/template.h"

/*
 * The fields of the first page: the address of the site, for each platform its
 * secret and the token of its API, the owner's address. All but the first may
 * stay empty. What was typed lives in the request's arena, and nowhere else.
 */
enum {
	FIRST_FIELDS_MAX = 2 + 2 * PLATFORM__MAX,
	FIRST_VALUE_MAX = 1024, /* bytes */
};

struct first_field {
	const char *section; /* of the settings; NULL: outside of sections */
	const char *key;
	const char *name; /* of the field */
	const char *label;
	const char *what; /* what it is for, and where to get it */
	struct str value; /* as typed, without blanks around it */
	const char *fault; /* NULL: none; else to stand behind "This " */
};

struct first_form {
	struct first_field v[FIRST_FIELDS_MAX]; /* v[0] is the site's address */
	size_t n;
	int sent; /* it was filled in, on our own page */
	int faults;
};

/* base: the default of the site's address; NULL: none. 0, or -1 without
 * memory. */
int first_form_read(
    struct first_form *f, struct request *r, const char *base, struct err *e);
void first_form_add(const struct first_form *f, struct buf *b);

/* Where the form was sent without faults: what goes into the settings. Returns
 * how many of more are filled; public_url is v[0]. */
size_t first_form_values(
    const struct first_form *f, struct template_value more[FIRST_FIELDS_MAX]);

#endif

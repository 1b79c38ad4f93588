#include "store/pg_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Where an @ or a / of the password was not escaped, a part of it has become
 * host, port or name, which messages quote. */
static int
is_torn(const PQconninfoOption *options)
{
	for (; options->keyword != NULL; options++) {
		const char *v = options->val;
		int is_port = strcmp(options->keyword, "port") == 0;
		if (v == NULL)
			continue;
		if ((is_port && v[strspn(v, "0123456789,")] != '\0') ||
		    (strchr(v, '@') != NULL &&
			(strcmp(options->keyword, "host") == 0 ||
			    strcmp(options->keyword, "dbname") == 0)))
			return 1;
	}
	return 0;
}

PQconninfoOption *
pg_url_parse(const char *where, struct err *e)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(where, &why);
	/* its words may quote the URL, password and all */
	PQfreemem(why);
	if (options != NULL && !is_torn(options))
		return options;
	PQconninfoFree(options);
	err_set(e, ERR_CONFIG,
	    "the URL of the database is not one: see 34.1.1.2 of PostgreSQL's "
	    "manual; in user and password, write @ as %%40, : as %%3A and / as "
	    "%%2F");
	return NULL;
}

int
pg_url_environment(const char *where, struct err *e)
{
	PQconninfoOption *options = pg_url_parse(where, e);
	int rc = options == NULL ? -1 : 0;
	for (PQconninfoOption *o = options; rc == 0 && o->keyword != NULL; o++)
		if (o->val != NULL && o->envvar != NULL &&
		    setenv(o->envvar, o->val, 1) != 0)
			rc = err_set(e, ERR_MEMORY, "out of memory");
	PQconninfoFree(options);
	return rc;
}

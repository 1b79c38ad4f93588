#include "store/pg_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/str.h"

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

/* Of one of several hosts: a folder of sockets, or a name or address of this
 * machine. */
static int
is_here(struct str host)
{
	return host.n == 0 || host.p[0] == '/' || host.p[0] == '@' ||
	    str_eq_fold(host, STR("localhost")) || str_eq_z(host, "::1") ||
	    str_starts(host, STR("127."));
}

static int
are_here(const char *hosts)
{
	struct str host, rest = str_from(hosts);
	while (rest.p != NULL) {
		str_cut(rest, ',', &host, &rest);
		if (!is_here(host))
			return 0;
	}
	return 1;
}

enum store_tls
pg_url_tls(const char *where)
{
	struct err e;
	PQconninfoOption *options = pg_url_parse(where, &e);
	struct str mode = STR_NONE;
	int here = 1;
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL;
	     o++) {
		if (strcmp(o->keyword, "host") == 0 ||
		    strcmp(o->keyword, "hostaddr") == 0)
			here = here && are_here(o->val);
		if (strcmp(o->keyword, "sslmode") == 0)
			mode = str_from(o->val);
	}
	/* libpq's own default is prefer, which goes on in clear (34.19.3) */
	enum store_tls tls = here	    ? STORE_TLS_LOCAL
	    : str_eq_z(mode, "verify-full") ? STORE_TLS_PROVEN
	    : str_eq_z(mode, "require") || str_eq_z(mode, "verify-ca")
	    ? STORE_TLS_UNPROVEN
	    : STORE_TLS_NONE;
	PQconninfoFree(options);
	return tls;
}

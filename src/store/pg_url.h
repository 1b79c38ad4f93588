#ifndef STORE_PG_URL_H
#define STORE_PG_URL_H

#include <libpq-fe.h>

#include "store/db.h"

/* The URL of a PostgreSQL database
 * (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.1.2). */

/* For PQconninfoFree. NULL and ERR_CONFIG where it is none, in words that do
 * not quote it. */
PQconninfoOption *pg_url_parse(const char *where, struct err *e);

/* As struct db_driver has them. */
int pg_url_environment(const char *where, struct err *e);
enum store_tls pg_url_tls(const char *where);

#endif

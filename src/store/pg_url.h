#ifndef STORE_PG_URL_H
#define STORE_PG_URL_H

#include <libpq-fe.h>

#include "store/db.h"

/*
 * The URL of a PostgreSQL database, and the way there
 * (https://www.postgresql.org/docs/15/libpq-connect.html).
 */

/* ERR_CONFIG where it is none, in words that do not quote it. */
int pg_url_check(const char *where, struct err *e);

/* The connection, good or not: PQstatus tells; NULL: out of memory. */
PGconn *pg_url_dial(const char *where, enum db_mode mode);

/* As struct db_driver has it. */
int pg_url_environment(const char *where, struct err *e);

#endif

#ifndef STORE_PG_DIAL_H
#define STORE_PG_DIAL_H

#include <libpq-fe.h>

#include "store/db.h"

/*
 * Connecting to the first of a URL's hosts that answers and will do. libpq asks
 * one after the other and gives each at least 2 s
 * (https://www.postgresql.org/docs/15/libpq-connect.html): longer than a sender
 * waits, if two are gone. Here each has a start of PG_DIAL_AHEAD_MS before the
 * next is asked as well, as RFC 8305 does with addresses, and all together have
 * PG_DIAL_MS; connect_timeout in the URL, seconds, says otherwise. Looking up
 * the name of a host takes as long as the resolver takes.
 */
enum { PG_DIAL_MS = 1500, PG_DIAL_AHEAD_MS = 250, PG_DIAL_HOSTS_MAX = 8 };

/* ERR_DB: none of them, with what each said. */
int pg_dial(const char *where, enum db_mode mode, PGconn **out, struct err *e);

#endif

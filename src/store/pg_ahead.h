#ifndef STORE_PG_AHEAD_H
#define STORE_PG_AHEAD_H

#include "store/pg_pipe.h"

/*
 * Answers that are there before they are asked for, as long as nothing that was
 * written since can have changed them. table: PG_AHEAD_MAX of them, or NULL.
 */

void pg_ahead_wish(struct pg_ahead *table, enum query q,
    const struct db_value *args, size_t n);

/* 1: *out is the answer, the caller's. 0: it has to be asked. */
int pg_ahead_take(struct pg_ahead *table, enum query q,
    const struct db_value *args, size_t n, PGresult **out);

/* Takes the result over. */
void pg_ahead_there(struct pg_ahead *a, PGresult *res);

/* The statement is about to be run: what it may change is to be asked anew. */
void pg_ahead_outdate(struct pg_ahead *table, enum query q,
    const struct db_value *args, size_t n);

void pg_ahead_forget(struct pg_ahead *table);

#endif

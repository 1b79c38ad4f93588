#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/db.h"
#include "store/store.h"

/* Between rows and database values; for the store's own files. */

static inline struct db_value
db_text(struct str s)
{
	return (
	    struct db_value){ .type = s.p == NULL ? DB_NULL : DB_TEXT, .s = s };
}

static inline struct db_value
db_int(int64_t i)
{
	return (struct db_value){ .type = i == STORE_NULL ? DB_NULL : DB_INT,
		.i = i };
}

/* Text where it is clean UTF-8 without NUL, so that a person can read it in
 * the database; a blob otherwise. */
static inline struct db_value
db_bytes(struct str s)
{
	struct db_value v = { .type = DB_TEXT, .s = s };
	if (s.p == NULL)
		v.s = STR("");
	else if (!str_is_utf8(s) || str_has_byte(s, '\0'))
		v.type = DB_BLOB;
	return v;
}

/* STR_NONE for null. */
static inline struct str
db_str(const struct db_value *v)
{
	return v->type == DB_TEXT || v->type == DB_BLOB ? v->s : STR_NONE;
}

/* STORE_NULL for null. */
static inline int64_t
db_number(const struct db_value *v)
{
	return v->type == DB_INT ? v->i : STORE_NULL;
}

int store_run(struct store *s, enum query q, const struct db_value *args,
    size_t n, db_row_fn *fn, void *arg, struct err *e);

/* struct db_driver's ahead. */
void store_look(
    struct store *s, enum query q, const struct db_value *args, size_t n);

/* A script of the sql folder: see struct db_driver. */
enum store_script { STORE_MOVED, STORE_BACK };
int store_script(struct store *s, enum store_script which, struct err *e);

/* The one number a statement returns; *found (may be NULL) 0 for no row. */
int store_number(struct store *s, enum query q, const struct db_value *args,
    size_t n, int64_t *out, int *found, struct err *e);

#endif

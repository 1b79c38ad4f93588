#include "store/rows.h"

struct db_value
db_bytes(struct str s)
{
	struct db_value v = { .type = DB_TEXT, .s = s };
	if (s.p == NULL)
		v.s = STR("");
	else if (!str_is_utf8(s) || str_has_byte(s, '\0'))
		v.type = DB_BLOB;
	return v;
}

struct str
db_str(const struct db_value *v)
{
	return v->type == DB_TEXT || v->type == DB_BLOB ? v->s : STR_NONE;
}

int64_t
db_number(const struct db_value *v)
{
	return v->type == DB_INT ? v->i : STORE_NULL;
}

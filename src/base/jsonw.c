#include "base/jsonw.h"

#include "base/time.h"

static void
comma(struct buf *b)
{
	if (b->n > 0 && strchr("{[: ", b->p[b->n - 1]) == NULL)
		buf_addc(b, ',');
}

void
jsonw_open(struct buf *b, char bracket)
{
	comma(b);
	buf_addc(b, bracket);
}

void
jsonw_close(struct buf *b, char bracket)
{
	buf_addc(b, bracket);
}

void
jsonw_key(struct buf *b, const char *key)
{
	comma(b);
	buf_add_json(b, str_from(key));
	buf_addc(b, ':');
}

void
jsonw_text(struct buf *b, const char *key, struct str value)
{
	jsonw_key(b, key);
	if (value.p == NULL)
		buf_addz(b, "null");
	else
		buf_add_json(b, value);
}

void
jsonw_int(struct buf *b, const char *key, int64_t value)
{
	jsonw_key(b, key);
	if (value == INT64_MIN)
		buf_addz(b, "null");
	else
		buf_addi(b, value);
}

void
jsonw_bool(struct buf *b, const char *key, int value)
{
	jsonw_key(b, key);
	buf_addz(b, value ? "true" : "false");
}

void
jsonw_time(struct buf *b, const char *key, int64_t at)
{
	char text[TIME_TEXT_MAX];
	jsonw_text(
	    b, key, at == INT64_MIN ? STR_NONE : str_from(time_text(at, text)));
}

void
jsonw_raw(struct buf *b, const char *key, struct str json)
{
	jsonw_key(b, key);
	buf_adds(b, json);
}

void
jsonw_element(struct buf *b, struct str value)
{
	comma(b);
	buf_add_json(b, value);
}

#include "ctl/table.h"

#include "base/jsonw.h"
#include "base/time.h"

enum { LIST_DEFAULT = 20, LIST_MAX = 1000000 };

struct cell {
	struct cell *next;
	struct str text;
	size_t width;
};

struct table {
	struct arena *arena;
	size_t columns;
	size_t widths[TABLE_COLUMNS_MAX];
	struct cell *first, *last;
};

/* Characters, which is columns on a terminal for most of them. */
static size_t
width(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

static struct str
cut(struct arena *a, struct str s)
{
	size_t i = 0, n = 0;
	if (width(s) <= TABLE_CELL_MAX)
		return s;
	while (n < TABLE_CELL_MAX - 1) {
		size_t len = str_char(s, i);
		i += len == 0 ? 1 : len;
		n++;
	}
	return str_from(arena_printf(a, "%.*s\xE2\x80\xA6", (int)i, s.p));
}

static void
add(struct table *t, struct str s)
{
	struct buf b;
	struct cell *c = arena_alloc(t->arena, sizeof(*c));
	buf_init(&b, 4096);
	/* four bytes of text for one of what is shown, at the most */
	if (s.n > 1000)
		s.n = 1000;
	buf_add_visible(&b, s);
	char *p = arena_dup(t->arena, b.p == NULL ? "" : b.p, b.n);
	if (c != NULL && p != NULL) {
		c->text = cut(t->arena, (struct str){ p, b.n });
		c->width = width(c->text);
		if (t->last == NULL)
			t->first = c;
		else
			t->last->next = c;
		t->last = c;
	}
	buf_free(&b);
}

struct table *
table_new(struct arena *a, const char *const *heads, size_t columns)
{
	struct table *t = arena_alloc(a, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->arena = a;
	t->columns = columns;
	for (size_t i = 0; i < columns; i++)
		add(t, str_from(heads[i]));
	return t;
}

void
table_cell(struct table *t, struct str s)
{
	if (t != NULL)
		add(t, s.p == NULL ? STR("-") : s);
}

void
table_cell_number(struct table *t, int64_t v)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)v);
	table_cell(t, v == INT64_MIN ? STR_NONE : str_from(text));
}

void
table_cell_time(struct table *t, int64_t at)
{
	char text[TIME_TEXT_MAX];
	table_cell(
	    t, at == INT64_MIN ? STR_NONE : str_from(time_text(at, text)));
}

void
table_print(const struct table *t, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 }, i = 0;
	if (t == NULL) {
		out->failed = 1;
		return;
	}
	for (const struct cell *c = t->first; c != NULL; c = c->next) {
		if (c->width > widths[i])
			widths[i] = c->width;
		i = (i + 1) % t->columns;
	}
	i = 0;
	for (const struct cell *c = t->first; c != NULL; c = c->next) {
		buf_adds(out, c->text);
		int last = i + 1 == t->columns;
		for (size_t k = c->width; !last && k < widths[i] + 2; k++)
			buf_addc(out, ' ');
		if (last)
			buf_addc(out, '\n');
		i = (i + 1) % t->columns;
	}
}

int
list_limit(const struct ctl *ctl, int64_t *limit, struct err *e)
{
	return ctl_number(ctl, "limit", 1, LIST_MAX, LIST_DEFAULT, limit, e);
}

void *
list_begin(struct ctl *ctl, const char *const *heads, size_t columns)
{
	if (!ctl->json)
		return table_new(ctl->arena, heads, columns);
	jsonw_open(&ctl->out, '[');
	return &ctl->out;
}

void
list_end(struct ctl *ctl, void *list)
{
	if (ctl->json)
		buf_addz(&ctl->out, "]\n");
	else
		table_print(list, &ctl->out);
}

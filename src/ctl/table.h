#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "ctl/ctl.h"

/* Aligned text: rows are collected, then printed with columns as wide as
 * their widest cell. Cells are made visible, so that what a buyer typed
 * cannot move the cursor. */
struct table;

enum { TABLE_COLUMNS_MAX = 16, TABLE_CELL_MAX = 44 };

struct table *
table_new(struct arena *a, const char *const *heads, size_t columns);
void table_cell(struct table *t, struct str s); /* STR_NONE prints "-" */
void table_cell_number(struct table *t, int64_t v); /* INT64_MIN: "-" */
void table_cell_time(struct table *t, int64_t at); /* INT64_MIN: "-" */
void table_print(const struct table *t, struct buf *out);

/* --limit of the commands that list. */
int list_limit(const struct ctl *ctl, int64_t *limit, struct err *e);

/* A list as text or, with --json, as JSON. What begin returns is the argument
 * of the row function: a struct table, or ctl->out. */
void *list_begin(struct ctl *ctl, const char *const *heads, size_t columns);
void list_end(struct ctl *ctl, void *list);

#endif
